"""The page, and what it asks for about a single mail."""

from html.parser import HTMLParser

from registration.sandbox.handed_in import HIDDEN
from registration.sandbox.inbox import PAGE
from tests.integration.sandbox.conftest import Client, send
from tests.integration.sandbox.examples import MAIL


class _References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.urls += [value or "" for name, value in attrs if name in {"src", "href"}]


async def test_the_page_needs_no_other_host(sandbox: Client) -> None:
    async with sandbox.get("/") as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    references = _References()
    references.feed(page)

    assert references.urls
    for url in references.urls:
        if url != "data:," and not url.startswith("#"):
            assert (await sandbox.get(f"/{url}")).status == 200
    assert "default-src 'none'" in policy
    assert "'unsafe" not in policy
    assert "http" not in policy


async def test_a_newer_page_is_asked_for_each_time(sandbox: Client) -> None:
    for path in ("/", "/page/main.js"):
        async with sandbox.get(path) as answer:
            assert answer.headers["Cache-Control"] == "no-cache"


def test_no_script_puts_anything_into_the_page_as_html() -> None:
    scripts = {file.name: file.read_text() for file in PAGE.glob("*.js")}

    assert "textContent" in scripts["mail-card.js"]
    for name, script in scripts.items():
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "srcdoc", "eval("):
            assert way not in script, name
    assert 'frame.sandbox = ""' in scripts["contents.js"]


async def test_a_mails_html_can_neither_run_nor_fetch_anything(sandbox: Client) -> None:
    evil = '<script>alert(1)</script><img src="http://elsewhere.example/x.gif">ü\ud800'
    mail_id = await send(sandbox, HTML=evil)

    async with sandbox.get(f"/view/{mail_id}.html") as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert await answer.text() == evil.replace("\ud800", "?")

    assert policy[:2] == ["sandbox", "default-src 'none'"]
    assert (await sandbox.get("/view/unknown.html")).status == 404


async def test_the_providers_view_of_the_request_is_what_was_received_without_secrets(
    sandbox: Client,
) -> None:
    secrets = {"Authorization": "Basic c2VjcmV0", "X-Postmark-Server-Token": "secret", "Api-Key": "secret"}
    mail_id = await send(sandbox, {**secrets, "Idempotency-Key": "mail-1"}, Unknown=["to", {"us": None}])

    async with sandbox.get(f"/sandbox/mails/{mail_id}") as answer:
        request = (await answer.json())["request"]

    headers = dict(request["headers"])
    assert (request["method"], request["path"]) == ("POST", "/api/v1/send")
    assert request["body"] == {**MAIL, "Unknown": ["to", {"us": None}]}
    assert {name: headers[name] for name in secrets} == dict.fromkeys(secrets, HIDDEN)
    assert (headers["Idempotency-Key"], headers["Content-Type"]) == ("mail-1", "application/json")


async def test_a_mail_brings_every_attempt_at_handing_it_in(sandbox: Client) -> None:
    await sandbox.put("/sandbox/faults", json={"error": 1})
    await sandbox.post("/api/v1/send", json=MAIL)
    await sandbox.put("/sandbox/faults", json={})
    mail_id = await send(sandbox)
    await send(sandbox, Headers={"X-Mail-ID": "another"})
    await send(sandbox, Headers={})
    anonymous = await send(sandbox, Headers={})

    async with sandbox.get(f"/sandbox/mails/{mail_id}") as answer:
        attempts = (await answer.json())["attempts"]
    assert [(a["fault"], a["message_id"]) for a in attempts] == [("error", None), (None, mail_id)]

    async with sandbox.get(f"/sandbox/mails/{anonymous}") as answer:
        assert [a["message_id"] for a in (await answer.json())["attempts"]] == [anonymous]
    assert (await sandbox.get("/sandbox/mails/unknown")).status == 404
