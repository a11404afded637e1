"""Breaks the core on purpose, one small thing at a time, and looks whether a quick test notices (mutation testing).

`python -m tools.mutants [PART ...] [--processes N]`; without a part all of them. What no test can notice is named in
tests/mutants.md, with the reason. Ends with status 1 if another change went unnoticed, or if one is named there that was
noticed or is not made any more. Everything happens in .tools/mutants, on a copy of the tree.

mutmut makes the changes: in functions only, but for properties and others that have a decorator; in no constant.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import environment
from tools.environment import ROOT, NotSetUp

FOLDER = ROOT / ".tools" / "mutants"
ENVIRONMENT = FOLDER / "environment"
TREE = FOLDER / "tree"
PYTHON = ENVIRONMENT / "bin" / "python"
REQUIREMENTS = ROOT / "tools" / "mutants-requirements.txt"
STAMP = ENVIRONMENT / "installed"
NAMED = ROOT / "tests" / "mutants.md"

TESTS = {
    "domain": ("tests/unit/domain", "tests/unit/commands"),
    "commands": ("tests/unit/commands",),
}
"""Of each part: those that are quick, and need no database."""

COPIED = ("registration", "config", "tests", "tools", "db", "pyproject.toml")
NOTICED = {"killed", "timeout", "caught by type check"}
_RESULT = re.compile(r"\s*(?P<mutant>registration\.\S+): (?P<status>.+)")
_MUTANT = re.compile(r"registration\.(?P<module>[\w.]+)\.x(?:_|ǁ(?P<kind>\w+)ǁ)(?P<function>\w+)__mutmut_\d+")
_LINE = re.compile(r"- `(?P<where>[^`]+)`: `(?P<says>[^`]+)`: (?P<reason>.+)")


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """A change, told so that it is recognised after others have been made elsewhere."""

    where: str
    """As `domain.quota Quota.free_at`."""
    says: str
    """The changed line."""

    def __str__(self) -> str:
        return f"- `{self.where}`: `{self.says}`"


def named(text: str) -> set[Mutant]:
    """Return those that tests/mutants.md gives a reason for."""
    return {Mutant(line["where"], line["says"]) for line in map(_LINE.fullmatch, text.splitlines()) if line}


def unnoticed(results: str) -> Iterator[str]:
    """Return the names of the mutants that no test noticed, of what mutmut reports."""
    for line in map(_RESULT.fullmatch, results.splitlines()):
        if line and line["status"] not in NOTICED:
            yield line["mutant"]


def told(name: str, diff: str) -> Mutant:
    """Return the mutant that mutmut has a name and a diff for."""
    found = _MUTANT.fullmatch(name)
    if found is None:
        raise ValueError(name)
    added = [line[1:].strip() for line in diff.splitlines() if line.startswith("+") and line[:3] != "+++"]
    function = f"{found['kind']}.{found['function']}" if found["kind"] else found["function"]
    return Mutant(f"{found['module']} {function}", " ".join(added))


def verdict(survivors: Iterable[Mutant], excused: Iterable[Mutant], parts: Sequence[str]) -> list[str]:
    """Return what is wrong, a line each: nothing is if exactly those survive that are named for the parts."""
    survived = set(survivors)
    expected = {mutant for mutant in excused if mutant.where.partition(".")[0] in parts}
    return [
        *(f"no test notices   {mutant}" for mutant in sorted(survived - expected)),
        *(f"named for nothing {mutant}" for mutant in sorted(expected - survived)),
    ]


def _prepare() -> None:
    """Make the environment of mutmut and the tree that it works on, which uses the packages in `.venv` too."""
    main = environment.prepare(dev=True)
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not (PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted):
        print("Installing mutmut", flush=True)
        _run(str(main), "-m", "venv", "--clear", str(ENVIRONMENT))
        # Without what they need: the tests are to meet the versions of the lock.
        install = ("-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(REQUIREMENTS))
        _run(str(PYTHON), *install)
        of_main = _run(str(main), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        own = Path(_run(str(PYTHON), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        (own / "project.pth").write_text(of_main)
        STAMP.write_text(wanted)
    shutil.rmtree(TREE, ignore_errors=True)  # nothing is remembered: a test may have become better, or worse
    TREE.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, TREE / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, TREE)


def _configure(parts: Sequence[str]) -> None:
    tests = dict.fromkeys(test for part in parts for test in TESTS[part])
    settings: dict[str, Sequence[str]] = {
        "source_paths": ["registration"],
        "only_mutate": [f"registration/{part}/*" for part in parts],
        "also_copy": ["config", "tools", "db"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "--hypothesis-seed=0"],
        "pytest_add_cli_args_test_selection": list(tests),
    }
    lines = ["[mutmut]", *(f"{name} =\n  " + "\n  ".join(values) for name, values in settings.items())]
    # Each mutant meets tests that nobody has run in its process: Hypothesis would take a second time for a fault.
    lines += [
        "process_isolation = forkserver",
        "track_dependencies = false",
        "use_git_change_detection = false",
    ]
    (TREE / "setup.cfg").write_text("\n".join(lines) + "\n")


def _survivors() -> list[Mutant]:
    mutmut = (str(PYTHON), "-m", "mutmut")
    return [told(name, _run(*mutmut, "show", name)) for name in unnoticed(_run(*mutmut, "results"))]


def _run(*command: str) -> str:
    folder = TREE if TREE.exists() else ROOT
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotSetUp(f"{done.stdout}{done.stderr}\nThis failed, see above: {' '.join(command)}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutants", description="See whether tests notice what is broken on purpose."
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(TESTS))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time")
    arguments = parser.parse_args()
    parts = arguments.parts or list(TESTS)
    if unknown := set(parts) - set(TESTS):
        parser.error(f"there is no {' or '.join(sorted(unknown))}: {', '.join(TESTS)}")
    _prepare()
    _configure(parts)
    run = [str(PYTHON), "-m", "mutmut", "run", "--max-children", str(arguments.processes)]
    if subprocess.run(run, cwd=TREE, check=False).returncode != 0:
        sys.exit("mutmut failed, see above.")
    survivors = _survivors()
    wrong = verdict(survivors, named(NAMED.read_text("utf-8")), parts)
    print(*wrong, f"{len(survivors)} went unnoticed, {len(wrong)} of this is wrong.", sep="\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    try:
        main()
    except NotSetUp as error:
        sys.exit(str(error))
