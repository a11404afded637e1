"""What an operator reads of an address."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from registration.adapters.mysql.mail_records import MailRecord
from registration.domain.account import Account
from registration.domain.address_guard import AddressGuard
from registration.domain.errors import TooManyAttempts
from registration.domain.policy import WRONG_CODES_PER_DAY, WRONG_CODES_PER_YEAR, Policy

DAY = timedelta(days=1)


def describe(account: Account, mails: Sequence[MailRecord], log_digest: str) -> Iterator[tuple[str, str]]:
    """Titles, each with what is to be said beside it; an empty one goes on with the last."""
    yield "address", account.email.text
    yield "in the logs", log_digest
    yield from _holders(account)
    day, year = (
        sum(wrong.shown_at > account.now - quota.window for wrong in account.wrong_codes)
        for quota in (WRONG_CODES_PER_DAY, WRONG_CODES_PER_YEAR)
    )
    yield "wrong codes", f"{day} in the last 24 hours, {year} in the last 365 days"
    yield "locked", _locked(account.guard(Policy()))
    counted = sum(mail.created_at > account.now - DAY for mail in account.mails)
    yield "mails", f"{counted} to the mailbox in the last 24 hours, also to its +tags and erased ones"
    for mail in mails:
        sent = f"{mail.kind:15}  {mail.state:8}  {mail.provider or '':8}  {mail.reason or ''}".rstrip()
        yield "", f"{_time(mail.created_at)}  {sent}"


def _holders(account: Account) -> Iterator[tuple[str, str]]:
    user, registration = account.user, account.registration
    if user is not None:
        yield "status", "active"
        yield "registered at", _time(user.registered_at)
        yield "activated at", _time(user.activated_at)
    elif registration is not None and not registration.is_decoy:
        yield "status", "pending"
        yield "registered at", _time(registration.registered_at)
    else:
        yield "status", "unknown: it has no user and no registration"
    if registration is not None and registration.is_decoy:
        at = _time(registration.registered_at)
        yield "decoy", f"somebody registered the address while it had a user, at {at}; never to be activated"


def _locked(guard: AddressGuard) -> str:
    if guard.is_locked_for_good():
        return "until an operator unlocks it"
    try:
        guard.refuse_locked()
    except TooManyAttempts as refusal:
        return f"until {_time(guard.now + refusal.retry_after)}"
    return "no"


def _time(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
