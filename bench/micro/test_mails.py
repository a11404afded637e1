"""From a mail to what its provider is sent."""

from datetime import timedelta
from uuid import UUID

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from registration.adapters.mail.mailpit import Mailpit
from registration.adapters.mail.sender import Sender
from registration.courier.rendering import TEMPLATE_VERSION, Renderer
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind
from registration.ports import OutgoingMail

MAIL = OutgoingMail(
    id=UUID(int=1),
    kind=MailKind.ACTIVATION_CODE,
    email=EmailAddress("ada.lovelace@example.org"),
    credential_id=UUID(int=2),
    code_key_id=1,
    language="en",
    template_version=TEMPLATE_VERSION,
    request_id="cb98c82456c543c293ab42dea6357cb7",
    trace_parent=None,
    age=timedelta(),
    attempts=0,
    maybe_sent=False,
    provider=None,
    reason=None,
    is_wanted=True,
    lease=UUID(int=3),
)


@pytest.fixture
def renderer() -> Renderer:
    return Renderer("Registration")


def test_mail_is_rendered(benchmark: BenchmarkFixture, renderer: Renderer) -> None:
    assert "0417" in benchmark(renderer.render, MAIL, "0417", 60).text


def test_request_to_the_provider_is_made(benchmark: BenchmarkFixture, renderer: Renderer) -> None:
    sender = Sender("Registration", EmailAddress("no-reply@example.org"))
    provider = Mailpit(sender, "http://127.0.0.1:8025/api/v1/send")
    message = renderer.render(MAIL, "0417", 60)

    assert benchmark(provider.request, message)
