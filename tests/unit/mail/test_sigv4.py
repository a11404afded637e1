"""Amazon's own library, botocore, signs the same requests in the same way."""

from datetime import UTC, datetime, timedelta, timezone
from unittest import mock

import pytest
from botocore import auth  # type: ignore[import-untyped]  # botocore has no types
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]  # likewise
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # likewise
from hypothesis import given
from hypothesis import strategies as st

from registration.adapters.mail.provider import ProviderRequest
from registration.adapters.mail.ses import Ses
from registration.adapters.mail.sigv4 import SignatureV4
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind
from tests.unit.mail.examples import MESSAGE, NOW, message, settings

SIGNATURE = SignatureV4("ses", "eu-west-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def as_botocore_signs(request: ProviderRequest, now: datetime) -> dict[str, str]:
    theirs = AWSRequest(
        "POST", request.url, {"Content-Type": request.headers["Content-Type"]}, data=request.body
    )
    credentials = Credentials(SIGNATURE.access_key_id, SIGNATURE.secret_access_key)
    with mock.patch.object(auth, "get_current_datetime", return_value=now):
        auth.SigV4Auth(credentials, SIGNATURE.service, SIGNATURE.region).add_auth(theirs)
    return {name: theirs.headers[name] for name in ("Authorization", "X-Amz-Date")}


def as_we_sign(request: ProviderRequest, now: datetime = NOW) -> dict[str, str]:
    signed = SIGNATURE(request, now)
    return {name: signed[name] for name in ("Authorization", "X-Amz-Date")}


def ses_request(api_url: str | None = None, **changes: object) -> ProviderRequest:
    return Ses.from_settings(settings(api_url=api_url)).request(message(**changes))


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(ses_request(), id="Amazon's own address"),
        pytest.param(ses_request(text="Grüße, 0042 – ¡olé! 🎉", html="<p>ü</p>"), id="umlauts"),
        pytest.param(ses_request(to=EmailAddress("zoë@example.org"), request_id=None), id="mailbox"),
        pytest.param(ses_request(kind=MailKind.ADDRESS_TAKEN), id="another kind"),
        pytest.param(ses_request("http://127.0.0.1:4566"), id="another port"),
        pytest.param(ses_request("http://[::1]:4566/"), id="IPv6"),
        pytest.param(ses_request("http://localhost:80"), id="the usual port"),
        pytest.param(ses_request("https://localhost:443"), id="the usual port of https"),
        pytest.param(ses_request("https://localhost:80"), id="an unusual port of https"),
        pytest.param(ses_request("https://VPCE-1.Email.eu-west-1.vpce.amazonaws.com"), id="capitals"),
        pytest.param(ses_request("https://relay.example.com/ses/~eu_1"), id="a path"),
    ],
)
def test_signs_as_botocore_does(request_: ProviderRequest) -> None:
    assert as_we_sign(request_) == as_botocore_signs(request_, NOW)


@given(
    body=st.binary(min_size=1),
    now=st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001 - UTC is added below
)
def test_signs_any_bytes_at_any_time_as_botocore_does(body: bytes, now: datetime) -> None:
    request = ProviderRequest("https://email.example.com/v2", {"Content-Type": "application/json"}, body)
    now = now.replace(tzinfo=UTC)

    assert as_we_sign(request, now) == as_botocore_signs(request, now)


def test_the_time_is_utc_wherever_the_clock_is() -> None:
    request, tokyo = ses_request(), timezone(timedelta(hours=9))

    assert as_we_sign(request, NOW.astimezone(tokyo)) == as_we_sign(request, NOW)


def test_what_was_signed_is_what_is_sent() -> None:
    request = Ses.from_settings(settings(api_url="http://LocalHost:4566")).request(MESSAGE)
    signed = request.at(NOW)

    assert signed.body == request.body
    assert signed.headers["Host"] == "localhost:4566"
    assert signed.headers["X-Amz-Date"] == "20261122T120000Z"
    assert "SignedHeaders=content-type;host;x-amz-date" in signed.headers["Authorization"]
    assert signed.at(NOW + timedelta(minutes=1)) == signed


def test_a_later_attempt_has_the_same_body_under_a_new_signature() -> None:
    request = ses_request()
    first, second = request.at(NOW), request.at(NOW + timedelta(seconds=1))

    assert first.body == second.body
    assert first.headers["Authorization"] != second.headers["Authorization"]


def test_neither_half_of_the_key_is_shown() -> None:
    assert "AKIDEXAMPLE" not in repr(SIGNATURE)
    assert "wJalrX" not in repr(SIGNATURE)
