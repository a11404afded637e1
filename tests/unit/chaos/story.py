"""Histories told step by step, good ones and damaged ones."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tools.chaos.record import (
    AccountRow,
    AnsweredBy,
    Call,
    HandedIn,
    Incident,
    MailRow,
    Operation,
    Record,
    WrongCodeRow,
)

REGISTER, ACTIVATE, NEW_CODE, LOOK, ERASE = Operation
ANN = "ann@example.org"
PASSWORD, OTHER_PASSWORD = "the first password", "the second password"
CODE, OTHER_CODE, WRONG = "1234", "5678", "0000"

SUCCESS = {REGISTER: 202, ACTIVATE: 200, NEW_CODE: 202, LOOK: 200, ERASE: 204}
STATUS = {
    "incorrect-code": 422,
    "invalid-credentials": 401,
    "expired-code": 410,
    "too-many-attempts": 429,
    "overloaded": 503,
    "unavailable": 503,
    "internal-error": 500,
}


def instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Story:
    """Each step takes a tenth of a second and begins a second after the last one has ended."""

    now: float = 1000.0
    calls: list[Call] = field(default_factory=list)
    handed_in: list[HandedIn] = field(default_factory=list)
    accounts: list[AccountRow] = field(default_factory=list)
    mails: list[MailRow] = field(default_factory=list)
    wrong_codes: list[WrongCodeRow] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def call(
        self,
        operation: Operation,
        password: str = PASSWORD,
        *,
        problem: str | None = None,
        code: str | None = None,
        client: str = "192.0.2.1",
        email: str = ANN,
        lasts: float = 0.1,
        **document: Any,
    ) -> Call:
        """A request that the service has answered."""
        status = STATUS[problem] if problem else SUCCESS[operation]
        call = Call(
            f"call-{next(self._numbers)}",
            "journey 1",
            operation,
            email,
            password,
            client,
            self.now,
            self.now + lasts,
            AnsweredBy.SERVICE,
            status,
            problem,
            code,
            document,
        )
        self.calls.append(call)
        self.now += lasts + 1
        return call

    def lost(self, operation: Operation, password: str = PASSWORD, code: str | None = None) -> Call:
        """A request whose answer has reached nobody."""
        call = replace(
            self.call(operation, password, code=code), by=AnsweredBy.NOBODY, status=None, problem=None
        )
        self.calls[-1] = call
        return call

    def mail(
        self, cause: Call, code: str | None = CODE, *, told: bool = True, request_id: str | None = None
    ) -> str:
        """The mail of a call: handed in when the call was answered, accepted a tenth of a second later."""
        mail_id = f"mail-{next(self._numbers)}"
        at = cause.answered_at + 0.1
        self.handed_in.append(
            HandedIn(mail_id, cause.email, code, cause.answered_at, at, accepted=True, told=told)
        )
        kind = "activation-code" if code else "address-taken"
        self.mails.append(
            MailRow(
                mail_id,
                cause.email,
                request_id or cause.id,
                kind,
                "accepted",
                None,
                cause.sent_at + 0.05,
                at if told else None,
                cause.password,
            )
        )
        return mail_id

    def active(
        self, operation: Operation, activated_at: float, password: str = PASSWORD, code: str = CODE
    ) -> Call:
        shown = code if operation is ACTIVATE else None
        return self.call(operation, password, code=shown, status="active", activated_at=instant(activated_at))

    def wrong(self, left: int, mail_id: str, client: str = "192.0.2.1") -> Call:
        self.wrong_codes.append(WrongCodeRow("ann's key", f"key of {client}", mail_id))
        return self.call(ACTIVATE, problem="incorrect-code", code=WRONG, client=client, attempts_left=left)

    def row(self, kind: str = "user", activated_at: float | None = None, password: str = PASSWORD) -> None:
        """A password stands for its credential."""
        registrations = [
            call.sent_at for call in self.calls if call.operation is REGISTER and call.password == password
        ]
        registered_at = max(registrations) + 0.05
        self.accounts.append(AccountRow(ANN, kind, registered_at, activated_at, password))

    def record(self) -> Record:
        return Record(self.calls, self.handed_in, self.incidents, self.accounts, self.mails, self.wrong_codes)


def journey(story: Story) -> float:
    """Ann registers, and shows her code; return when she became active."""
    registered = story.call(REGISTER)
    story.mail(registered)
    story.call(LOOK, status="pending")
    activated_at = story.now + 0.05
    story.active(ACTIVATE, activated_at)
    story.active(LOOK, activated_at)
    return activated_at


def good_journey() -> Story:
    story = Story()
    story.row(activated_at=journey(story))
    return story


def good_guesses() -> Story:
    """Ten wrong codes at four codes, by two clients, and then no more."""
    story = Story()
    mail_id = story.mail(story.call(REGISTER))
    for number, left in enumerate((2, 1, 0, 2, 1, 0, 2, 1, 0, 0)):
        if number in {3, 6, 9}:
            story.call(ACTIVATE, problem="too-many-attempts", code=CODE)
            mail_id = story.mail(story.call(NEW_CODE), OTHER_CODE)
        story.wrong(left, mail_id, client="192.0.2.1" if number % 2 else "192.0.2.2")
    story.call(ACTIVATE, problem="too-many-attempts", code=OTHER_CODE)
    story.row("registration")
    return story


def good_erasure() -> Story:
    """Active, erased, and registered and activated again with another password."""
    story = Story()
    journey(story)
    story.call(ERASE)
    story.call(LOOK, problem="invalid-credentials")
    story.mail(story.call(REGISTER, OTHER_PASSWORD), OTHER_CODE)
    story.row(activated_at=story.now + 0.05, password=OTHER_PASSWORD)
    story.active(ACTIVATE, story.now + 0.05, OTHER_PASSWORD, OTHER_CODE)
    # what belonged to the erased one tells no longer whose it was
    story.mails[0] = replace(story.mails[0], email=None, request_id=None)
    return story


def good_final_erasure() -> Story:
    story = Story()
    journey(story)
    story.call(ERASE)
    story.call(LOOK, problem="invalid-credentials")
    story.mails[0] = replace(story.mails[0], email=None, request_id=None)
    return story


def good_decoy() -> Story:
    """Somebody registers Ann's address with another password, which then goes on as if it were pending."""
    story = Story()
    activated_at = journey(story)
    story.mail(story.call(REGISTER, OTHER_PASSWORD), None)
    story.call(LOOK, OTHER_PASSWORD, status="pending")
    story.active(LOOK, activated_at)
    story.row(activated_at=activated_at)
    story.row("registration", password=OTHER_PASSWORD)
    return story


