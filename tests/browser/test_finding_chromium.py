from pathlib import Path

import pytest

from tools import apt, chromium


@pytest.mark.parametrize(
    "version, is_taken",
    [
        ("Chromium 156.0.1 built on Debian", True),
        ("Chromium 122.9", False),
        ("a snap, and not installed", False),
    ],
)
def test_only_a_program_that_runs_and_is_new_enough_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, is_taken: bool
) -> None:
    program = tmp_path / "chromium"
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    monkeypatch.setattr(apt, "install", lambda *_: False)

    if is_taken:
        assert chromium.find() == program
    else:
        with pytest.raises(chromium.NoChromium, match="apt-get install chromium"):
            chromium.find()


def test_it_is_installed_where_that_is_possible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def install(*packages: str) -> bool:
        assert "chromium" in packages
        (tmp_path / "chromium").write_text("#!/bin/sh\necho Chromium 156.0\n")
        (tmp_path / "chromium").chmod(0o755)
        return True

    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    monkeypatch.setattr(apt, "install", install)

    assert chromium.find() == tmp_path / "chromium"
