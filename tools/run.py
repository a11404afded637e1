"""The service as a newcomer wants it: with a private database and a stand-in mail provider, until Ctrl-C.

REGISTRATION_ variables that are set are left as they are. With REGISTRATION_DATABASE_URL that database is used.
"""

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from tools import environment, processes
from tools.addresses import LOOPBACK, Address, AddressTaken
from tools.private_mariadb import PrivateServer
from tools.server_distribution import NoServer

DATA = environment.ROOT / ".data"
READY_SECONDS = 60
STOP_SECONDS = 20  # more than the service gives its last requests and mails


class HasEnded(Exception):
    """Something that should run does not; the message says what."""


class Running:
    """What was started: watched, and stopped in reverse."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._is_alive: dict[str, Callable[[], bool]] = {}
        self._parent = os.getppid()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start_database(self) -> str:
        server = self._stack.enter_context(PrivateServer(DATA / "mariadb", durable=True))
        self._is_alive["database server"] = server.is_running
        print(f"Private database: {server.url()}", flush=True)
        return server.url()

    def start(self, name: str, command: list[str], settings: Mapping[str, str]) -> None:
        process = processes.start(command, cwd=environment.ROOT, env=settings)
        self._stack.callback(processes.stop, process, STOP_SECONDS)
        self._is_alive[name] = lambda: process.poll() is None

    def check(self) -> None:
        for name, is_alive in self._is_alive.items():
            if not is_alive():
                raise HasEnded(f"The {name} has ended, so the rest is stopped.")
        if "MAKELEVEL" in os.environ and os.getppid() != self._parent:
            raise HasEnded("make has ended, so all is stopped.")

    def wait_until(self, is_true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not is_true():
            self.check()
            if time.monotonic() > deadline:
                raise HasEnded(f"The service was not ready within {READY_SECONDS} s.")
            time.sleep(0.05)

    def wait(self) -> None:
        while True:
            self.check()
            time.sleep(0.2)


def main() -> None:
    host = os.environ.get("REGISTRATION_HOST") or LOOPBACK
    service = Address.of("service", host, "REGISTRATION_PORT", 8000)
    sandbox = Address.of("sandbox", LOOPBACK, "REGISTRATION_SANDBOX_PORT", 8025)
    registration = [str(environment.prepare(dev=False)), "-m", "registration"]
    with Running() as running:
        database_url = os.environ.get("REGISTRATION_DATABASE_URL") or running.start_database()
        settings = _settings(database_url, service, sandbox)
        _migrate([*registration, "migrate"], settings)
        running.start("sandbox", [*registration, "sandbox", "--port", str(sandbox.port)], settings)
        running.start("service", [*registration, "serve"], settings)
        running.wait_until(lambda: sandbox.answers("/api/v1/messages") and service.answers("/health/ready"))
        print(_where_everything_is(service, sandbox), flush=True)
        running.wait()


def _settings(database_url: str, service: Address, sandbox: Address) -> dict[str, str]:
    defaults = {
        "REGISTRATION_MAIL_PROVIDER": "mailpit",
        "REGISTRATION_MAIL_FROM": "Registration <registration@example.com>",
        "REGISTRATION_LOG_FORMAT": "console",
    }
    if os.environ.get("REGISTRATION_MAIL_PROVIDER", "mailpit") == "mailpit":
        defaults["REGISTRATION_MAIL_API_URL"] = sandbox.url
    if not os.environ.get("REGISTRATION_SECRET_KEY"):
        defaults["REGISTRATION_SECRET_KEY_FILE"] = str(_secret_key_file())
    given = {name: value for name, value in os.environ.items() if value}
    return (
        defaults | given | {"REGISTRATION_DATABASE_URL": database_url, "REGISTRATION_PORT": str(service.port)}
    )


def _secret_key_file() -> Path:
    """Make the key once: without it the registrations of the last run could not be read."""
    file = DATA / "secret_key"
    if not file.exists():
        DATA.mkdir(exist_ok=True)
        new = file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(secrets.token_hex(32) + "\n")
        new.rename(file)
    return file


def _migrate(command: list[str], settings: Mapping[str, str]) -> None:
    result = subprocess.run(
        command, cwd=environment.ROOT, env=settings, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise HasEnded(f"{result.stdout}{result.stderr}The database could not be migrated.")


def _where_everything_is(service: Address, sandbox: Address) -> str:
    json = "-H 'Content-Type: application/json' -d"
    return f"""
  API       {service.url}
  its docs  {service.url}/docs
  inbox     {sandbox.url}

  Register, find the code in the inbox, and show it within a minute:

  curl -i {service.url}/v1/users {json} '{{"email":"ada@example.com","password":"correct horse"}}'
  curl -i {service.url}/v1/users/activation -u 'ada@example.com:correct horse' {json} '{{"code":"1234"}}'

  Ctrl-C stops it all.
"""


if __name__ == "__main__":
    processes.interrupt_on_signals()
    try:
        main()
    except KeyboardInterrupt:
        print("Stopped.")
    except (AddressTaken, environment.NotSetUp, NoServer, HasEnded) as error:
        sys.exit(str(error))
