from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from registration.adapters.mysql.fresh_mails import FreshMails
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind
from registration.ports import OutgoingMail


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fresh(clock: Clock) -> FreshMails:
    return FreshMails(clock)


def mail(mail_id: UUID | None = None) -> OutgoingMail:
    mail_id = mail_id or uuid4()
    return OutgoingMail(
        id=mail_id,
        kind=MailKind.ACTIVATION_CODE,
        email=EmailAddress("ann@example.org"),
        credential_id=uuid4(),
        code_key_id=1,
        language="en",
        template_version=1,
        request_id="request-1",
        trace_parent=None,
        age=timedelta(),
        attempts=0,
        maybe_sent=False,
        provider=None,
        reason=None,
        is_wanted=True,
        lease=mail_id,
    )


def test_a_mail_is_taken_once(fresh: FreshMails) -> None:
    new = mail()
    fresh.put(new, fresh.now())
    assert fresh.take(new.id) == new
    assert fresh.take(new.id) is None


def test_its_age_is_counted_from_before_its_transaction(fresh: FreshMails, clock: Clock) -> None:
    new, begun_at = mail(), fresh.now()
    clock.now += 1
    fresh.put(new, begun_at)
    clock.now += 2
    taken = fresh.take(new.id)
    assert taken is not None
    assert taken.age == timedelta(seconds=3)


@pytest.mark.parametrize("waited, is_held", [(4.9, True), (5.0, False)])
def test_it_is_not_taken_when_too_little_of_its_lease_is_left(
    fresh: FreshMails, clock: Clock, waited: float, is_held: bool
) -> None:
    new = mail()
    fresh.put(new, fresh.now())
    clock.now += waited
    assert (fresh.take(new.id) is not None) == is_held


def test_one_that_was_put_again_by_a_repeated_transaction_is_one(fresh: FreshMails, clock: Clock) -> None:
    new, begun_at = mail(), fresh.now()
    fresh.put(new, begun_at)
    clock.now += 1
    fresh.put(new, begun_at)
    assert fresh.take(new.id) is not None
    assert fresh.take(new.id) is None


def test_those_that_nobody_takes_do_not_pile_up(fresh: FreshMails, clock: Clock) -> None:
    for _ in range(1000):
        fresh.put(mail(), fresh.now())
        clock.now += 1
    assert len(fresh) == 5
