"""The environment that the peers run in, made when they are first wanted."""

import hashlib
import subprocess
import sys
from pathlib import Path

from bench.stage import ROOT, Broken

FOLDER = ROOT / ".tools" / "peers"
PYTHON = FOLDER / "bin" / "python"
REQUIREMENTS = ROOT / "bench" / "peers" / "requirements.txt"
STAMP = FOLDER / "installed"


def prepare() -> Path:
    """Install what the requirements say; return the environment's Python. Quick when there is nothing to do."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not (PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted):
        print("Installing the peers, which takes some twenty seconds the first time", flush=True)
        _run(sys.executable, "-m", "venv", "--clear", str(FOLDER))
        _run(str(PYTHON), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS))
        STAMP.write_text(wanted)
    return PYTHON


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"{done.stdout}{done.stderr}\nThis failed, see above: {' '.join(command)}")
