import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from registration.adapters.mail.outcomes import accepted
from registration.adapters.mail.provider import Provider, ProviderAnswer, ProviderRequest
from registration.adapters.mail.session import Handover, open_session
from registration.adapters.mail.transport_failures import outcome_of_failure
from registration.ports import Message, Outcome

LONGEST_ANSWER_BYTES = 64 * 1024
AMAZONS_JSON = frozenset({"application/x-amz-json-1.0", "application/x-amz-json-1.1"})


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Of one attempt. A failed connection is safe to repeat, so be quick; a missing answer is not, so be patient."""

    connect_seconds: float = 3
    """Finding the host, the connection, the TLS handshake."""
    read_seconds: float = 10
    """The answer's beginning, and any pause in it."""
    total_seconds: float = 15


class HttpMailApi:
    """A provider behind a session that `open_session` opened."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        provider: Provider,
        limits: TimeLimits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        limits = limits or TimeLimits()
        self._session = session
        self._provider = provider
        self._now = now
        self._timeout = aiohttp.ClientTimeout(
            total=limits.total_seconds, connect=limits.connect_seconds, sock_read=limits.read_seconds
        )

    @property
    def name(self) -> str:
        return self._provider.name

    @property
    def recognises_repetitions(self) -> bool:
        return self._provider.recognises_repetitions

    async def send(self, message: Message) -> Outcome:
        handover = Handover()
        try:
            return await self._attempt(self._provider.request(message).at(self._now()), handover)
        except (aiohttp.ClientError, OSError) as error:
            return outcome_of_failure(error, handed_over=handover.begun)

    async def _attempt(self, request: ProviderRequest, handover: Handover) -> Outcome:
        async with self._session.post(
            request.url,
            data=request.body,
            headers=request.headers,
            timeout=self._timeout,
            allow_redirects=False,  # or the key and the mail would go wherever the answer points
            trace_request_ctx=handover,
        ) as response:
            received_at = self._now()
            body, is_whole = await _read(response)
        headers = {name.lower(): value for name, value in response.headers.items()}
        document = _parse_json(body) if _is_json(headers.get("content-type", "")) else None
        answer = ProviderAnswer(
            response.status, received_at, headers, body.decode(errors="replace"), document
        )
        if answer.is_success and not is_whole:
            return accepted(None)
        return self._provider.outcome(answer)


class Unreachable(Exception):
    """A provider gives no HTTP answer; the message says why."""


async def ask(provider: Provider, seconds: float = 5.0) -> int:
    """Return the status with which the provider answers its inquiry. Raises Unreachable."""
    inquiry = provider.inquiry()
    try:
        async with (
            open_session(connections=1) as session,
            session.get(
                inquiry.url,
                headers=inquiry.headers,
                timeout=aiohttp.ClientTimeout(total=seconds),
                allow_redirects=False,
                trace_request_ctx=Handover(),
            ) as response,
        ):
            return response.status
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(outcome_of_failure(error, handed_over=True).reason) from error


@asynccontextmanager
async def open_mail_api(
    provider: Provider, limits: TimeLimits | None = None, *, connections: int = 20
) -> AsyncIterator[HttpMailApi]:
    """The provider, with a session of its own: one that is slow holds up no other."""
    async with open_session(connections=connections) as session:
        yield HttpMailApi(session, provider, limits)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The body up to a limit, or up to where it was cut or stalled; and whether that was all."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > LONGEST_ANSWER_BYTES:
                return bytes(body[:LONGEST_ANSWER_BYTES]), False
    except (aiohttp.ClientError, OSError):
        return bytes(body), False
    return bytes(body), True


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json") or media_type in AMAZONS_JSON


def _parse_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
