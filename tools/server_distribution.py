"""Finding a MariaDB or MySQL server's programs, and installing MariaDB where that takes no question."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools import apt

HERE = Path("/")
OLDEST = {"MariaDB": (10, 11), "MySQL": (8, 4)}
PACKAGES = ("mariadb-server-core", "mariadb-client-core")  # no service, no user, no /var/lib/mysql


class NoServer(Exception):
    """There is no database server that could be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A server's programs, in this system or below `root`, where another system lives (chroot: only for root)."""

    root: Path
    kind: Literal["MariaDB", "MySQL"]
    version: tuple[int, int]
    server: Path

    def command(self, program: Path, *arguments: str) -> list[str]:
        return _command(self.root, program, *arguments)

    def inside(self, path: Path) -> str:
        """Return the path as the server sees it."""
        return str(HERE / path.relative_to(self.root))

    def program(self, *names: str) -> Path:
        found = _which(self.root, *names)
        if found is None:
            raise NoServer(f"{self.kind} is here, but not its {names[0]}: install that.")
        return found


def find(root: Path = HERE) -> Distribution:
    """Find the server below `root`; in this system install MariaDB where that is possible. Raises NoServer."""
    server = _which(root, "mariadbd", "mysqld")
    if server is None and root == HERE and apt.install(*PACKAGES):
        server = _which(root, "mariadbd", "mysqld")
    if server is None:
        raise NoServer(
            f"There is no MariaDB server in {root}: install MariaDB 10.11 or later (on Debian and Ubuntu: "
            f"apt-get install {' '.join(PACKAGES)}), or name a database of your own in REGISTRATION_DATABASE_URL "
            "(for the tests in REGISTRATION_TEST_DATABASE_URL)."
        )
    return _identify(root, server)


def _identify(root: Path, server: Path) -> Distribution:
    version_of = _command(root, server, "--no-defaults", "--version")
    text = subprocess.run(version_of, capture_output=True, text=True, check=True).stdout
    match = re.search(r"Ver (\d+)\.(\d+)", text)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    kind: Literal["MariaDB", "MySQL"] = "MariaDB" if "MariaDB" in text else "MySQL"
    if version < OLDEST[kind]:
        raise NoServer(f"{server} is too old, MariaDB 10.11 or MySQL 8.4 is needed: {text.strip()}")
    return Distribution(root, kind, version, server)


def _command(root: Path, program: Path, *arguments: str) -> list[str]:
    prefix = [] if root == HERE else ["chroot", str(root)]
    return [*prefix, str(program), *arguments]


def _which(root: Path, *names: str) -> Path | None:
    own = os.environ.get("PATH", "") if root == HERE else ""
    # An ordinary user's PATH often lacks the sbin folders, where servers are.
    path = os.pathsep.join(
        [own, *(str(root / folder) for folder in ("usr/sbin", "usr/bin", "usr/local/sbin"))]
    )
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    return HERE / Path(found).relative_to(root) if found else None