def good_erasure_beside_a_decoy() -> Story:
    """The owner goes, and the stranger's registration stays."""
    story = good_decoy()
    story.call(ERASE)
    story.call(LOOK, problem="invalid-credentials")
    story.call(LOOK, OTHER_PASSWORD, status="pending")
    del story.accounts[0]
    story.mails[0] = replace(story.mails[0], email=None, request_id=None)
    return story


def good_return_with_the_same_password() -> Story:
    story = Story()
    journey(story)
    story.call(ERASE)
    story.mail(story.call(REGISTER), OTHER_CODE)
    story.row(activated_at=story.now + 0.05)
    story.active(ACTIVATE, story.now + 0.05, code=OTHER_CODE)
    story.mails[0] = replace(story.mails[0], email=None, request_id=None)
    return story


def good_new_code_after_three_wrong_ones() -> Story:
    story = Story()
    mail_id = story.mail(story.call(REGISTER))
    for left in (2, 1, 0):
        story.wrong(left, mail_id)
    story.mail(story.call(NEW_CODE), OTHER_CODE)
    story.row(activated_at=story.now + 0.05)
    story.active(ACTIVATE, story.now + 0.05, code=OTHER_CODE)
    return story


def good_new_password() -> Story:
    """A pending address is registered again."""
    story = Story()
    story.mail(story.call(REGISTER, OTHER_PASSWORD))
    story.now += 5
    story.mail(story.call(REGISTER), OTHER_CODE)
    story.call(LOOK, status="pending")
    story.call(LOOK, OTHER_PASSWORD, problem="invalid-credentials")
    story.row("registration")
    return story


def registered_twice_at_once() -> Story:
    """Two passwords at the same instant: one registration, and nobody is told whose."""
    story = Story()
    first = story.call(REGISTER)
    story.now = first.sent_at + 0.01
    story.call(REGISTER, OTHER_PASSWORD)
    story.mail(first)
    story.call(LOOK, OTHER_PASSWORD, problem="invalid-credentials")
    story.call(LOOK, status="pending")
    story.row("registration")
    return story


def activated_by_a_lost_request() -> Story:
    """The answer to the right code is lost; whoever tries again is told the instant of the first time."""
    story = Story()
    story.mail(story.call(REGISTER))
    activated_at = story.now + 0.05
    story.lost(ACTIVATE, code=CODE)
    story.active(ACTIVATE, activated_at)
    story.row(activated_at=activated_at)
    return story


def activated_with_any_code_after_a_lost_request() -> Story:
    story = Story()
    story.mail(story.call(REGISTER))
    activated_at = story.now + 0.05
    story.lost(ACTIVATE, code=CODE)
    story.active(ACTIVATE, activated_at, code=WRONG)
    story.row(activated_at=activated_at)
    return story


def lost_activation_that_nobody_asked_about() -> Story:
    story = Story()
    story.mail(story.call(REGISTER))
    story.row(activated_at=story.now + 0.05)
    story.lost(ACTIVATE, code=CODE)
    return story


