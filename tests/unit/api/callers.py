"""People who call the whole service."""

from dataclasses import dataclass, replace
from typing import Self

from tests.unit.api.support import basic
from tests.unit.api.whole_service import Observation, WholeService
from tests.world import ANN


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a password for the one address that all is about."""

    service: WholeService
    password: str
    client: str

    def at(self, client: str) -> Self:
        return replace(self, client=client)

    def with_password(self, password: str) -> Self:
        return replace(self, password=password)

    def wait(self, seconds: float) -> None:
        self.service.clock.advance(seconds=seconds)

    async def register(self) -> Observation:
        document = {"email": ANN.text, "password": self.password}
        return await self.service.ask("POST", "/v1/users", self.client, body=document)

    async def activate(self, code: str) -> Observation:
        return await self._ask("POST", "/v1/users/activation", {"code": code})

    async def activate_with_the_newest_code(self) -> Observation:
        return await self.activate(self.service.world.code())

    async def guess(self) -> Observation:
        """Show a code that is none of those that were ever mailed."""
        return await self.activate(self.service.world.wrong_code())

    async def show_no_code(self) -> Observation:
        return await self.activate("12345")

    async def new_code(self) -> Observation:
        return await self._ask("POST", "/v1/users/activation-code")

    async def look(self) -> Observation:
        return await self._ask("GET", "/v1/users/me")

    async def erase(self) -> Observation:
        return await self._ask("DELETE", "/v1/users/me")

    async def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> Observation:
        authorization = basic(ANN.text, self.password)
        return await self.service.ask(method, path, self.client, authorization, body)
