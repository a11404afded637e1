"""The mail provider: the sandbox in a process of its own, its inbox, and its faults."""

import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.end_to_end.client import Person, wrong_code
from tests.end_to_end.waiting import until
from tests.private_database import ROOT
from tools import processes
from tools.addresses import LOOPBACK, free_port


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    subject: str
    text: str
    html: str

    @property
    def codes(self) -> list[str]:
        """Every line that is a code and nothing else."""
        return [line for line in self.text.splitlines() if line.isdecimal() and 4 <= len(line) <= 8]

    @property
    def code(self) -> str:
        (code,) = self.codes
        return code


@dataclass(frozen=True, slots=True)
class Attempt:
    """A mail that was handed in, whether or not the sandbox then took it."""

    mail_id: str
    fault: str | None
    code: str | None
    accepted: bool


@dataclass
class Sandbox:
    """Can be stopped and started again, on the same port; it then has forgotten everything."""

    folder: Path
    port: int = field(default_factory=free_port)
    http: httpx2.AsyncClient = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _seen: dict[str, str] = field(default_factory=dict, init=False)
    """Of each mail its id and whom it was for, oldest first."""

    def __post_init__(self) -> None:
        self.http = httpx2.AsyncClient(base_url=self.url, trust_env=False)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        command = [sys.executable, "-m", "registration", "sandbox", "--port", str(self.port)]
        with (self.folder / "sandbox.log").open("ab") as log:
            self._process = processes.start(
                command, signal_if_we_die="KILL", cwd=ROOT, stdout=log, stderr=log
            )
        await until(self._answers, "the sandbox answers")

    def stop(self) -> None:
        if self._process:
            processes.stop(self._process)
            self._process = None
            self._seen.clear()

    async def misbehave(self, **faults: float) -> None:
        """Meet the mails handed in from now on with these faults; without any, with none."""
        response = await self.http.put("/sandbox/faults", json=faults)
        assert response.is_success, response.text

    async def attempts(self, email: str) -> list[Attempt]:
        """What was handed in for the address, oldest first."""
        mails = set(await self._mail_ids(email))
        told = (await self.http.get("/sandbox/attempts")).json()
        ids = {attempt["mail_id"] for attempt in told if attempt["message_id"] in mails}
        return [_attempt(attempt) for attempt in told if attempt["mail_id"] in ids]

    async def all_attempts(self) -> list[Attempt]:
        """Oldest first."""
        return [_attempt(attempt) for attempt in (await self.http.get("/sandbox/attempts")).json()]

    async def mails(self, email: str) -> list[ReceivedMail]:
        """What was accepted for the address, oldest first."""
        return [await self._mail(mail_id) for mail_id in await self._mail_ids(email)]

    async def newest(self, email: str, count: int = 1, seconds: float = 20) -> ReceivedMail:
        """The newest of so many mails to the address, as soon as they are there."""

        async def probe() -> list[ReceivedMail] | None:
            return await self.mails(email) if len(await self._mail_ids(email)) >= count else None

        mails = await until(probe, f"{count} mails to {email}", seconds)
        assert len(mails) == count, f"{len(mails)} mails to {email} instead of {count}"
        return mails[-1]

    async def has_reached(self, people: Collection[Person], seconds: float = 20) -> None:
        """Wait until everybody has been sent a mail."""
        expected = {person.email for person in people}

        async def probe() -> bool:
            await self._catch_up()
            return expected <= set(self._seen.values())

        await until(probe, f"mails to {len(expected)} people", seconds)

    async def wrong_code(self, email: str) -> str:
        """A code that was never mailed to the address."""
        return wrong_code({code for mail in await self.mails(email) for code in mail.codes})

    async def _mail(self, mail_id: str) -> ReceivedMail:
        document = (await self.http.get(f"/api/v1/message/{mail_id}")).json()
        return ReceivedMail(document["Subject"], document["Text"], document["HTML"])

    async def _mail_ids(self, email: str) -> list[str]:
        """Oldest first."""
        await self._catch_up()
        return [mail_id for mail_id, recipient in self._seen.items() if recipient == email]

    async def _catch_up(self) -> None:
        """Read the list, which is newest first, down to a mail that has been seen."""
        new: list[dict[str, Any]] = []
        while page := await self._page(len(new)):
            new += page
            if any(mail["ID"] in self._seen for mail in page):
                break
        for mail in reversed(new):
            self._seen.setdefault(mail["ID"], mail["To"][0]["Address"])

    async def _page(self, start: int) -> list[dict[str, Any]]:
        answer = await self.http.get("/api/v1/messages", params={"start": start, "limit": 10})
        messages: list[dict[str, Any]] = answer.json()["messages"]
        return messages

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "sandbox.log").read_text()
        try:
            return (await self.http.get("/api/v1/messages", params={"limit": 1})).is_success
        except httpx2.TransportError:
            return False


def _attempt(document: dict[str, Any]) -> Attempt:
    return Attempt(
        document["mail_id"], document["fault"], document["code"], document["message_id"] is not None
    )
