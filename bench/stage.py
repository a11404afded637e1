"""What is measured and what measures it: started for one benchmark on this machine, and stopped whatever happens."""

import contextlib
import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.probes import DatabaseProbe, connect
from tools import processes
from tools.addresses import LOOPBACK, free_port
from tools.private_mariadb import DATABASE, PrivateServer, throwaway_server

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 30

SETTINGS: Mapping[str, object] = {
    "secret_key": "a key that protects nothing but benchmarks",
    "mail_provider": "mailpit",
    "mail_from": "Benchmark <bench@example.com>",
    "client_limits": "",  # all callers are one client
}


class Broken(Exception):
    """Something that was started does not do its part; the message says what."""


@dataclass(frozen=True, slots=True)
class Program:
    """A process, with what it says."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        processes.stop(self.process)

    def result(self, seconds: float) -> Any:
        """Wait until it has ended by itself, and return the JSON that it has printed."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Broken(self.complaint()) from None
        if status:
            raise Broken(self.complaint())
        return self.printed()

    def printed(self) -> Any:
        """The JSON that it has printed."""
        return json.loads(self.output.read_text())

    def complaint(self) -> str:
        return f"{self.name}: {self.log.read_text()[-2000:]}"


@dataclass(frozen=True, slots=True)
class Provider:
    """The mail provider's stand-in."""

    program: Program
    port: int
    feed_port: int

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


@dataclass(frozen=True, slots=True)
class Service:
    program: Program
    port: int

    @property
    def pid(self) -> int:
        return self.program.pid

    def troubles(self) -> list[str]:
        """The lines of its log that say that something should not have happened."""
        lines = self.program.log.read_text().splitlines()
        return [line for line in lines if '"level": "error"' in line or '"level": "critical"' in line]


class Stage:
    """One database server for all; services and providers come and go."""

    def __init__(self, server: PrivateServer, folder: Path) -> None:
        self.probe = DatabaseProbe(server.url())
        self._server = server
        self._folder = folder
        self._numbers = itertools.count(1)

    @classmethod
    @contextlib.contextmanager
    def open(cls) -> Iterator[Self]:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, throwaway_server() as server:
            stage = cls(server, Path(folder))
            with contextlib.closing(stage.probe):
                yield stage

    def empty_database(self) -> str:
        """Make a database without any table; return its URL."""
        name = f"{DATABASE}_{next(self._numbers)}"
        with contextlib.closing(connect(self._server.url())) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return self._server.url(name)

    def new_database(self) -> str:
        """Make a database with today's tables and no rows; return its URL."""
        url = self.empty_database()
        subprocess.run(
            [sys.executable, "-m", "registration", "migrate"],
            cwd=ROOT,
            env=environment_of({"database_url": url}),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return url

    @contextlib.contextmanager
    def provider(self, port: int | None = None) -> Iterator[Provider]:
        port, feed_port = port or free_port(), free_port()
        with self.running("bench.provider", "--port", port, "--feed-port", feed_port) as program:
            wait(program, lambda: _accepts(port))
            yield Provider(program, port, feed_port)
        if complaint := program.log.read_text():
            raise Broken(f"The mail provider's stand-in has failed: {complaint}")

    @contextlib.contextmanager
    def service(self, *options: object, **settings: object) -> Iterator[Service]:
        """The service with these settings besides the usual ones, as an operator starts it; `options` are of `serve`."""
        port = free_port()
        environment = environment_of({**SETTINGS, **settings, "port": port})
        with self.running("registration", "serve", *options, environment=environment) as program:
            wait(program, lambda: answers(port, "/health/ready"))
            service = Service(program, port)
            yield service
        if troubles := service.troubles():
            print(f"The service has logged {len(troubles)} errors, the last of them: … {troubles[-1][-300:]}")

    @contextlib.contextmanager
    def running(
        self,
        module: str,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        python: Path = Path(sys.executable),
        signal_if_we_die: str = "KILL",
    ) -> Iterator[Program]:
        """Start a program and stop it at the end; one with children of its own is better told with TERM."""
        name = f"{next(self._numbers)}-{module}"
        output, log = self._folder / f"{name}.out", self._folder / f"{name}.log"
        with output.open("wb") as stdout, log.open("wb") as stderr:
            process = processes.start(
                [str(python), "-m", module, *map(str, arguments)],
                signal_if_we_die=signal_if_we_die,
                cwd=ROOT,
                env=environment or environment_of({}),
                stdout=stdout,
                stderr=stderr,
            )
        program = Program(module, process, output, log)
        try:
            yield program
        finally:
            program.stop()


def environment_of(settings: Mapping[str, object]) -> dict[str, str]:
    """Nothing of ours but the settings: `mail_from` is REGISTRATION_MAIL_FROM."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRATION_")}
    return others | {f"REGISTRATION_{name.upper()}": str(value) for name, value in settings.items()}


def wait(program: Program, is_ready: Callable[[], bool], pause_seconds: float = 0.02) -> None:
    """Raise Broken if the program ends before, or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while not is_ready():
        if program.process.poll() is not None or time.monotonic() > deadline:
            raise Broken(program.complaint())
        time.sleep(pause_seconds)


def answers(port: int, path: str) -> bool:
    """Whether it is 200."""
    with contextlib.closing(http.client.HTTPConnection(LOOPBACK, port, timeout=2)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _accepts(port: int) -> bool:
    with contextlib.closing(http.client.HTTPConnection(LOOPBACK, port, timeout=2)) as connection:
        try:
            connection.connect()
        except OSError:
            return False
        return True
