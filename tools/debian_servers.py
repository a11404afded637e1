"""Database servers of other Debian releases, unpacked into folders of their own, beside this system's.

Only for root, on Debian: each is a small system, and its server runs with that as its root (`chroot`).
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools import apt

CACHE = Path("/var/cache/registration-servers")
"""Where nobody but root may write: root runs what is in there."""


class NotHere(Exception):
    """This machine cannot unpack the server; the message says why."""


@dataclass(frozen=True, slots=True)
class DebianServer:
    """A server as a Debian release has it."""

    name: str
    release: str
    packages: tuple[str, ...]

    @property
    def folder(self) -> Path:
        # Short, for the path of a socket below it may have 107 characters.
        return CACHE / f"{self.packages[0].partition('-')[0]}-{self.release}"


MARIADB_11_8 = DebianServer("MariaDB 11.8", "trixie", ("mariadb-server-core", "mariadb-client-core"))
MYSQL_9 = DebianServer("MySQL 9", "sid", ("mysql-server-core", "mysql-client-core"))


def unpacked(server: DebianServer) -> Path:
    """Return the folder with the system that has the server, unpacked now if it was not before. Raises NotHere."""
    if os.geteuid() != 0:
        raise NotHere("only root may run a server of another system")
    if not server.folder.exists():
        _unpack(server)
    return server.folder


def _unpack(server: DebianServer) -> None:
    if not shutil.which("mmdebstrap") and not apt.install("mmdebstrap"):
        raise NotHere("there is no mmdebstrap")
    CACHE.mkdir(mode=0o700, exist_ok=True)
    fresh = server.folder.with_suffix(".new")  # one that was interrupted is not taken for whole
    shutil.rmtree(fresh, ignore_errors=True)
    print(f"Unpacking {server.name} into {server.folder}, half a minute", flush=True)
    command = [
        "mmdebstrap",
        "--variant=minbase",
        "--aptopt=Acquire::Check-Valid-Until false",  # what a mirror has of unstable may be past its date
        f"--include={','.join(server.packages)}",
        server.release,
        str(fresh),
        f"deb {_archive()} {server.release} main",
    ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotHere(f"mmdebstrap failed: {done.stderr.strip()[-500:]}")
    fresh.rename(server.folder)


def _archive() -> str:
    """Where this machine's apt takes Debian from: it may be a mirror."""
    targets = ("apt-get", "indextargets", "--format=$(REPO_URI)")
    of_debian = ("Created-By: Packages", "Origin: Debian", "Label: Debian")
    try:
        found = subprocess.run([*targets, *of_debian], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        found = ""
    if not found:
        raise NotHere("this machine's apt knows no Debian archive")
    return found.splitlines()[0]
