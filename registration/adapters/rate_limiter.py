import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter

from registration.adapters.keys import KeyRing
from registration.adapters.rate_limit_memory import BoundedMemoryStorage
from registration.adapters.rate_limit_redis import FailOpenRedisStorage
from registration.domain.email_address import EmailAddress
from registration.domain.errors import RateLimited

MOST_HOLDERS = 2
"""Of passwords at one address: a user, and a decoy."""

WRONG_PASSWORDS_PER_CLIENT = RateLimitItemPerMinute(10, 15, namespace="wrong-password")
WRONG_PASSWORDS = RateLimitItemPerDay(100, namespace="wrong-password")
PASSWORD_SHOWN = RateLimitItemPerDay(1, namespace="password-shown")


@contextlib.asynccontextmanager
async def open_storage(uri: str) -> AsyncIterator[Storage]:
    """Where the counts are: `memory://` in this process, `redis://…` shared between replicas."""
    if uri == "memory://":
        yield BoundedMemoryStorage()
        return
    async with contextlib.aclosing(FailOpenRedisStorage(uri)) as storage:
        yield storage


class LimitsRateLimiter:
    """A RateLimiter on the `limits` library. Keys are digests: its storage learns of no address and no client."""

    def __init__(
        self,
        storage: Storage,
        keys: KeyRing,
        client_limits: Mapping[str, RateLimitItem],
        *,
        limits_clients: bool,
    ) -> None:
        """`client_limits` by name: register, auth, wrong-codes; what is not there is unlimited."""
        self._windows = MovingWindowRateLimiter(storage)
        self._keys = keys
        self._client_limits = client_limits
        self._limits_clients = limits_clients

    async def count_registration(self, client: str) -> None:
        await self._count_for_client("register", client)

    async def count_authentication(self, client: str) -> None:
        await self._count_for_client("auth", client)

    async def refuse_guesser(self, client: str) -> None:
        if item := self._client_limits.get("wrong-codes"):
            await self._refuse(item, "wrong-codes", self._client(client))

    async def count_wrong_code(self, client: str) -> None:
        if item := self._client_limits.get("wrong-codes"):
            await self._windows.hit(item, "wrong-codes", self._client(client))

    async def refuse_password(self, email: EmailAddress, client: str, credential_ids: Sequence[UUID]) -> None:
        address = self._address(email)
        if self._limits_clients:
            await self._refuse(WRONG_PASSWORDS_PER_CLIENT, address, self._client(client))
        if await self._is_spent(WRONG_PASSWORDS, address):
            # As many questions whatever is behind the address, for a storage elsewhere takes its time for each.
            asked = [*credential_ids, uuid4(), uuid4()][:MOST_HOLDERS]
            shown = [
                await self._is_spent(PASSWORD_SHOWN, str(credential_id), self._client(client))
                for credential_id in asked
            ]
            if not any(shown):
                await self._refuse(WRONG_PASSWORDS, address)

    async def count_wrong_password(self, email: EmailAddress, client: str) -> None:
        await self._windows.hit(WRONG_PASSWORDS_PER_CLIENT, self._address(email), self._client(client))
        await self._windows.hit(WRONG_PASSWORDS, self._address(email))

    async def count_right_password(self, client: str, credential_id: UUID) -> None:
        shown = (PASSWORD_SHOWN, str(credential_id), self._client(client))
        await self._windows.clear(*shown)  # so that the day begins anew
        await self._windows.hit(*shown)

    async def _count_for_client(self, name: str, client: str) -> None:
        item = self._client_limits.get(name)
        if item and not await self._windows.hit(item, name, self._client(client)):
            raise await self._refusal(item, name, self._client(client))

    async def _refuse(self, item: RateLimitItem, *identifiers: str) -> None:
        if await self._is_spent(item, *identifiers):
            raise await self._refusal(item, *identifiers)

    async def _is_spent(self, item: RateLimitItem, *identifiers: str) -> bool:
        return not await self._windows.test(item, *identifiers)

    async def _refusal(self, item: RateLimitItem, *identifiers: str) -> RateLimited:
        reset_at, _ = await self._windows.get_window_stats(item, *identifiers)
        return RateLimited(timedelta(seconds=max(reset_at - time.time(), 0.0)))

    def _client(self, client: str) -> str:
        return self._keys.client_digest(client).hex()

    def _address(self, email: EmailAddress) -> str:
        return self._keys.address_digest(email.text).hex()
