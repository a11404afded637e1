"""One node of a Galera cluster: a MariaDB server with an address and a folder of its own, run as an ordinary user.

It has the settings that operators are given, config/galera/galera.cnf, and besides only what makes it small and private.
"""

import contextlib
import os
import re
import shutil
import signal
import string
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tools import processes
from tools.addresses import LOOPBACK
from tools.environment import ROOT
from tools.galera_distribution import GaleraDistribution
from tools.server_distribution import NoServer

DATABASE = "registration"
HEALTH_CHECK_USER = "haproxy"
CONFIG = ROOT / "config" / "galera" / "galera.cnf"
SQL_PORT = 3306
START_SECONDS = 60
STOP_SECONDS = 15


class GaleraNode:
    """One server of a cluster."""

    def __init__(
        self, name: str, folder: Path, address: str, password: str, distribution: GaleraDistribution
    ) -> None:
        """`address`: one of loopback's, of which there are 16 million, so that the usual ports are free there."""
        self.name = name
        self.address = address
        self._folder = folder
        self._password = password
        self._distribution = distribution
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def sql_address(self) -> str:
        return f"{self.address}:{SQL_PORT}"

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of a database. The user may make and drop any whose name begins with `registration`."""
        return self.url_through(self.sql_address, database)

    def url_through(self, address: str, database: str = DATABASE) -> str:
        """Return the URL of the same database for who asks a balancer."""
        return f"mysql://registration:{self._password}@{address}/{database}"

    def initialise(self) -> None:
        """Make the data of a cluster's first node; the others are given theirs by the cluster."""
        server = self._distribution.server
        command = [
            *server.command(server.program("mariadb-install-db"), "--no-defaults"),
            f"--datadir={self._data}",
            f"--tmpdir={self._temporary}",
            "--skip-test-db",
            "--force",  # or it fails where the machine's name cannot be looked up
            # everyone on this machine can reach the port: root comes in by the socket only
            "--auth-root-authentication-method=socket",
            f"--auth-root-socket-user={self._distribution.user}",
        ]
        result = subprocess.run(
            [*_as_user(self._distribution.user), *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise NoServer(f"{command[0]} failed: {(result.stderr or result.stdout).strip()[-1000:]}")

    def start(self, group: Sequence["GaleraNode"], *, bootstraps: bool) -> None:
        """Start the server, as the first of the group or to join it, and wait until it has all that the group has."""
        self.begin_to_start(group, bootstraps=bootstraps)
        deadline = time.monotonic() + START_SECONDS
        while not self.is_synced():
            if not self.is_running or time.monotonic() > deadline:
                raise NoServer(f"The node {self.name} does not start: {self._complaint()}")
            time.sleep(0.05)

    def last_transaction(self) -> int:
        """Of one that does not run, the number of the last transaction that it has; -1 if nobody knows."""
        state = self._state.read_text() if self._state.exists() else ""
        clean = re.search(r"^seqno:\s*(\d+)$", state, re.MULTILINE)
        position = f":{clean[1]}" if clean else self._position_after_a_crash()
        return int(position.rpartition(":")[2]) if position else -1

    def bootstrap_again(self, group: Sequence["GaleraNode"]) -> None:
        """Start the server as the first one after a full stop, because it is known to have got furthest."""
        text = self._state.read_text()
        self._state.write_text(text.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"))
        self.start(group, bootstraps=True)

    def begin_to_start(self, group: Sequence["GaleraNode"], *, bootstraps: bool) -> None:
        """Start the server, unless it runs, and do not wait. After a crash it goes on from where it was."""
        if self.is_running:
            return
        self.kill()  # one that was killed by others may have left what it had started
        self._write_settings(group)
        server = self._distribution.server
        command = server.command(server.server, f"--defaults-file={self._settings}")
        if position := self._position_after_a_crash():
            command += [f"--wsrep-start-position={position}"]
        if bootstraps:
            command += ["--wsrep-new-cluster", f"--init-file={self._write_init_file()}"]
        self._process = processes.start(
            [*_as_user(self._distribution.user), *command],
            signal_if_we_die="KILL",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """Have the server leave the group and end; insist if it does not."""
        if self._process:
            self.resume()  # else one that is frozen would not hear
            processes.stop(self._process, STOP_SECONDS)
            _kill_session(self._process.pid)  # what it had started to transfer a database
            self._process = None

    def kill(self) -> None:
        """End the server as a crash does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            _kill_session(self._process.pid)
            self._process = None

    def freeze(self) -> None:
        """Let the server hang, its connections too, until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return self._process.pid if self._process and self.is_running else None

    def is_synced(self) -> bool:
        """Whether it has all that the group has, and answers."""
        return self._status().get("wsrep_local_state_comment") == "Synced"

    def group_size(self) -> int:
        """Return how many nodes this one knows of, itself among them; 0 if it is not ready for statements."""
        status = self._status()
        return int(status.get("wsrep_cluster_size", 0)) if status.get("wsrep_ready") == "ON" else 0

    @property
    def log(self) -> Path:
        return self._folder / "server.log"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _state(self) -> Path:
        """What Galera knows of the data: where it stands, unknown while the server runs, and whether it may begin."""
        return self._data / "grastate.dat"

    @property
    def _temporary(self) -> Path:
        return self._folder / "tmp"

    @property
    def _settings(self) -> Path:
        return self._folder / "node.cnf"

    def administer(self, statement: str) -> str:
        """Run a statement with all rights, and return its rows, tab-separated. Raises NoServer with what is wrong."""
        server = self._distribution.server
        client = server.command(
            server.program("mariadb"),
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--connect-timeout=2",
            f"--socket={self._data / 'socket'}",
            f"--user={self._distribution.user}",
            f"--execute={statement}",
        )
        result = subprocess.run(
            [*_as_user(self._distribution.user), *client],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise NoServer(f"{self.name}: {result.stderr.strip()}")
        return result.stdout

    def _signal(self, number: signal.Signals) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _position_after_a_crash(self) -> str | None:
        """Where the server was, by InnoDB's word, as Debian's `galera_recovery` asks it; None after a clean end.

        Without it the node would be given the whole database.
        """
        if not self._state.exists() or not re.search(r"^seqno:\s*-1$", self._state.read_text(), re.MULTILINE):
            return None
        report = self._folder / "recovery.log"
        report.unlink(missing_ok=True)
        server = self._distribution.server
        command = server.command(server.server, f"--defaults-file={self._settings}", "--wsrep-recover")
        subprocess.run(
            [*_as_user(self._distribution.user), *command, f"--log-error={report}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        found = re.search(r"Recovered position:\s*(\S+:\d+)", report.read_text() if report.exists() else "")
        return found[1] if found else None

    def _status(self) -> dict[str, str]:
        """The server's own word on the cluster; nothing as long as it does not answer."""
        server = self._distribution.server
        client = server.command(
            server.program("mariadb"),
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--connect-timeout=2",
            f"--host={self.address}",
            f"--port={SQL_PORT}",
            "--user=registration",
            "--execute=SHOW GLOBAL STATUS LIKE 'wsrep\\_%'",
        )
        result = subprocess.run(
            client,
            env=os.environ | {"MYSQL_PWD": self._password},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return {
            name: value for name, _, value in (line.partition("\t") for line in result.stdout.splitlines())
        }

    def _write_settings(self, group: Sequence["GaleraNode"]) -> None:
        """Write the operators' file, filled in, and beside it what only we want, which is read later and so holds."""
        places = {
            "GALERA_NODE_NAME": self.name,
            "GALERA_NODE_ADDRESS": self.address,
            "GALERA_ADDRESSES": ",".join(node.address for node in group),
        }
        filled_in = self._folder / "galera.cnf"
        filled_in.write_text(string.Template(CONFIG.read_text("utf-8")).substitute(places), "utf-8")
        own = {
            "datadir": self._data,
            # a server that starts removes other servers' temporary tables from a folder that they share
            "tmpdir": self._temporary,
            "socket": self._data / "socket",
            "pid_file": self._data / "pid",
            "log_error": self.log,
            "port": SQL_PORT,
            "wsrep_provider": self._distribution.provider,
            "innodb_buffer_pool_size": "64M",
            "innodb_log_file_size": "16M",
        }
        lines = [f"!include {filled_in}", "[mariadbd]", *(f"{name} = {value}" for name, value in own.items())]
        self._settings.write_text("\n".join(lines) + "\n")

    def _write_init_file(self) -> Path:
        """What the first node does before it answers, and the others then receive."""
        statements = [f"CREATE DATABASE IF NOT EXISTS {DATABASE};"]
        for host in (LOOPBACK, "localhost"):
            statements += [
                f"CREATE USER IF NOT EXISTS 'registration'@'{host}' IDENTIFIED BY '{self._password}';",
                f"GRANT ALL ON `{DATABASE}%`.* TO 'registration'@'{host}';",
                f"CREATE USER IF NOT EXISTS '{HEALTH_CHECK_USER}'@'{host}';",
            ]
        file = self._folder / "init.sql"
        file.touch(mode=0o600)
        file.write_text("\n".join(statements) + "\n")
        shutil.chown(file, self._distribution.user)
        return file

    def _complaint(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        errors = [line for line in lines if "ERROR" in line]
        return " / ".join(errors[-3:]) or "it says nothing of why"


def _as_user(user: str) -> list[str]:
    """Return what to put before a command for root to run it as the user.

    Who changes the user forgets whose death it is to be told of, so that is said again.
    """
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--pdeathsig=KILL", "--"]


def _kill_session(session: int) -> None:
    """Kill the processes of a session whose leader, a child of ours, has ended."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                os.kill(int(status.parent.name), signal.SIGKILL)
