"""HAProxy as operators run it: finding the program, and running the files in config/haproxy, filled in."""

import contextlib
import csv
import io
import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from tools import apt
from tools.addresses import LOOPBACK, free_port
from tools.environment import ROOT
from tools.program import Program

PACKAGES = ("haproxy",)
CONFIG = ROOT / "config" / "haproxy"


class NoHAProxy(Exception):
    """There is no HAProxy that could be used; the message says what to do."""


def find() -> Path:
    """Find the program; install Debian's where that is possible. Raises NoHAProxy."""
    found = _installed() or (apt.install_without_services(*PACKAGES) and _installed())
    if not found:
        raise NoHAProxy(
            f"There is no HAProxy: install it (on Debian and Ubuntu: apt-get install {PACKAGES[0]})."
        )
    return found


def _installed() -> Path | None:
    found = shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    return Path(found) if found else None


class Balancer(Program):
    """An HAProxy that runs one of the files. `addresses` are what the file leaves to the environment."""

    def __init__(
        self, name: str, program: Path, sockets: Path, logs: Path, addresses: Mapping[str, str]
    ) -> None:
        """`name`: the file's, which is `name`.cfg; `sockets`: a folder with a short path."""
        stats = f"{LOOPBACK}:{free_port()}"
        self._socket = sockets / f"{name}.sock"
        self.stats_url = f"http://{stats}/"
        self.addresses = {**addresses, "HAPROXY_STATS": stats, "HAPROXY_SOCKET": str(self._socket)}
        others = {
            key: value for key, value in os.environ.items() if not key.startswith(("GALERA_", "REPLICA_"))
        }
        super().__init__(
            f"{name}-balancer",
            [str(program), "-db", "-f", str(CONFIG / f"{name}.cfg")],
            logs / f"{name}-balancer.log",
            {**others, **self.addresses},
        )

    def ask(self, command: str) -> str:
        """Give HAProxy's runtime socket a command, and return its answer. Raises OSError."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self._socket))
            connection.sendall(command.encode() + b"\n")
            parts = iter(lambda: connection.recv(65536), b"")
            return b"".join(parts).decode()

    def servers(self, backend: str) -> dict[str, str]:
        """What HAProxy thinks of each server of a backend: `UP`, `DOWN`, `MAINT`…; nothing while it does not answer."""
        with contextlib.suppress(OSError):
            rows = csv.DictReader(io.StringIO(self.ask("show stat").removeprefix("# ")))
            return {
                row["svname"]: row["status"].split()[0]
                for row in rows
                if row["pxname"] == backend and row["svname"] not in {"FRONTEND", "BACKEND"}
            }
        return {}
