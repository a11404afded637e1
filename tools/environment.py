"""Sets up the virtual environment: what the lock says, in `.venv`, by a pipenv in a folder of its own.

`python -m tools.environment [--dev]`. Quick when there is nothing to do.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
STAMP = ROOT / ".venv" / "installed.json"
PIPENV = ROOT / ".tools" / "bin" / "pipenv"
PIPENV_VERSION = "2026.10.3"


class NotSetUp(Exception):
    """The environment could not be set up; the message says what to do."""


def prepare(*, dev: bool) -> Path:
    """Install what the lock says, with `dev` the tools and tests' packages too; return the environment's Python."""
    installed = _installed()
    if not PYTHON.exists() or installed["lock"] != _lock_digest() or (dev and not installed["dev"]):
        _sync(dev=dev or bool(installed["dev"]))
    return PYTHON


def prepare_another(folder: Path, python: Path) -> Path:
    """Make an environment for another Python in a folder of its own, with the tools and tests' packages."""
    stamp, its_python = folder / STAMP.name, folder / "bin" / "python"
    if stamp.exists() and stamp.read_text() == _lock_digest() and _answers(its_python):
        return its_python
    if not _answers(PIPENV):
        _install_pipenv()
    print(f"Installing packages as Pipfile.lock says into {folder.relative_to(ROOT)}", flush=True)
    _run([str(python), "-m", "venv", "--clear", str(folder)])
    # pipenv installs into the environment that is active.
    _run([str(PIPENV), "sync", "--dev"], {"PIPENV_IGNORE_VIRTUALENVS": "", "VIRTUAL_ENV": str(folder)})
    stamp.write_text(_lock_digest())
    return its_python


def _sync(*, dev: bool) -> None:
    if not _answers(PIPENV):
        _install_pipenv()
    print(
        "Installing packages as Pipfile.lock says, which takes some twenty seconds the first time", flush=True
    )
    STAMP.unlink(missing_ok=True)
    which_python = [] if _answers(PYTHON) else ["--python", sys.executable]
    _run([str(PIPENV), *which_python, "sync", *(["--dev"] if dev else [])])
    STAMP.write_text(json.dumps({"lock": _lock_digest(), "dev": dev}))


def _install_pipenv() -> None:
    if importlib.util.find_spec("ensurepip") is None:  # Debian has it in a package of its own
        raise NotSetUp(
            "Python's venv module is not complete: install it (Debian, Ubuntu: apt-get install python3-venv)."
        )
    print(f"Installing pipenv {PIPENV_VERSION} into {PIPENV.parent.parent.name}", flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(PIPENV.parent.parent)])
    _run([str(PIPENV.parent / "python"), "-m", "pip", "install", "--quiet", f"pipenv=={PIPENV_VERSION}"])


def _run(command: list[str], variables: Mapping[str, str] = MappingProxyType({})) -> None:
    """Run the command with pipenv kept to this folder; its output is shown only if it fails."""
    keep_here = {
        "PIPENV_PIPFILE": str(ROOT / "Pipfile"),
        "PIPENV_VENV_IN_PROJECT": "1",
        "PIPENV_IGNORE_VIRTUALENVS": "1",
        "PIPENV_NOSPIN": "1",
    }
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **keep_here, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise NotSetUp(f"{result.stdout}{result.stderr}\nThis failed, see above: {' '.join(command)}")


def _answers(program: Path) -> bool:
    """Whether the program is there, and the Python that it needs too."""
    try:
        return subprocess.run([str(program), "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _lock_digest() -> str:
    return hashlib.sha256((ROOT / "Pipfile.lock").read_bytes()).hexdigest()


def _installed() -> dict[str, str | bool]:
    """What was installed last by us; nothing, where the environment was made by hand."""
    nothing: dict[str, str | bool] = {"lock": "", "dev": False}
    return nothing | json.loads(STAMP.read_text()) if STAMP.exists() else nothing


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.environment", description="Set up the virtual environment."
    )
    parser.add_argument("--dev", action="store_true", help="what tools and tests need, too")
    prepare(dev=parser.parse_args().dev)


if __name__ == "__main__":
    try:
        main()
    except NotSetUp as error:
        sys.exit(str(error))
