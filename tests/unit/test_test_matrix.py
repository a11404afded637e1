import os
import sys
from pathlib import Path

import pytest

from tools.debian_servers import NotHere
from tools.test_matrix import LeftOut, Result, find_python, read_report, table

REPORT = '<testsuites><testsuite tests="10" failures="1" errors="2" skipped="3"/></testsuites>'
FINE = '<testsuites><testsuite tests="10" failures="0" errors="0" skipped="3"/></testsuites>'


def put(folder: Path, report: str) -> Path:
    (folder / "report.xml").write_text(report)
    return folder / "report.xml"


class TestAReport:
    def test_tells_how_many_passed_failed_and_were_skipped(self, tmp_path: Path) -> None:
        result = read_report("one", put(tmp_path, REPORT), 1, 12)
        assert result == Result("one", passed=4, failed=3, skipped=3, seconds=12)
        assert not result.is_fine

    def test_of_tests_that_passed_is_fine(self, tmp_path: Path) -> None:
        assert read_report("one", put(tmp_path, FINE), 0, 12).is_fine

    @pytest.mark.parametrize("report", [FINE, "", "<testsuites/>"])
    def test_of_a_pytest_that_failed_is_never_fine(self, tmp_path: Path, report: str) -> None:
        result = read_report("one", put(tmp_path, report), 3, 12)
        assert not result.is_fine
        assert result.trouble == "pytest ended with status 3"

    def test_that_is_missing_is_never_fine(self, tmp_path: Path) -> None:
        assert not read_report("one", tmp_path / "none.xml", 0, 12).is_fine

    def test_of_no_test_is_not_fine(self, tmp_path: Path) -> None:
        nothing = put(tmp_path, FINE.replace("10", "3"))
        assert not read_report("one", nothing, 0, 12).is_fine


def test_the_table_has_a_line_for_each_with_what_was_left_out_and_why() -> None:
    results = [Result("short", 4, 3, 3, 12.4), Result("a longer one", 10, trouble="pytest ended")]
    assert table(results, [LeftOut("another", "there is none")]).splitlines() == [
        "               passed   failed  skipped  seconds",
        "short               4        3        3       12",
        "a longer one       10        0        0        0",
        "another       left out: there is none",
        "a longer one: pytest ended",
    ]


class TestAPython:
    @pytest.fixture(autouse=True)
    def nowhere(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))

    def test_is_found_on_the_path(self, tmp_path: Path) -> None:
        there = program(tmp_path / "bin" / f"python{OURS}", f'exec "{sys.executable}" "$@"')
        assert find_python(OURS) == there

    def test_is_taken_from_pyenv_where_its_name_is_on_the_path_but_does_not_answer(
        self, tmp_path: Path
    ) -> None:
        program(tmp_path / "bin" / f"python{OURS}", "exit 127")
        for patch in ("2", "10"):
            folder = tmp_path / "pyenv" / "versions" / f"{OURS}.{patch}" / "bin"
            program(folder / "python", f'exec "{sys.executable}" "$@"')
        assert find_python(OURS) == tmp_path / "pyenv" / "versions" / f"{OURS}.10" / "bin" / "python"

    def test_of_another_version_is_not_taken(self, tmp_path: Path) -> None:
        program(tmp_path / "bin" / "python3.99", f'exec "{sys.executable}" "$@"')
        with pytest.raises(NotHere, match=r"python3\.99"):
            find_python("3.99")


OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


def program(path: Path, does: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{os.path.realpath('/bin/sh')}\n{does}\n")
    path.chmod(0o755)
    return path
