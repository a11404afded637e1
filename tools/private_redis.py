"""A Redis of our own: on a free port of the loopback interface, with a password, and nothing that outlives it.

    with throwaway_redis(find()) as redis: ...

Needs nothing but the server's program and runs as any user.
"""

import contextlib
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tools import apt, processes
from tools.addresses import LOOPBACK, free_port

# On Debian and Ubuntu `redis-server` is a link to this program, and its package brings a service that starts at once.
SAME_PROGRAM = "redis-check-rdb"
PACKAGES = ("redis-tools",)
START_SECONDS = 20


class NoRedis(Exception):
    """There is no Redis that could be used; the message says what to do."""


def find() -> Path:
    """Find the server's program; install Debian's where that is possible. Raises NoRedis."""
    found = _installed() or (apt.install(*PACKAGES) and _installed())
    if not found:
        raise NoRedis(f"There is no Redis: install it (on Debian and Ubuntu: apt-get install {PACKAGES[0]}).")
    return found


def _installed() -> Path | None:
    found = shutil.which("redis-server") or shutil.which(SAME_PROGRAM)
    return Path(found) if found else None


class PrivateRedis:
    """A server that can be killed, paused and started again, on the same port and with the same password."""

    def __init__(self, program: Path, folder: Path, certificate: Path | None = None) -> None:
        """`certificate`: a chain with its key, to speak TLS with."""
        self.password = secrets.token_hex(16)
        self._certificate = certificate
        self._program = folder / "redis-server"  # it goes by its name
        self._program.symlink_to(program)
        self._log = folder / "log"
        self._settings = folder / "redis.conf"
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        scheme = "rediss" if self._certificate else "redis"
        return f"{scheme}://:{self.password}@{LOOPBACK}:{self._port}/0"

    def start(self) -> None:
        """Start the server, and wait until it accepts connections. Raises NoRedis."""
        for _ in range(1 if self._port else 5):  # somebody may be faster to take a port that was free
            port = self._port or free_port()
            if self._run(port):
                self._port = port
                return
        raise NoRedis(f"Redis does not start: {self._log.read_text(errors='replace')[-1000:]}")

    def kill(self) -> None:
        """End the server as a crash does: what it held is gone."""
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

    def _run(self, port: int) -> bool:
        self._settings.touch(mode=0o600)
        self._settings.write_text("\n".join([*self._listening(port), *self._other_settings(), ""]))
        self._log.unlink(missing_ok=True)
        self._process = processes.start(
            [str(self._program), str(self._settings)],
            signal_if_we_die="KILL",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self._comes_up(self._process)

    def _listening(self, port: int) -> Iterator[str]:
        yield f"bind {LOOPBACK}"
        if self._certificate is None:
            yield f"port {port}"
            return
        yield from ("port 0", f"tls-port {port}", "tls-auth-clients no")
        for name in ("cert", "key", "ca-cert"):
            yield f"tls-{name}-file {self._certificate}"

    def _other_settings(self) -> Iterator[str]:
        yield f"requirepass {self.password}"
        yield f"logfile {self._log}"
        yield 'save ""'

    def _comes_up(self, process: subprocess.Popen[bytes]) -> bool:
        """Trust the server's own word: whoever else had the port first would answer a connection just as well."""
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if self._log.exists() and b"Ready to accept connections" in self._log.read_bytes():
                return True
            time.sleep(0.01)
        self.kill()
        return False


@contextlib.contextmanager
def throwaway_redis(program: Path, certificate: Path | None = None) -> Iterator[PrivateRedis]:
    """Start a server, and end it with all that it wrote. Raises NoRedis."""
    with tempfile.TemporaryDirectory(prefix="throwaway-redis-") as folder:
        redis = PrivateRedis(program, Path(folder), certificate)
        redis.start()
        try:
            yield redis
        finally:
            redis.kill()
