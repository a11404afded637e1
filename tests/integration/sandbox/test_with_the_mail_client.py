"""The real client and the real templates, as far as the provider's inbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from registration.adapters.mail.client import HttpMailApi, TimeLimits, open_mail_api
from registration.adapters.mail.provider_settings import ProviderSettings
from registration.adapters.mail.providers import make_provider
from registration.adapters.mail.sender import parse_sender
from registration.address_syntax import parse_email_address
from registration.courier.rendering import TEMPLATE_VERSION, Renderer
from registration.domain.mail import MailKind
from registration.ports import Message, Outcome, OutgoingMail, Verdict
from tests.integration.sandbox.conftest import Client

SENDER = parse_sender("Müller, Söhne & Co <login@example.com>")
RENDERER = Renderer(SENDER.display_name)


@asynccontextmanager
async def client(sandbox: Client, limits: TimeLimits | None = None) -> AsyncIterator[HttpMailApi]:
    provider = make_provider("mailpit", ProviderSettings(SENDER, str(sandbox.make_url(""))))
    async with open_mail_api(provider, limits) as api:
        yield api


@pytest.fixture
async def api(sandbox: Client) -> AsyncIterator[HttpMailApi]:
    async with client(sandbox) as opened:
        yield opened


def message(kind: MailKind = MailKind.ACTIVATION_CODE, address: str = "zoe@example.org") -> Message:
    mail = OutgoingMail(
        id=uuid4(),
        kind=kind,
        email=parse_email_address(address),
        credential_id=UUID(int=2),
        code_key_id=1,
        language="en",
        template_version=TEMPLATE_VERSION,
        request_id="req-1",
        trace_parent=None,
        age=timedelta(0),
        attempts=0,
        maybe_sent=False,
        provider=None,
        reason=None,
        is_wanted=True,
        lease=UUID(int=3),
    )
    return RENDERER.render(mail, "0042" if kind is MailKind.ACTIVATION_CODE else None, 60)


async def newest(sandbox: Client) -> dict[str, Any]:
    async with sandbox.get("/api/v1/messages?limit=1") as answer:
        mail_id = (await answer.json())["messages"][0]["ID"]
    async with sandbox.get(f"/api/v1/message/{mail_id}") as answer:
        shown: dict[str, Any] = await answer.json()
        return shown


@pytest.mark.parametrize("address", ["zoe@example.org", "zoë.müller+test@bücher.example", "用户@例子.广告"])
@pytest.mark.parametrize("kind", MailKind)
async def test_each_kind_of_mail_arrives_as_it_was_rendered(
    sandbox: Client, api: HttpMailApi, kind: MailKind, address: str
) -> None:
    sent = message(kind, address)

    outcome = await api.send(sent)

    arrived = await newest(sandbox)
    assert outcome == Outcome(Verdict.ACCEPTED, "accepted", arrived["ID"])
    assert arrived["From"] == {"Name": "Müller, Söhne & Co", "Address": "login@example.com"}
    assert arrived["To"] == [{"Name": "", "Address": sent.to.text}]
    assert (arrived["Subject"], arrived["Text"], arrived["HTML"]) == (sent.subject, sent.text, sent.html)
    assert arrived["Tags"] == [kind.value]
    assert arrived["MessageID"] == f"{sent.id}@example.com"
    async with sandbox.get("/sandbox/attempts") as answer:
        (attempt,) = await answer.json()
    assert attempt["mail_id"] == str(sent.id)


@pytest.mark.parametrize(
    "fault, outcome",
    [
        ("slow", Outcome(Verdict.ACCEPTED, "accepted")),
        ("too_many", Outcome(Verdict.RETRY, "status 429", retry_after=timedelta(seconds=3))),
        ("error", Outcome(Verdict.UNKNOWN, "status 500")),
        ("cut_before", Outcome(Verdict.UNKNOWN, "answer lost")),
        ("cut_after", Outcome(Verdict.UNKNOWN, "answer lost")),
    ],
)
async def test_each_fault_is_seen_for_what_it_is(
    sandbox: Client, api: HttpMailApi, fault: str, outcome: Outcome
) -> None:
    await sandbox.put("/sandbox/faults", json={fault: 1, "slow_seconds": 0.01, "retry_after_seconds": 3})

    assert replace(await api.send(message()), message_id=None) == outcome


async def test_a_provider_that_hangs_is_not_waited_for_for_ever(sandbox: Client) -> None:
    await sandbox.put("/sandbox/faults", json={"hang": 1})

    async with client(sandbox, TimeLimits(read_seconds=0.2)) as api:
        assert await api.send(message()) == Outcome(Verdict.UNKNOWN, "no answer in time")


async def test_an_address_that_the_provider_refuses_is_the_recipients_fault(api: HttpMailApi) -> None:
    nobody = replace(message(), to=replace(message().to, text="nobody"))

    assert await api.send(nobody) == Outcome(Verdict.RECIPIENT_REJECTED, "recipient's address refused")
