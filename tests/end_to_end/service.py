"""`python -m registration serve` and the other commands, as an operator runs them."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.end_to_end.client import Client
from tests.end_to_end.waiting import until
from tests.private_database import ROOT
from tools import processes
from tools.addresses import LOOPBACK, free_port

ANSWER_SECONDS = 5.0
"""Within which a caller must have an answer, whatever the database does."""

SECRET_KEY = "the secret key of the end-to-end tests"

DEFAULTS: Mapping[str, object] = {
    "secret_key": SECRET_KEY,
    "mail_provider": "mailpit",
    "mail_from": "Tests <tests@example.com>",
    "bcrypt_cost": 4,
    # One client sends all requests of all tests. The shares in an address's limits stay as they are.
    "client_limits": "register=1000000/minute,auth=1000000/minute,wrong-codes=1000000/day",
    "log_level": "debug",
}

LENIENT: Mapping[str, object] = {"mail_cooldown_seconds": 0, "mails_per_hour": 1000, "mails_per_day": 1000}
"""Besides: no limit on mails, for tests that go through in a second what takes people minutes."""


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Nothing of ours but the settings: `mail_from` is REGISTRATION_MAIL_FROM."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRATION_")}
    return others | {f"REGISTRATION_{name.upper()}": str(value) for name, value in settings.items()}


async def run(command: str, settings: Mapping[str, object]) -> subprocess.CompletedProcess[str]:
    """Run `python -m registration COMMAND` to its end."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "registration", *command.split()],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@dataclass
class Service:
    """One service on its port: can be started, killed, terminated, and started again, also with other settings."""

    settings: dict[str, object]
    log_file: Path
    workers: int = 1
    port: int = field(default_factory=free_port)
    client: Client = field(init=False)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.client = Client(f"http://{LOOPBACK}:{self.port}")

    async def start(self, **changed: object) -> None:
        """Start and wait until it is ready."""
        assert self._process is None, "it runs already"
        self.settings |= changed
        with self.log_file.open("ab") as log:
            self._process = processes.start(
                [sys.executable, "-m", "registration", "serve", "--workers", str(self.workers)],
                signal_if_we_die="KILL",
                cwd=ROOT,
                env=environment({**self.settings, "port": self.port}),
                stdout=log,
                stderr=log,
            )
        await until(self._is_ready, "the service is ready", seconds=30)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        assert self._process is not None
        self._process.terminate()

    async def exit_status(self, seconds: float) -> int:
        """Its exit status, within so many seconds."""
        process = self._process
        assert process is not None

        async def probe() -> bool:
            return process.poll() is not None

        await until(probe, "the service has ended", seconds)
        self._process = None
        return process.returncode

    async def close(self) -> None:
        if self._process:
            processes.stop(self._process)
            self._process = None
        await self.client.http.aclose()

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def log(self) -> list[dict[str, Any]]:
        """Its lines so far."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines() if line]

    def errors(self) -> list[dict[str, Any]]:
        """What it says should not have happened."""
        return [line for line in self.log() if line["level"] in {"error", "critical"}]

    def answered_in_time(self) -> None:
        """Whether every caller had an answer in time, on the service's own clock: the tests' is held up at times."""
        took = [line["milliseconds"] / 1000 for line in self.log() if line["event"] == "request"]
        assert max(took) < ANSWER_SECONDS

    async def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log_file.read_text()
        return await self.client.is_ready()
