"""What a status code means where the provider's own codes say nothing better."""

from datetime import timedelta

from registration.adapters.mail.provider import ProviderAnswer
from registration.adapters.mail.retry_after import parse_retry_after
from registration.ports import Outcome, Verdict

NOT_TAKEN_NOW = frozenset({408, 420, 421, 425, 429, 503})
ACCOUNT_OR_ADDRESS_WRONG = frozenset({401, 402, 403, 404, 405, 406, 407})
"""Credentials, credits, permission, or the API's address: an operator can mend these, so no mail is given up for them."""


def accepted(message_id: str | None) -> Outcome:
    """The provider took the mail, whether or not it said under which id."""
    return Outcome(Verdict.ACCEPTED, "accepted" if message_id else "accepted without an id", message_id)


def outcome_by_status(answer: ProviderAnswer) -> Outcome:
    """The outcome that the status alone tells; the safe side where it tells nothing."""
    if answer.is_success:
        return accepted(None)
    return refused(_verdict(answer.status), f"status {answer.status}", answer)


def refused(verdict: Verdict, reason: str, answer: ProviderAnswer, wait: timedelta | None = None) -> Outcome:
    """Any other outcome than an acceptance, no sooner to be repeated than the answer says, else than after `wait`."""
    asked = parse_retry_after(answer.headers.get("retry-after"), answer.received_at)
    return Outcome(verdict, reason, retry_after=wait if asked is None else asked)


def _verdict(status: int) -> Verdict:
    if status in NOT_TAKEN_NOW:
        return Verdict.RETRY
    if status in ACCOUNT_OR_ADDRESS_WRONG or 300 <= status < 400:  # noqa: PLR2004 the class of status codes
        return Verdict.PROVIDER_REFUSED
    if 400 <= status < 500:  # noqa: PLR2004 likewise
        return Verdict.MESSAGE_REJECTED
    return Verdict.UNKNOWN
