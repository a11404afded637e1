"""Finding a Chromium for the browser tests, and installing Debian's where that takes no question."""

import re
import shutil
import subprocess
from pathlib import Path

from tools import apt

NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-dejavu-core")  # a machine without a screen may have no font
OLDEST = 123  # the first that knows CSS light-dark()

FLAGS = (
    "--no-sandbox",  # which root cannot have; it only ever sees our own pages
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # It asks nobody anything: neither for updates nor for what it might like to know.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class NoChromium(Exception):
    """There is no Chromium that could be used; the message says what to do."""


def find() -> Path:
    """Find the program; install Debian's where that is possible. Raises NoChromium."""
    found = _installed() or (apt.install(*PACKAGES) and _installed())
    if not found:
        raise NoChromium(
            f"There is no Chromium {OLDEST} or later: install it (on Debian: apt-get install {' '.join(PACKAGES)})."
        )
    return found


def _installed() -> Path | None:
    programs = (Path(path) for path in map(shutil.which, NAMES) if path)
    return next((program for program in programs if _version(program) >= OLDEST), None)


def _version(program: Path) -> int:
    """Return 0 for what does not run: Ubuntu's package of that name only points to a snap."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"(\d+)\.", done.stdout)
    return int(match[1]) if match else 0