def activation_that_was_answered_503_and_happened() -> Story:
    story = Story()
    story.mail(story.call(REGISTER))
    activated_at = story.now + 0.05
    story.call(ACTIVATE, problem="unavailable", code=CODE)
    story.active(ACTIVATE, activated_at)
    story.row(activated_at=activated_at)
    return story


def activation_that_took_its_time() -> Story:
    """The connection broke at once, and the server committed all the same, seconds later."""
    story = Story()
    story.mail(story.call(REGISTER))
    story.lost(ACTIVATE, code=CODE)
    story.row(activated_at=story.now + 5)
    return story


def lost_registration_that_happened() -> Story:
    story = Story()
    story.mail(story.lost(REGISTER))
    story.call(LOOK, status="pending")
    story.row("registration")
    return story


def lost_registration_that_did_not_happen() -> Story:
    story = Story()
    story.lost(REGISTER)
    story.call(LOOK, problem="invalid-credentials")
    return story


def lost_erasure_that_happened() -> Story:
    story = Story()
    journey(story)
    story.lost(ERASE)
    story.call(LOOK, problem="invalid-credentials")
    story.mails[0] = replace(story.mails[0], email=None, request_id=None)
    return story


def lost_erasure_that_did_not_happen() -> Story:
    story = Story()
    activated_at = journey(story)
    story.lost(ERASE)
    story.active(LOOK, activated_at)
    story.row(activated_at=activated_at)
    return story


def lost_wrong_code_that_was_counted() -> Story:
    story = Story()
    mail_id = story.mail(story.call(REGISTER))
    story.wrong(2, mail_id)
    story.lost(ACTIVATE, code=WRONG)
    story.wrong_codes.append(story.wrong_codes[-1])
    story.wrong(0, mail_id)
    story.call(ACTIVATE, problem="too-many-attempts", code=CODE)
    story.row("registration")
    return story


def lost_wrong_code_that_was_not_counted() -> Story:
    story = Story()
    mail_id = story.mail(story.call(REGISTER))
    story.wrong(2, mail_id)
    story.lost(ACTIVATE, code=WRONG)
    story.wrong(1, mail_id)
    story.row("registration")
    return story


def third_wrong_code_at_the_same_time_as_the_right_one() -> Story:
    """Either comes first."""
    story = Story()
    mail_id = story.mail(story.call(REGISTER))
    story.wrong(2, mail_id)
    story.wrong(1, mail_id)
    third = story.wrong(0, mail_id)
    story.now = third.sent_at
    activated_at = story.now + 0.02
    story.active(ACTIVATE, activated_at)
    story.row(activated_at=activated_at)
    return story


def mail_sent_again_because_an_answer_was_lost() -> Story:
    """The code's minute begins with the acceptance that the service knows of."""
    story = Story()
    registered = story.call(REGISTER)
    mail_id = story.mail(registered, told=False)
    at = registered.answered_at + 30
    story.handed_in.append(HandedIn(mail_id, ANN, CODE, at - 0.1, at, accepted=True, told=True))
    story.mails[0] = replace(story.mails[0], accepted_at=at)
    story.now = at + 55
    story.row(activated_at=story.now + 0.05)
    story.active(ACTIVATE, story.now + 0.05)
    return story


def mail_sent_again_because_a_replica_died() -> Story:
    """It was told that the mail is accepted, and could not write it down any more."""
    story = mail_sent_again_because_an_answer_was_lost()
    first = story.handed_in[0]
    story.handed_in[0] = replace(first, told=True)
    story.incidents.append(Incident("replica killed", "replica1", first.ended_at + 0.01, first.ended_at + 8))
    return story


GOOD: dict[str, Callable[[], Story]] = {
    story.__name__.removeprefix("good_").replace("_", " "): story
    for story in (
        good_journey,
        good_guesses,
        good_erasure,
        good_final_erasure,
        good_decoy,
        good_erasure_beside_a_decoy,
        good_return_with_the_same_password,
        good_new_code_after_three_wrong_ones,
        good_new_password,
        registered_twice_at_once,
        activated_by_a_lost_request,
        activated_with_any_code_after_a_lost_request,
        lost_activation_that_nobody_asked_about,
        activation_that_was_answered_503_and_happened,
        activation_that_took_its_time,
        lost_registration_that_happened,
        lost_registration_that_did_not_happen,
        lost_erasure_that_happened,
        lost_erasure_that_did_not_happen,
        lost_wrong_code_that_was_counted,
        lost_wrong_code_that_was_not_counted,
        third_wrong_code_at_the_same_time_as_the_right_one,
        mail_sent_again_because_an_answer_was_lost,
        mail_sent_again_because_a_replica_died,
    )
}
