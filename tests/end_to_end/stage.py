"""A database, a mail provider, and services on them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.end_to_end.client import Person, somebody, time_of
from tests.end_to_end.sandbox import ReceivedMail, Sandbox
from tests.end_to_end.secrets_search import found
from tests.end_to_end.service import DEFAULTS, Service
from tests.end_to_end.waiting import until_time


@dataclass
class Stage:
    database_url: str
    sandbox: Sandbox
    folder: Path
    services: list[Service] = field(default_factory=list)

    async def serve(self, workers: int = 1, /, **settings: object) -> Service:
        """Start a service with these settings besides the usual ones."""
        usual = {**DEFAULTS, "database_url": self.database_url, "mail_api_url": self.sandbox.url}
        service = Service({**usual, **settings}, self.folder / f"service-{len(self.services)}.log", workers)
        self.services.append(service)
        await service.start()
        return service


@asynccontextmanager
async def open_stage(database_url: str, folder: Path) -> AsyncIterator[Stage]:
    """A stage with a mail provider and no service yet. All that it was used for is stopped at the end."""
    async with AsyncExitStack() as stack:
        sandbox = Sandbox(folder)
        stack.push_async_callback(sandbox.http.aclose)
        stack.callback(sandbox.stop)
        await sandbox.start()
        stage = Stage(database_url, sandbox, folder)
        try:
            yield stage
        finally:
            for service in stage.services:
                if service.is_running:
                    service.ask_to_stop()
            for service in stage.services:
                await service.close()
    for service in stage.services:
        told = found(service.client.passwords, [service.log_file.read_bytes()])
        assert told == set(), f"{service.log_file} tells passwords"


async def registered(service: Service, sandbox: Sandbox, person: Person) -> ReceivedMail:
    """Register, and return the mail."""
    response = await service.client.register(person)
    assert response.status_code == 202, response.text
    return await sandbox.newest(person.email)


async def activated(service: Service, sandbox: Sandbox, person: Person) -> dict[str, Any]:
    """Register and activate; return the user."""
    mail = await registered(service, sandbox, person)
    response = await service.client.activate(person, mail.code)
    assert response.status_code == 200, response.text
    user: dict[str, Any] = response.json()
    return user


async def somebody_active(service: Service, sandbox: Sandbox) -> Person:
    person = somebody()
    await activated(service, sandbox, person)
    return person


async def past_the_join_window(service: Service, person: Person) -> None:
    """Wait until a registration of the address no longer joins the last one, as it does for a second."""
    registered_at = time_of((await service.client.look(person)).json()["registered_at"])
    await until_time(registered_at + timedelta(seconds=1))
