"""Runs all tests against each database server and with each Python that is supported, one after another.

`python -m tools.test_matrix [--only WORD] [pytest's arguments]`. Each server meets the Python of `.venv`, and each other
Python this machine's server. It says what was left out because the machine lacks it, and ends with status 1 if a test
failed or if nothing could be run. The other servers come from Debian (see debian_servers; only root may run them), and
stay unpacked in /var/cache/registration-servers.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from xml.etree import ElementTree as ET

from tools import environment, processes
from tools.debian_servers import MARIADB_11_8, MYSQL_9, DebianServer, NotHere, unpacked
from tools.environment import ROOT, NotSetUp
from tools.server_distribution import NoServer, find

PYTHONS = ("3.11", "3.12", "3.13")
OTHER_SERVERS = (MARIADB_11_8, MYSQL_9)
FOLDER = ROOT / ".tools" / "matrix"
SETTINGS_OF_TESTS = "REGISTRATION_TEST_"


@dataclass(frozen=True, slots=True)
class Setting:
    """What the tests are run with."""

    python: Path
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Combination:
    name: str
    prepare: Callable[[], Setting]
    """Raises NotHere if this machine lacks what it takes."""

    @property
    def log(self) -> Path:
        return FOLDER / f"{self.name.replace(', ', '-').replace(' ', '-').lower()}.log"


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0
    trouble: str = ""
    """Why it went wrong although no test failed."""

    @property
    def is_fine(self) -> bool:
        return self.passed > 0 and not self.failed and not self.trouble


@dataclass(frozen=True, slots=True)
class LeftOut:
    name: str
    reason: str


def combinations() -> Iterator[Combination]:
    main = _version(Path(sys.executable))
    yield Combination(f"{_own_server()}, Python {main}", partial(Setting, Path(sys.executable)))
    for server in OTHER_SERVERS:
        yield Combination(f"{server.name}, Python {main}", partial(_with, server))
    for python in PYTHONS:
        if python != main:
            yield Combination(f"{_own_server()}, Python {python}", partial(_with_python, python))


def run(combination: Combination, arguments: Sequence[str]) -> Result | LeftOut:
    """Run the tests, which takes minutes; their output goes to the combination's log."""
    try:
        setting = combination.prepare()
    except NotHere as reason:
        return LeftOut(combination.name, str(reason))
    report = combination.log.with_suffix(".xml")
    report.unlink(missing_ok=True)
    command = [str(setting.python), "-m", "pytest", f"--junit-xml={report}", *arguments]
    untouched = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_OF_TESTS)}
    print(f"{combination.name}: see {combination.log.relative_to(ROOT)}", flush=True)
    began_at = time.monotonic()
    with combination.log.open("wb") as log:
        process = processes.start(
            command, cwd=ROOT, env=untouched | setting.variables, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            status = process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)  # so that pytest throws its servers away
            process.wait()
            raise
    return read_report(combination.name, report, status, time.monotonic() - began_at)


def read_report(name: str, report: Path, status: int, seconds: float) -> Result:
    """Return what pytest's report counts. One that is missing, or that does not tell why pytest failed, is trouble."""
    trouble = f"pytest ended with status {status}"
    try:
        suite = ET.parse(report).getroot().find("testsuite")  # noqa: S314 - pytest has just written it
    except (FileNotFoundError, ET.ParseError):
        suite = None
    if suite is None:
        return Result(name, seconds=seconds, trouble=trouble)
    tests, failures, errors, skipped = (
        int(suite.attrib[count]) for count in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    return Result(
        name,
        passed=tests - failed - skipped,
        failed=failed,
        skipped=skipped,
        seconds=seconds,
        trouble=trouble if status != 0 and not failed else "",
    )


def table(results: Sequence[Result], left_out: Sequence[LeftOut]) -> str:
    header = ("", "passed", "failed", "skipped", "seconds")
    rows = [
        (each.name, f"{each.passed}", f"{each.failed}", f"{each.skipped}", f"{each.seconds:.0f}")
        for each in results
    ]
    names = [each.name for each in results] + [each.name for each in left_out]
    width = max(map(len, names))
    lines = ["".join([f"{row[0]:{width}}", *(f"{cell:>9}" for cell in row[1:])]) for row in (header, *rows)]
    troubles = [f"{each.name}: {each.trouble}" for each in results if each.trouble]
    missing = [f"{each.name:{width}}  left out: {each.reason}" for each in left_out]
    return "\n".join([*lines, *missing, *troubles])


def _with(server: DebianServer) -> Setting:
    return Setting(Path(sys.executable), {"REGISTRATION_TEST_SERVER": str(unpacked(server))})


def _with_python(version: str) -> Setting:
    return Setting(environment.prepare_another(FOLDER / f"python{version}", find_python(version)))


def find_python(version: str) -> Path:
    """Return a Python of that version on PATH, or pyenv's newest. Raises NotHere."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    of_pyenv = sorted(pyenv.glob(f"{version}.*"), key=_patch_level, reverse=True)
    on_path = shutil.which(f"python{version}")
    for found in (*([Path(on_path)] if on_path else []), *(folder / "bin" / "python" for folder in of_pyenv)):
        if (
            _version(found) == version
        ):  # pyenv puts a name on PATH for each version, and not all of them answer
            return found
    raise NotHere(f"there is no python{version}")


def _patch_level(folder: Path) -> int:
    last = folder.suffix[1:]
    return int(last) if last.isdecimal() else -1


def _version(python: Path) -> str:
    """As `3.11`; empty if it does not answer."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def _own_server() -> str:
    own = find()
    return f"{own.kind} {own.version[0]}.{own.version[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.test_matrix",
        description="Run all tests with each server and each Python.",
        epilog="Other arguments are pytest's.",
    )
    parser.add_argument(
        "--only", metavar="WORD", default="", help="those whose name has it, as `MySQL` or `3.13`"
    )
    chosen, arguments = parser.parse_known_args()
    processes.interrupt_on_signals()
    FOLDER.mkdir(parents=True, exist_ok=True)
    outcomes = [
        run(combination, arguments)
        for combination in combinations()
        if chosen.only.lower() in combination.name.lower()
    ]
    results = [outcome for outcome in outcomes if isinstance(outcome, Result)]
    if outcomes:
        print(table(results, [outcome for outcome in outcomes if isinstance(outcome, LeftOut)]))
    if not results or not all(result.is_fine for result in results):
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except (NoServer, NotSetUp) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
