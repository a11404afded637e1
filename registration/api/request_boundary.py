import re
from time import perf_counter
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registration.api.problems import Problem, problem_response
from registration.caller import CallerHungUp, caller_bound
from registration.observability import tracing
from registration.observability.metrics import count_request
from registration.observability.request_id import request_id_bound

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_SERVER_ERROR = 500
_NO_STORE = (b"cache-control", b"no-store")
_EVERYWHERE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
"""What a browser is told of every answer (OWASP HTTP Headers Cheat Sheet); pages add a policy of their own."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class RequestBoundary:
    """What holds for every request, whatever becomes of it: an id, a trace, the headers of all answers, one log line.

    The last resort for unexpected errors, too: logged once here, and nothing of them is told to the caller.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _callers_id(scope) or uuid4().hex

        async def wait_until_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        with (
            request_id_bound(request_id),
            caller_bound(wait_until_gone),
            tracing.begin("HTTP", "server", _callers_trace_parent(scope)) as span,
        ):
            span.set("registration.request_id", request_id)
            await self._serve(scope, receive, send, _own_headers(scope, request_id), span)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        own_headers: list[tuple[bytes, bytes]],
        span: tracing.Span,
    ) -> None:
        status: int | None = None
        started_at = perf_counter()

        async def send_with_own_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *own_headers]}
            await send(message)

        try:
            await self.app(scope, receive, send_with_own_headers)
        except (ClientDisconnect, CallerHungUp):
            pass  # nobody is left to be answered
        except Exception:
            log.exception("request_failed")
            if status is None:
                await problem_response(Problem("internal-error"))(scope, receive, send_with_own_headers)
        finally:
            seconds = perf_counter() - started_at
            method = scope["method"] if scope["method"] in _METHODS else None
            route = getattr(scope.get("route"), "path_format", None)
            count_request(method, route, status, seconds)
            log.info(
                "request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1)
            )
            _describe(span, scope.get("scheme", "http"), method, route, status)


def _callers_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode("ascii") if _REQUEST_ID.fullmatch(value) else None
    return None


def _callers_trace_parent(scope: Scope) -> str | None:
    """Where there are several, none is to be believed (W3C Trace Context)."""
    sent = [value for name, value in scope["headers"] if name == b"traceparent"]
    return sent[0].decode("latin-1") if len(sent) == 1 else None


def _describe(
    span: tracing.Span, scheme: str, method: str | None, route: str | None, status: int | None
) -> None:
    """By OpenTelemetry's conventions, but without path, query and host: those are what a caller made up."""
    span.rename(f"{method or 'HTTP'} {route or ''}".rstrip())
    span.set("url.scheme", scheme)
    span.set("http.request.method", method or "_OTHER")
    if route is not None:
        span.set("http.route", route)
    if status is not None:
        span.set("http.response.status_code", status)
        if status >= _SERVER_ERROR:
            span.fail(str(status))


def _own_headers(scope: Scope, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = [(b"x-request-id", request_id.encode("ascii")), *_EVERYWHERE]
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    if path == "/v1" or path.startswith("/v1/"):
        headers.append(_NO_STORE)
    return headers
