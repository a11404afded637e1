"""What the problem documents look like, for the API's documentation and the pages."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from registration.api.problems import problem_document


class ProblemResponse(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(
        description="Names the problem, and is the address of a page that explains it.",
        json_schema_extra={"format": "uri-reference"},
    )
    title: str
    status: int
    detail: str
    request_id: str = Field(description="The same as the header X-Request-ID.")


class RetryLaterResponse(ProblemResponse):
    retry_after: int = Field(ge=1, description="The same as the header Retry-After, in seconds.")


class FieldError(BaseModel):
    field: str = Field(description="A member of the request's body, or `body` for all of it.")
    detail: str


class InvalidRequestResponse(ProblemResponse):
    errors: list[FieldError]


class UnacceptablePasswordResponse(ProblemResponse):
    reasons: list[Literal["too-short", "too-long", "too-common", "contains-email"]]


class IncorrectCodeResponse(ProblemResponse):
    attempts_left: int = Field(ge=0)


_Shape = tuple[type[ProblemResponse], dict[str, Any]]

_RETRY_LATER: _Shape = (RetryLaterResponse, {"retry_after": 25})

_SHAPES: Mapping[str, _Shape] = {
    "invalid-request": (
        InvalidRequestResponse,
        {"errors": [{"field": "email", "detail": "is not a valid e-mail address"}]},
    ),
    "unacceptable-password": (UnacceptablePasswordResponse, {"reasons": ["too-short", "too-common"]}),
    "incorrect-code": (IncorrectCodeResponse, {"attempts_left": 2}),
    "rate-limited": _RETRY_LATER,
    "too-many-attempts": _RETRY_LATER,
    "overloaded": _RETRY_LATER,
    "unavailable": _RETRY_LATER,
}
"""The problems with further members: their schema, and those members in the example."""


def schema_of(code: str) -> type[ProblemResponse]:
    return _SHAPES[code][0] if code in _SHAPES else ProblemResponse


def example_of(code: str) -> dict[str, object]:
    members = _SHAPES[code][1] if code in _SHAPES else {}
    return problem_document(code, members, "checkout-7f3a")
