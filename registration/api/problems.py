"""Errors as problem documents (RFC 9457). None repeats anything that the caller sent."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from registration.api.basic_auth import CHALLENGE
from registration.api.problem_types import PROBLEM_TYPES
from registration.api.schemas import OWN_ERROR
from registration.domain.errors import (
    IncorrectCode,
    InvalidCredentials,
    Refusal,
    RefusedForNow,
    UnacceptablePassword,
)
from registration.observability.request_id import current_request_id

MEDIA_TYPE = "application/problem+json"

_CODE_OF_STATUS = {404: "not-found", 405: "method-not-allowed"}
_DETAIL_OF_ERROR = {
    "missing": "is missing",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode text",
}


class Problem(Exception):
    """The request is answered with a problem of the table; `members` are the document's further ones."""

    def __init__(
        self,
        code: str,
        members: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.members = members or {}
        self.headers = headers or {}


def invalid_request(*errors: tuple[str, str]) -> Problem:
    """Each error is the name of a field of ours, never one that the caller made up, and what it must be."""
    return Problem(
        "invalid-request", {"errors": [{"field": field, "detail": detail} for field, detail in errors]}
    )


def problem_document(code: str, members: Mapping[str, object], request_id: str | None) -> dict[str, object]:
    known = PROBLEM_TYPES[code]
    return {
        "type": f"/problems/{code}",
        "title": known.title,
        "status": known.status,
        "detail": known.detail,
        "request_id": request_id,
        **members,
    }


def problem_response(problem: Problem) -> Response:
    document = problem_document(problem.code, problem.members, current_request_id())
    return Response(
        json.dumps(document, separators=(",", ":")),
        PROBLEM_TYPES[problem.code].status,
        problem.headers,
        MEDIA_TYPE,
    )


async def answer_problem(_: Request, problem: Problem) -> Response:
    return problem_response(problem)


async def answer_refusal(_: Request, refusal: Refusal) -> Response:
    return problem_response(_problem_of(refusal))


async def answer_validation_error(_: Request, error: RequestValidationError) -> Response:
    return problem_response(invalid_request(*map(_field_error, error.errors())))


async def answer_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer what routing raises; anything else of this kind is none of ours and goes on as unexpected."""
    code = _CODE_OF_STATUS.get(error.status_code)
    if code is None:
        raise error
    return problem_response(Problem(code, headers=_allow(request) if code == "method-not-allowed" else None))


def whole_seconds(duration: timedelta) -> int:
    """For Retry-After: rounded up, because a caller who comes back too early is refused again, and at least 1."""
    return max(-(-duration // timedelta(seconds=1)), 1)


def _problem_of(refusal: Refusal) -> Problem:
    match refusal:
        case RefusedForNow():
            seconds = whole_seconds(refusal.retry_after)
            return Problem(refusal.code, {"retry_after": seconds}, {"Retry-After": str(seconds)})
        case InvalidCredentials():
            return Problem(refusal.code, headers={"WWW-Authenticate": CHALLENGE})
        case IncorrectCode():
            return Problem(refusal.code, {"attempts_left": refusal.attempts_left})
        case UnacceptablePassword():
            return Problem(refusal.code, {"reasons": refusal.reasons})
        case _:
            return Problem(refusal.code)


def _allow(request: Request) -> dict[str, str]:
    """All methods of the path (RFC 9110, 15.5.6): routing knows only those of the first route that has it."""
    routes = request.app.routes
    methods = {
        method
        for route in routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods
    }
    return {"Allow": ", ".join(sorted(methods))}


def _field_error(error: Mapping[str, Any]) -> tuple[str, str]:
    """The library's own message and input are left out: they repeat what was sent."""
    location: Sequence[str | int] = error["loc"]
    if location == ("body",):
        return "body", "must be a JSON object"
    detail = (
        error["msg"] if error["type"] == OWN_ERROR else _DETAIL_OF_ERROR.get(error["type"], "is not valid")
    )
    return str(location[-1]), detail
