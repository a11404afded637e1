"""Finding promtool, which checks what Prometheus is given, and fetching Debian's where that takes no question.

Debian has it in one package with Prometheus, which would start as a service at once. So that is not installed: the
program is taken out of the package and put into `.tools`, which needs no rights.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tools import apt
from tools.environment import ROOT

PACKAGE = "prometheus"
INSIDE = Path("usr/bin/promtool")
FETCHED = ROOT / ".tools" / "promtool"


class NoPromtool(Exception):
    """There is no promtool that could be used; the message says what to do."""


def find() -> Path:
    """Find the program; fetch Debian's where that is possible. Raises NoPromtool."""
    found = _present() or (_fetch() and _present())
    if not found:
        raise NoPromtool(
            f"There is no promtool: install Prometheus (on Debian and Ubuntu: apt-get install {PACKAGE})."
        )
    return found


def _present() -> Path | None:
    installed = shutil.which("promtool")
    if installed:
        return Path(installed)
    return FETCHED if FETCHED.exists() else None


def _fetch() -> bool:
    FETCHED.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FETCHED.parent) as folder:
        package = apt.download(PACKAGE, Path(folder))
        if package is None:
            return False
        unpack = ["dpkg-deb", "--extract", str(package), folder]
        if subprocess.run(unpack, capture_output=True, check=False).returncode != 0:
            return False
        (Path(folder) / INSIDE).rename(FETCHED)
    return True
