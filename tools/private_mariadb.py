"""A database server of our own: on a free port of the loopback interface, with its data in a folder of ours.

    with PrivateServer(folder, durable=True) as server: ...     # kept
    with throwaway_server() as server: ...                      # for tests: its data goes when it stops

Needs nothing but the server's programs and runs as any user. `python -m tools.private_mariadb` starts one by hand.
"""

import argparse
import contextlib
import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from tools import processes
from tools.addresses import LOOPBACK, free_port
from tools.server_distribution import HERE, Distribution, NoServer, find

DATABASE = "registration"
THROWAWAY = "throwaway-database-"
START_SECONDS = 60
LOCK_SECONDS = 10


class PrivateServer:
    """A server that is ready when entered and gone when left. It can be killed and started again, on the same port."""

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool,
        distribution: Distribution | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """`options` are the server's own, besides those that it needs to run here."""
        self.distribution = distribution or find()
        self._more_options = options
        self._folder = folder.resolve()
        # 2 loses nothing at a `kill -9` of the server, only when the machine stops; 0 would.
        self._flush_log_at_trx_commit = 1 if durable else 2
        # Data that goes anyway needs no clean end, and a paused server would not hear a gentler word.
        self._signal_if_we_die = "TERM" if durable else "KILL"
        self._password = secrets.token_hex(16)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._port

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of a database. The user may make and drop any whose name begins with `registration`."""
        return f"mysql://registration:{self._password}@{LOOPBACK}:{self._port}/{database}"

    @property
    def socket(self) -> Path:
        """Where nobody but its owner comes in, without a password."""
        return self._data / "socket"

    @property
    def owner(self) -> str:
        """Who may do everything."""
        return _user_name() if self.distribution.kind == "MariaDB" else "root"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server on what the folder holds, and wait until it accepts connections. Raises NoServer."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self._folder) as lock:
            if not self._data.exists():
                self._initialise()
            for _ in range(1 if self._port else 5):  # somebody may be faster to take a port that was free
                port = self._port or free_port()
                if self._run(port, lock):
                    self._port = port
                    return
        raise NoServer(f"The database server does not start: {self._complaint()}")

    def stop(self) -> None:
        if self._process:
            self.resume()  # else one that was paused would not hear
            processes.stop(self._process)
            self._process = None

    def kill(self) -> None:
        """End the server as a crash does; `start` recovers."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let the server hang, its connections too, until `resume`."""
        if self._process:
            processes.pause(self._process)

    def resume(self) -> None:
        if self._process:
            processes.resume(self._process)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _initialise(self) -> None:
        """Make the data directory, under another name at first: one that was interrupted is not taken for whole."""
        fresh = self._folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        command = self._initialise_command(self.distribution.inside(fresh))
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise NoServer(f"{command[0]} failed: {(result.stderr or result.stdout).strip()[-1000:]}")
        fresh.rename(self._data)

    def _initialise_command(self, data: str) -> list[str]:
        options = ["--no-defaults", *_as_root(), f"--datadir={data}", self._tmpdir_option()]
        if self.distribution.kind == "MySQL":
            return self.distribution.command(self.distribution.server, *options, "--initialize-insecure")
        return self.distribution.command(
            self.distribution.program("mariadb-install-db", "mysql_install_db"),
            *options,
            "--skip-test-db",
            "--force",  # or it fails where the machine's name cannot be looked up
            "--innodb-log-file-size=16M",
            # root comes in by the socket only: everyone on this machine can reach the port.
            "--auth-root-authentication-method=socket",
            f"--auth-root-socket-user={_user_name()}",
        )

    def _run(self, port: int, lock: int) -> bool:
        """Run the server and say whether it came up. It inherits the lock, and so holds it for as long as it lives."""
        init_file = self._folder / "init.sql"
        init_file.touch(mode=0o600)
        init_file.write_text("\n".join(self._create_user_and_database()) + "\n")
        self._log.unlink(missing_ok=True)
        self._process = processes.start(
            self.distribution.command(self.distribution.server, *self._options(port, init_file)),
            signal_if_we_die=self._signal_if_we_die,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(lock,),
        )
        try:
            return self._comes_up()
        finally:
            init_file.unlink()

    def _options(self, port: int, init_file: Path) -> list[str]:
        mariadb = ["--skip-log-bin", "--innodb-log-file-size=16M"]
        mysql = [
            "--disable-log-bin",
            "--mysqlx=OFF",
            "--performance-schema=OFF",
            "--secure-file-priv=NULL",  # the default is a folder that only the package makes
        ]
        return [
            "--no-defaults",  # must be first; what a packaged server has from /etc is then said here
            *_as_root(),
            f"--datadir={self.distribution.inside(self._data)}",
            self._tmpdir_option(),
            "--socket=socket",  # in the data directory; a whole path could be longer than a socket's may be
            f"--log-error={self.distribution.inside(self._log)}",
            f"--init-file={self.distribution.inside(init_file)}",
            f"--bind-address={LOOPBACK}",
            f"--port={port}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_ci",
            "--innodb-buffer-pool-size=64M",
            f"--innodb-flush-log-at-trx-commit={self._flush_log_at_trx_commit}",
            *(mariadb if self.distribution.kind == "MariaDB" else mysql),
            *self._more_options,
        ]

    def _tmpdir_option(self) -> str:
        """A folder of its own: a server that starts removes other servers' temporary tables from a shared one."""
        folder = self._folder / "tmp"
        folder.mkdir(mode=0o700, exist_ok=True)
        return f"--tmpdir={self.distribution.inside(folder)}"

    def _create_user_and_database(self) -> Iterator[str]:
        yield f"CREATE DATABASE IF NOT EXISTS {DATABASE};"
        for host in (LOOPBACK, "localhost"):
            yield f"CREATE USER IF NOT EXISTS 'registration'@'{host}';"
            yield f"ALTER USER 'registration'@'{host}' IDENTIFIED BY '{self._password}';"
            yield f"GRANT ALL ON `{DATABASE}%`.* TO 'registration'@'{host}';"

    def _comes_up(self) -> bool:
        """Trust the server's own word: whoever else had the port first would answer a connection just as well."""
        deadline = time.monotonic() + START_SECONDS
        while self.is_running() and time.monotonic() < deadline:
            if self._log.exists() and b"ready for connections" in self._log.read_bytes():
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def _complaint(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        errors = [line for line in lines if "ERROR" in line]
        return " / ".join(errors[-3:]) or f"see {self._log}"


@contextlib.contextmanager
def throwaway_server(root: Path = HERE, options: Sequence[str] = ()) -> Iterator[PrivateServer]:
    """Start a server whose data goes when it stops; the data of one that was killed goes when the next one starts."""
    distribution = find(root)
    temporary = Path(tempfile.gettempdir()) if root == HERE else root / "tmp"
    name = f"{THROWAWAY}{os.geteuid()}-"
    for abandoned in temporary.glob(f"{name}*"):
        _remove_if_abandoned(abandoned)
    folder = Path(tempfile.mkdtemp(prefix=name, dir=temporary))
    server = PrivateServer(folder, durable=False, distribution=distribution, options=options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _remove_if_abandoned(folder: Path, seconds: float = 3600) -> None:
    """Spare young ones: a server that a test has stopped for a moment holds no lock."""
    with contextlib.suppress(OSError, NoServer):
        if time.time() - folder.stat().st_mtime > seconds:
            with _locked(folder, wait_seconds=0):
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path, wait_seconds: float = LOCK_SECONDS) -> Iterator[int]:
    """Hold the folder's lock; whoever inherits the file descriptor goes on holding it.

    The server has a lock of its own, but a second one would wait for it for half a minute, deaf to SIGTERM.
    """
    deadline = time.monotonic() + wait_seconds
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _try_lock(lock):
            if time.monotonic() >= deadline:
                raise NoServer(f"The database in {folder} is in use: another server runs on it.")
            time.sleep(0.05)
        yield lock
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _as_root() -> list[str]:
    """Say that the server is meant to run as root, which it refuses by default."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # an arbitrary number, as in a container
        return "root"


def main() -> None:
    """Start a database server, print the URL of its database, and run until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tools.private_mariadb", description=main.__doc__)
    parser.add_argument(
        "--root", type=Path, default=HERE, help="the system that has the server, if not this one"
    )
    parser.add_argument("--data", type=Path, help="the folder to keep the data in; none: it is thrown away")
    arguments = parser.parse_args()
    processes.interrupt_on_signals()
    with contextlib.suppress(KeyboardInterrupt), _chosen(arguments.data, arguments.root) as server:
        print(server.url(), flush=True)
        while server.is_running():
            time.sleep(0.2)
        sys.exit("The database server has ended.")


def _chosen(data: Path | None, root: Path) -> contextlib.AbstractContextManager[PrivateServer]:
    return PrivateServer(data, durable=True, distribution=find(root)) if data else throwaway_server(root)


if __name__ == "__main__":
    try:
        main()
    except NoServer as error:
        sys.exit(str(error))
