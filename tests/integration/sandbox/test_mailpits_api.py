import asyncio
import io
from typing import Any

import pytest

from tests.integration.sandbox.conftest import Client
from tests.integration.sandbox.examples import MAIL, mail, to


async def send(sandbox: Client, document: object = MAIL) -> str:
    async with sandbox.post("/api/v1/send", json=document) as answer:
        assert answer.status == 200
        mail_id: str = (await answer.json())["ID"]
        return mail_id


async def read(sandbox: Client, path: str) -> Any:
    async with sandbox.get(path) as answer:
        assert answer.status == 200
        return await answer.json()


async def test_a_mail_is_listed_and_shown_as_mailpit_does(sandbox: Client) -> None:
    mail_id = await send(sandbox)

    (listed,) = (await read(sandbox, "/api/v1/messages"))["messages"]
    assert listed["ID"] == mail_id
    assert listed["To"] == [{"Name": "", "Address": "zoe@example.org"}]
    assert listed["From"] == {"Name": "Example App", "Address": "login@example.com"}
    assert listed["Subject"] == "Your code"
    assert listed["Tags"] == ["activation-code"]
    assert listed["Snippet"] == "Hello, 0042 Bye."
    assert listed["Created"].endswith("Z")

    shown = await read(sandbox, f"/api/v1/message/{mail_id}")
    assert shown["ID"] == mail_id
    assert shown["Text"] == MAIL["Text"]
    assert shown["HTML"] == MAIL["HTML"]


async def test_the_list_is_newest_first_and_comes_in_pages(sandbox: Client) -> None:
    sent = [await send(sandbox, to(f"user{number}@example.org")) for number in range(4)]

    page = await read(sandbox, "/api/v1/messages?start=1&limit=2")

    assert [message["ID"] for message in page["messages"]] == [sent[2], sent[1]]
    assert (page["start"], page["count"], page["total"], page["messages_count"]) == (1, 2, 4, 4)


@pytest.mark.parametrize("query", ["limit=x&start=-1", "limit=&start=", "limit=99999999999999999999999"])
async def test_a_page_that_makes_no_sense_is_the_first(sandbox: Client, query: str) -> None:
    await send(sandbox)

    assert len((await read(sandbox, f"/api/v1/messages?{query}"))["messages"]) == 1


async def test_it_keeps_doubles_and_forgets_the_oldest_beyond_its_capacity(sandbox: Client) -> None:
    sent = [await send(sandbox) for _ in range(7)]

    listed = await read(sandbox, "/api/v1/messages")

    assert [message["ID"] for message in listed["messages"]] == sent[:1:-1]
    assert (await sandbox.get(f"/api/v1/message/{sent[0]}")).status == 404


async def test_mails_are_deleted_some_or_all(sandbox: Client) -> None:
    first, second, third = [await send(sandbox) for _ in range(3)]

    await sandbox.delete("/api/v1/messages", json={"IDs": [second, "unknown"]})
    assert [m["ID"] for m in (await read(sandbox, "/api/v1/messages"))["messages"]] == [third, first]

    async with sandbox.delete("/api/v1/messages") as answer:
        assert await answer.text() == "ok"
    assert (await read(sandbox, "/api/v1/messages"))["total"] == 0


@pytest.mark.parametrize(
    "document, error",
    [
        ([], "the body must be an object"),
        (mail(To=[]), "to, cc, or bcc must be set"),
        (mail(To="zoe@example.org"), "To must be a list"),
        (mail(To=["zoe@example.org"]), "To must be an object"),
        (mail(From=None), "From must be an object"),
        (to("zoe@"), "invalid To address: zoe@"),
        (mail(Subject=1), "Subject must be text"),
        (mail(Tags=[1]), "Tags must be text"),
        (mail(Headers={"X-A": 1}), "Headers must be text"),
        (mail(Headers={"to": "all@example.org"}), 'cannot overwrite header: "to"'),
    ],
    ids=str,
)
async def test_what_mailpit_would_refuse_is_refused(sandbox: Client, document: object, error: str) -> None:
    async with sandbox.post("/api/v1/send", json=document) as answer:
        assert (answer.status, await answer.json()) == (400, {"Error": error})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
async def test_what_is_not_json_is_refused(sandbox: Client, body: bytes) -> None:
    async with sandbox.post("/api/v1/send", data=body) as answer:
        assert (answer.status, await answer.json()) == (400, {"Error": "the body is not JSON"})


async def test_a_mail_that_is_too_large_is_refused(sandbox: Client) -> None:
    async with sandbox.post("/api/v1/send", data=io.BytesIO(b"x" * 1_100_000)) as answer:
        assert (answer.status, await answer.json()) == (413, {"Error": "http: request body too large"})


async def test_the_console_gets_one_line_a_mail_with_address_subject_and_code(
    sandbox: Client, told: list[str]
) -> None:
    await send(sandbox)
    await send(sandbox, mail(Text="No code, only 0042 within a line.\r\n"))
    await send(sandbox, mail(Text="Hello,\r\n\r\n90210\r\n"))
    await send(sandbox, mail(Subject="a\nb\x1b[2J\ud800"))

    assert told == [
        "zoe@example.org  Your code  0042",
        "zoe@example.org  Your code  no code",
        "zoe@example.org  Your code  90210",
        "zoe@example.org  a?b?[2J?  0042",
    ]


async def test_many_mails_at_once_are_all_kept_apart(sandbox: Client) -> None:
    sent = await asyncio.gather(*(send(sandbox) for _ in range(50)))

    assert len(set(sent)) == 50
