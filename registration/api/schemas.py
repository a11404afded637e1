"""The JSON documents of the API: what is read, what is answered, and what each looks like in the documentation."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetPydanticSchema,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, core_schema

from registration.address_syntax import InvalidEmailAddress, parse_email_address
from registration.domain.email_address import EmailAddress
from registration.domain.password import has_forbidden_characters

MailStatus = Literal["queued", "accepted", "failed"]

OWN_ERROR = "own"
"""The type of the validation errors whose message is ours and repeats nothing."""


def _email_address(value: object) -> EmailAddress:
    if not isinstance(value, str):
        raise PydanticCustomError(OWN_ERROR, "must be a string")
    try:
        return parse_email_address(value)
    except InvalidEmailAddress as error:
        raise PydanticCustomError(OWN_ERROR, "is not a valid e-mail address") from error


def _password(value: str) -> str:
    if has_forbidden_characters(value):
        raise PydanticCustomError(OWN_ERROR, "must not contain control characters")
    return value


def _rfc3339(at: datetime) -> str:
    """Always with six digits of a second, so that times can be compared as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_EMAIL = {"type": "string", "format": "idn-email"}

Email = Annotated[
    EmailAddress,
    # Not PlainValidator: that would put the class into the API's documentation as well.
    GetPydanticSchema(lambda *_: core_schema.no_info_plain_validator_function(_email_address)),
    WithJsonSchema(_EMAIL),
]
NormalisedEmail = Annotated[str, WithJsonSchema(_EMAIL)]
Password = Annotated[str, AfterValidator(_password)]
Time = Annotated[
    AwareDatetime,
    PlainSerializer(_rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-22T12:00:00.000000Z"]}),
]


class RegistrationRequest(BaseModel):
    email: Email = Field(
        description="In any case and spelling; it is normalised.", examples=["ada@example.com"]
    )
    password: Password = Field(
        repr=False,
        description="8 to 256 characters unless configured otherwise, counted after NFKC; no control characters.",
        examples=["correct horse battery staple"],
        json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$"},  # true under all settings
    )


class ActivationRequest(BaseModel):
    code: str = Field(
        repr=False,
        description="The digits that were mailed, leading zeros included.",
        examples=["1234"],
        json_schema_extra={"pattern": "^[0-9]{4,8}$"},  # the route knows how many, and checks it
    )


class _Response(BaseModel):
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class CodeSentResponse(_Response):
    email: NormalisedEmail = Field(description="The normalised address.", examples=["ada@example.com"])
    code_ttl_seconds: int = Field(
        description="How long the code works, from when the mail provider has accepted the mail.",
        examples=[60],
    )


class ActivationResponse(_Response):
    """The newest code."""

    mail: MailStatus = Field(description="Where its mail is.", examples=["accepted"])
    code_expires_at: Time | None = Field(description="Null until the mail provider has accepted the mail.")
    new_code_at: Time = Field(description="From when another code may be asked for.")


class ActiveUserResponse(_Response):
    email: NormalisedEmail = Field(examples=["ada@example.com"])
    status: Literal["active"] = "active"
    registered_at: Time
    activated_at: Time


class PendingUserResponse(_Response):
    email: NormalisedEmail = Field(examples=["ada@example.com"])
    status: Literal["pending"] = "pending"
    registered_at: Time
    activated_at: None = None
    activation: ActivationResponse


UserResponse = Annotated[ActiveUserResponse | PendingUserResponse, Field(discriminator="status")]


USER_EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "pending": {
        "value": {
            "email": "ada@example.com",
            "status": "pending",
            "registered_at": "2026-11-22T12:00:00.000000Z",
            "activated_at": None,
            "activation": {
                "mail": "accepted",
                "code_expires_at": "2026-11-22T12:01:00.250000Z",
                "new_code_at": "2026-11-22T12:00:30.000000Z",
            },
        }
    },
    "active": {
        "value": {
            "email": "ada@example.com",
            "status": "active",
            "registered_at": "2026-11-22T12:00:00.000000Z",
            "activated_at": "2026-11-22T12:00:40.000000Z",
        }
    },
}


class LivenessResponse(_Response):
    status: Literal["ok"] = "ok"


class ReadinessChecks(_Response):
    database: Literal["ok", "down"]
    mail: Literal["ok", "down"]


class ReadinessResponse(_Response):
    status: Literal["ok", "degraded", "unavailable"]
    checks: ReadinessChecks
