"""What the application answers, as the API's documents."""

from collections.abc import Mapping
from datetime import timedelta

from registration.api.schemas import (
    ActivationResponse,
    ActiveUserResponse,
    CodeSentResponse,
    MailStatus,
    PendingUserResponse,
    ReadinessChecks,
    ReadinessResponse,
)
from registration.api.services import Readiness
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailState
from registration.domain.policy import Policy
from registration.domain.user import User
from registration.queries.get_user import PendingUser

_MAIL_STATUS: Mapping[MailState, MailStatus] = {
    MailState.QUEUED: "queued",
    MailState.ACCEPTED: "accepted",
    MailState.FAILED: "failed",
    MailState.DROPPED: "failed",
}


def code_sent(email: EmailAddress, policy: Policy) -> CodeSentResponse:
    return CodeSentResponse(email=email.text, code_ttl_seconds=policy.code_ttl // timedelta(seconds=1))


def active_user(user: User) -> ActiveUserResponse:
    return ActiveUserResponse(
        email=user.email.text, registered_at=user.registered_at, activated_at=user.activated_at
    )


def user_in_any_state(user: User | PendingUser) -> ActiveUserResponse | PendingUserResponse:
    if isinstance(user, User):
        return active_user(user)
    activation = ActivationResponse(
        mail=_MAIL_STATUS[user.activation.mail],
        code_expires_at=user.activation.code_expires_at,
        new_code_at=user.activation.new_code_at,
    )
    return PendingUserResponse(email=user.email.text, registered_at=user.registered_at, activation=activation)


def readiness_response(readiness: Readiness) -> ReadinessResponse:
    checks = ReadinessChecks(database=readiness.database, mail=readiness.mail)
    return ReadinessResponse(status=readiness.status, checks=checks)
