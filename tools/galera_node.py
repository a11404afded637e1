"""One node of a Galera cluster: a MariaDB server with ports and a folder of its own, run as an ordinary user."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import processes
from tools.addresses import LOOPBACK
from tools.galera_distribution import GaleraDistribution
from tools.server_distribution import NoServer

DATABASE = "registration"
CLUSTER = "throwaway-cluster"
START_SECONDS = 60
STOP_SECONDS = 15


@dataclass(frozen=True, slots=True)
class NodePorts:
    """Where a node is spoken to: with SQL, by the group, for the changes it missed, for the whole database."""

    sql: int
    group: int
    changes: int
    transfer: int


class GaleraNode:
    """One server of a cluster."""

    def __init__(
        self, name: str, folder: Path, ports: NodePorts, password: str, distribution: GaleraDistribution
    ) -> None:
        self.name = name
        self.ports = ports
        self._folder = folder
        self._password = password
        self._distribution = distribution
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of a database. The user may make and drop any whose name begins with `registration`."""
        return f"mysql://registration:{self._password}@{LOOPBACK}:{self.ports.sql}/{database}"

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
        self._write_settings(group)
        server = self._distribution.server
        command = server.command(server.server, f"--defaults-file={self._settings}")
        if bootstraps:
            command += ["--wsrep-new-cluster", f"--init-file={self._write_init_file()}"]
        self._process = processes.start(
            [*_as_user(self._distribution.user), *command],
            signal_if_we_die="KILL",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._has_joined():
            if not self.is_running() or time.monotonic() > deadline:
                raise NoServer(f"The node {self.name} does not start: {self._complaint()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Have the server leave the group and end; insist if it does not."""
        if self._process:
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

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def group_size(self) -> int:
        """Return how many nodes this one knows of, itself among them; 0 if it is not ready for statements."""
        status = self._status()
        return int(status.get("wsrep_cluster_size", 0)) if status.get("wsrep_ready") == "ON" else 0

    @property
    def group_address(self) -> str:
        return f"{LOOPBACK}:{self.ports.group}"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _temporary(self) -> Path:
        return self._folder / "tmp"

    @property
    def _settings(self) -> Path:
        return self._folder / "node.cnf"

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _has_joined(self) -> bool:
        return self._status().get("wsrep_local_state_comment") == "Synced"

    def _status(self) -> dict[str, str]:
        """The server's own word on the cluster; nothing as long as it does not answer."""
        server = self._distribution.server
        client = server.command(
            server.program("mariadb"),
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--connect-timeout=2",
            f"--host={LOOPBACK}",
            f"--port={self.ports.sql}",
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
        provider_options = {
            "gmcast.listen_addr": f"tcp://{self.group_address}",
            "base_host": LOOPBACK,
            "base_port": self.ports.group,
            "ist.recv_addr": f"{LOOPBACK}:{self.ports.changes}",
            "gcache.size": "32M",
        }
        settings = {
            "datadir": self._data,
            # a server that starts removes other servers' temporary tables from a folder that they share
            "tmpdir": self._temporary,
            "socket": self._data / "socket",
            "pid_file": self._data / "pid",
            "log_error": self._log,
            "bind_address": LOOPBACK,
            "port": self.ports.sql,
            "skip_name_resolve": "ON",
            "character_set_server": "utf8mb4",
            "collation_server": "utf8mb4_unicode_ci",
            "innodb_buffer_pool_size": "64M",
            "innodb_log_file_size": "16M",
            # 2 loses nothing at a `kill -9` of the server, only when the machine stops
            "innodb_flush_log_at_trx_commit": 2,
            # what Galera asks for
            "binlog_format": "ROW",
            "default_storage_engine": "InnoDB",
            "innodb_autoinc_lock_mode": 2,
            "wsrep_on": "ON",
            "wsrep_provider": self._distribution.provider,
            "wsrep_cluster_name": CLUSTER,
            "wsrep_cluster_address": f"gcomm://{','.join(node.group_address for node in group)}",
            "wsrep_node_name": self.name,
            "wsrep_node_address": self.group_address,
            "wsrep_sst_method": "rsync",
            "wsrep_sst_receive_address": f"{LOOPBACK}:{self.ports.transfer}",
            "wsrep_provider_options": f'"{"; ".join(f"{name}={value}" for name, value in provider_options.items())}"',
        }
        lines = ["[mariadbd]", *(f"{name} = {value}" for name, value in settings.items())]
        self._settings.write_text("\n".join(lines) + "\n")

    def _write_init_file(self) -> Path:
        """What the first node does before it answers, and the others then receive."""
        statements = [f"CREATE DATABASE IF NOT EXISTS {DATABASE};"]
        for host in (LOOPBACK, "localhost"):
            statements += [
                f"CREATE USER IF NOT EXISTS 'registration'@'{host}' IDENTIFIED BY '{self._password}';",
                f"GRANT ALL ON `{DATABASE}%`.* TO 'registration'@'{host}';",
            ]
        file = self._folder / "init.sql"
        file.touch(mode=0o600)
        file.write_text("\n".join(statements) + "\n")
        shutil.chown(file, self._distribution.user)
        return file

    def _complaint(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
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
