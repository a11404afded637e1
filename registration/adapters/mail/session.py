from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace

from aiohttp import (
    ClientSession,
    DummyCookieJar,
    TCPConnector,
    TraceConfig,
    TraceRequestHeadersSentParams,
    TraceRequestStartParams,
)

KEEPALIVE_SECONDS = 10
"""Shorter than any provider's: a POST on a connection that the other side has just closed is lost without trace."""


@dataclass(slots=True)
class Handover:
    """Whether a request may have reached the network. It may, until the session's trace says that it has not yet."""

    begun: bool = True


@asynccontextmanager
async def open_session(*, connections: int = 20) -> AsyncIterator[ClientSession]:
    """The HTTP session that mail providers are spoken to with, and its end.

    `connections` to one host are open at most; whoever sends bounds itself to no more, so that nobody waits for one
    inside, at the expense of the attempt's own time.
    """
    connector = TCPConnector(limit=0, limit_per_host=connections, keepalive_timeout=KEEPALIVE_SECONDS)
    async with ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": "registration"},
        trace_configs=[_handover_trace()],
    ) as session:
        yield session


def _handover_trace() -> TraceConfig:
    trace = TraceConfig()
    trace.on_request_start.append(_not_yet)
    trace.on_request_headers_sent.append(_begun)
    return trace


async def _not_yet(_: ClientSession, context: SimpleNamespace, __: TraceRequestStartParams) -> None:
    context.trace_request_ctx.begun = False


async def _begun(_: ClientSession, context: SimpleNamespace, __: TraceRequestHeadersSentParams) -> None:
    context.trace_request_ctx.begun = True
