import json

import pytest

from registration.adapters.mail.mailpit import Mailpit
from registration.adapters.mail.provider import ProviderAnswer
from registration.adapters.mail.provider_settings import InvalidProviderSettings
from registration.adapters.mail.sender import parse_sender
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind
from registration.ports import Outcome, Verdict
from tests.unit.mail.examples import MAIL_ID, MESSAGE, answer, message, settings

MAILPIT = Mailpit.from_settings(settings(api_key=None))


def test_the_request_is_what_mailpit_reads() -> None:
    request = MAILPIT.request(MESSAGE)

    assert request.url == "http://provider.test/api/v1/send"
    assert request.headers == {"Content-Type": "application/json", "Accept": "application/json"}
    assert json.loads(request.body) == {
        "From": {"Email": "login@mail.example.com", "Name": "Example App"},
        "To": [{"Email": "zoe@example.org", "Name": ""}],
        "Subject": "Your activation code",
        "Text": "Here it is:\n\n0042\n",
        "HTML": "<p>0042</p>",
        "Tags": ["activation-code"],
        "Headers": {
            "X-Mail-ID": str(MAIL_ID),
            "X-Request-ID": "req-1",
            "Auto-Submitted": "auto-generated",
            "Message-ID": f"<{MAIL_ID}@mail.example.com>",
        },
    }


def test_a_mail_that_no_request_asked_for_names_none() -> None:
    document = json.loads(MAILPIT.request(message(request_id=None)).body)

    assert "X-Request-ID" not in document["Headers"]


def test_names_and_addresses_arrive_as_they_are() -> None:
    mailpit = Mailpit.from_settings(settings(sender=parse_sender("Müller, Söhne & Co <login@example.com>")))
    document = json.loads(
        mailpit.request(message(to=EmailAddress("zoë@example.org"), kind=MailKind.ADDRESS_TAKEN)).body
    )

    assert document["From"]["Name"] == "Müller, Söhne & Co"
    assert document["To"] == [{"Email": "zoë@example.org", "Name": ""}]
    assert document["Tags"] == ["address-taken"]


@pytest.mark.parametrize(
    "given, outcome",
    [
        (
            answer(200, {"ID": "iAfZVVe2UQfNSG5BAjgYwa"}),
            Outcome(Verdict.ACCEPTED, "accepted", "iAfZVVe2UQfNSG5BAjgYwa"),
        ),
        (answer(200, {"ID": ""}), Outcome(Verdict.ACCEPTED, "accepted without an id")),
        (answer(200, {"ID": ["x"]}), Outcome(Verdict.ACCEPTED, "accepted without an id")),
        (answer(200, {"ID": "x" * 256}), Outcome(Verdict.ACCEPTED, "accepted without an id")),
        (answer(200), Outcome(Verdict.ACCEPTED, "accepted without an id")),
        (
            answer(400, {"Error": "invalid To address: zoe@"}),
            Outcome(Verdict.RECIPIENT_REJECTED, "recipient's address refused"),
        ),
        (
            answer(400, {"Error": 'cannot overwrite header: "To"'}),
            Outcome(Verdict.MESSAGE_REJECTED, "status 400"),
        ),
        (answer(400, {"Error": None}), Outcome(Verdict.MESSAGE_REJECTED, "status 400")),
        (answer(400, ["Error"]), Outcome(Verdict.MESSAGE_REJECTED, "status 400")),
        (answer(401), Outcome(Verdict.PROVIDER_REFUSED, "status 401")),
        (
            answer(413, {"Error": "http: request body too large"}),
            Outcome(Verdict.MESSAGE_REJECTED, "status 413"),
        ),
        (answer(502), Outcome(Verdict.UNKNOWN, "status 502")),
    ],
)
def test_the_answer_says_what_became_of_the_mail(given: ProviderAnswer, outcome: Outcome) -> None:
    assert MAILPIT.outcome(given) == outcome


def test_the_key_is_user_and_password_and_is_never_shown() -> None:
    mailpit = Mailpit.from_settings(settings(api_key="user:secret-key"))
    request = mailpit.request(MESSAGE)

    assert request.headers["Authorization"] == "Basic dXNlcjpzZWNyZXQta2V5"
    for shown in (repr(mailpit), repr(request), repr(settings(api_key="user:secret-key"))):
        assert "secret-key" not in shown
        assert "dXNlcjpzZWNyZXQta2V5" not in shown
    assert "0042" not in repr(request)


def test_without_a_url_it_is_mailpit_on_this_machine() -> None:
    mailpit = Mailpit.from_settings(settings(api_url=None))

    assert mailpit.request(MESSAGE).url == "http://127.0.0.1:8025/api/v1/send"


@pytest.mark.parametrize("key", ["no-colon", "user:sécret", "user:secret\nX-Injected: 1"])
def test_a_key_of_another_form_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(InvalidProviderSettings) as refusal:
        Mailpit.from_settings(settings(api_key=key))

    assert [fault.setting for fault in refusal.value.faults] == ["api_key"]
    assert key not in str(refusal.value)
