import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2

from tests.end_to_end.client import Client, Person, problem, somebody
from tests.end_to_end.tables import accounts_of, mails_of
from tests.end_to_end.waiting import until

THINKING_SECONDS = 0.02


class Traffic:
    """Callers who go on asking, each one request after the other."""

    def __init__(self, client: Client, known: Person) -> None:
        self._client = client
        self._known = known
        self._stopping = False
        self._answers: list[httpx2.Response] = []
        self._registered: dict[Person, httpx2.Response] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Traffic"]:
        """Until the end of the block, when every caller has had an answer."""
        asks = [self._register] * 4 + [self._look] * 4
        tasks = [asyncio.create_task(self._keep_asking(ask)) for ask in asks]
        try:
            yield self
        finally:
            self._stopping = True
            await asyncio.gather(*tasks)

    @property
    def accepted(self) -> list[Person]:
        """Whose registration was answered with success."""
        return [person for person, answer in self._registered.items() if answer.is_success]

    async def has_run(self, answers: int) -> None:
        """Wait for so many more successes."""
        await self._has_seen(lambda answer: answer.is_success, answers)

    async def has_been_refused(self, answers: int) -> None:
        """Wait for so many more answers that the service is unavailable."""
        await self._has_seen(lambda answer: answer.status_code == 503, answers)

    def was_answered_truly(self, database_url: str) -> None:
        """To be called when the database is back: what was done is there as a whole, what was not is not at all."""
        for answer in self._answers:
            if not answer.is_success:
                problem(answer, 503, "unavailable")
        for person, answer in self._registered.items():
            has = (accounts_of(database_url, person.email), len(mails_of(database_url, person.email)))
            if answer.is_success:
                assert has == (["registration"], 1)
            else:
                assert has in [([], 0), (["registration"], 1)]

    async def _keep_asking(self, ask: Callable[[], Awaitable[httpx2.Response]]) -> None:
        while not self._stopping:
            self._answers.append(await ask())
            await asyncio.sleep(THINKING_SECONDS)

    async def _register(self) -> httpx2.Response:
        person = somebody()
        self._registered[person] = answer = await self._client.register(person)
        return answer

    async def _look(self) -> httpx2.Response:
        return await self._client.look(self._known)

    async def _has_seen(self, kind: Callable[[httpx2.Response], bool], count: int) -> None:
        before = len(self._answers)

        async def probe() -> bool:
            return sum(map(kind, self._answers[before:])) >= count

        await until(probe, f"{count} answers of a kind")


async def says_that_the_database_is_down(client: Client) -> None:
    """Readiness refuses, so that callers are sent elsewhere; liveness does not, for a restart would mend nothing."""
    response = await client.readiness()
    assert response.status_code == 503
    document = response.json()
    assert (document["status"], document["checks"]["database"]) == ("unavailable", "down")
    assert set(document) == {"status", "checks"}
    assert int(response.headers["retry-after"]) >= 1
    assert (await client.liveness()).status_code == 200
