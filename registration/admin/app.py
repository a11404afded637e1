"""What operators and their programs ask on the private port."""

import asyncio

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registration.admin.operations import OperationsDocument
from registration.admin.status import StatusPage
from registration.observability.metrics import exposition, show_backlog, show_overdue
from registration.ports import ReadBacklog, ReadOverdue

_EVERYWHERE = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""What a browser is told of every answer that does not say otherwise itself."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def create_admin(
    read_backlog: ReadBacklog, read_overdue: ReadOverdue, status: StatusPage, operations: OperationsDocument
) -> ASGIApp:
    """Return the application of the private port. What it has not is a 404 in plain text."""

    async def metrics(request: Request) -> Response:
        backlog, overdue = await asyncio.gather(read_backlog(), read_overdue())
        show_backlog(backlog)
        show_overdue(overdue)
        text, content_type = exposition(request.headers.get("accept", ""))
        return Response(text, media_type=content_type)

    routes = [
        Route("/metrics", metrics),
        Route("/status", status.answer),
        Route("/docs/operations.md", operations.answer),
    ]
    return _Boundary(Router(routes, redirect_slashes=False))


class _Boundary:
    """The headers of all answers, and a line in the log that is there for who looks for it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _EVERYWHERE.items():
                    headers.setdefault(name, value)
                log.debug("admin_request", status=message["status"])
            await send(message)

        await self.app(scope, receive, send_with_headers)
