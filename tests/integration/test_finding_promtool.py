import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import apt, promtool


@pytest.fixture
def bin_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only one on PATH; nothing has been fetched before."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(promtool, "FETCHED", tmp_path / "tools" / "promtool")
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """One as Debian's, but for what is in the program."""
    build = shutil.which("dpkg-deb")
    if build is None:
        pytest.skip("packages are Debian's")
    content = tmp_path / "content"
    for name, text in {
        "DEBIAN/control": "Package: prometheus\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: a\n",
        "usr/bin/promtool": "#!/bin/sh\necho it runs\n",
        "usr/bin/prometheus": "#!/bin/sh\nsleep 1000\n",
    }.items():
        file = content / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    package = tmp_path / "prometheus.deb"
    subprocess.run([build, "--build", content, package], stdout=subprocess.DEVNULL, check=True)
    return package


def test_one_that_is_installed_is_preferred(monkeypatch: pytest.MonkeyPatch, bin_folder: Path) -> None:
    monkeypatch.setattr(apt, "download", lambda *_: None)
    (bin_folder / "promtool").touch(mode=0o755)
    assert promtool.find() == bin_folder / "promtool"


def test_it_alone_is_taken_out_of_its_package_once(
    package: Path, monkeypatch: pytest.MonkeyPatch, bin_folder: Path
) -> None:
    fetched = []

    def download(name: str, folder: Path) -> Path:
        fetched.append(name)
        return package.rename(folder / package.name)

    monkeypatch.setattr(apt, "download", download)
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(shutil, "which", lambda _: None)

    for _ in range(2):
        program = promtool.find()
        assert subprocess.run([program], capture_output=True, check=True).stdout == b"it runs\n"
    assert fetched == ["prometheus"]
    assert list(program.parent.iterdir()) == [program]


@pytest.mark.usefixtures("bin_folder")
def test_where_there_is_none_one_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "download", lambda *_: None)
    with pytest.raises(promtool.NoPromtool, match="apt-get install prometheus"):
        promtool.find()
