"""What the status page says in each state, and what it never does."""

import asyncio
import hashlib
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree as ET

import httpx2
import pytest

from registration.admin import words
from registration.admin.app import create_admin
from registration.admin.figures import ProcessState, ProviderFailure
from registration.admin.operations import OperationsDocument
from registration.admin.status import StatusPage
from registration.domain.guess_chance import guess_chance
from registration.domain.mail import MailKind
from registration.domain.policy import Policy
from registration.overview import MINUTE, Cohort, Counts, FailedMail, Overview, WaitingMails
from registration.ports import Backlog, Verdict
from tests.unit.admin.states import (
    DOWN,
    NOBODY,
    NOTHING_OVERDUE,
    NOTHING_WAITS,
    NOW,
    QUIET,
    REFUSED,
    WELL,
    busy,
    failed_mails,
    read_always,
)

VOID = {"meta", "link", "br", "input", "img", "hr"}
HOSTILE = "</title><script>alert(1)</script>&\"'"


class Page(HTMLParser):
    """The page as a browser takes it."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.response = response
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        self.feed(response.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.texts.append((self.open[-1], " ".join(data.split())))

    def all(self, tag: str) -> list[str]:
        return [text for inside, text in self.texts if inside == tag]

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]

    @property
    def text(self) -> str:
        """What there is to read, in one line."""
        told = " ".join(text for tag, text in self.texts if tag != "style")
        return " ".join(told.replace(words.NARROW_SPACE, " ").split())


async def look(
    backlog: Backlog | None = NOTHING_WAITS,
    overview: Overview | None = NOBODY,
    process: ProcessState = QUIET,
    *,
    overdue: timedelta | None = NOTHING_OVERDUE,
    path: str = "/status",
    operations: OperationsDocument | None = None,
) -> Page:
    operations = operations or OperationsDocument()
    read_backlog = read_always(backlog)
    read_overdue = read_always(overdue)
    status = StatusPage(
        read_backlog, read_overdue, read_always(overview), lambda: process, guess_chance(Policy()), operations
    )
    transport = httpx2.ASGITransport(create_admin(read_backlog, read_overdue, status, operations))
    async with httpx2.AsyncClient(transport=transport, base_url="http://admin.test") as client:
        return Page(await client.get(path))


async def look_at_everything() -> Page:
    return await look(
        Backlog(1432, timedelta(seconds=212)),
        busy(failed=failed_mails(10), waiting=[WaitingMails("503", 990), WaitingMails(None, 10)]),
        replace(QUIET, providers=[REFUSED, DOWN], since_hash_refused=timedelta(seconds=2)),
    )


STATES = {
    "empty": (NOTHING_WAITS, NOBODY, QUIET),
    "well": (Backlog(3, timedelta(seconds=1)), busy(), QUIET),
    "busy": (
        Backlog(1432, timedelta(seconds=212)),
        busy(failed=failed_mails(10), waiting=[WaitingMails("503", 1000)]),
        replace(QUIET, providers=[REFUSED, DOWN], since_hash_refused=timedelta(seconds=2)),
    ),
    "outage": (None, None, QUIET),
    "stopping": (NOTHING_WAITS, busy(), replace(QUIET, is_stopping=True)),
}


@pytest.fixture(params=STATES)
async def page(request: pytest.FixtureRequest) -> Page:
    return await look(*STATES[request.param])


async def test_it_is_complete_in_itself_and_asks_nobody(page: Page) -> None:
    assert page.open == []
    tags = Counter(tag for tag, _ in page.tags)
    assert not tags.keys() & {"script", "img", "iframe", "object", "form", "video"}
    assert tags["style"] == 1
    assert page.attributes("style") == []
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    links = page.attributes("href") + page.attributes("src")
    assert not [link for link in links if re.match(r"[a-z]+:|//", link) and link != "data:,"]
    assert "http" not in page.response.text.replace("http-equiv", "")


async def test_the_policy_allows_its_own_style_and_nothing_else(page: Page) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", page.response.text, re.DOTALL)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert page.response.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert page.response.headers["cache-control"] == "no-store"


async def test_every_plot_is_a_picture_with_a_name(page: Page) -> None:
    pictures = [
        ET.fromstring(svg)  # noqa: S314 - our own
        for svg in re.findall(r"<svg.*?</svg>", page.response.text, re.DOTALL)
    ]
    for picture in pictures:
        if picture.get("role") == "img":
            title = picture.find("title")
            assert title is not None
            assert title.get("id") == picture.get("aria-labelledby")
            assert title.text
        else:
            assert picture.get("aria-hidden") == "true"
        sizes = [float(rect.get("height", "")) for rect in picture.iter("rect")]
        assert all(size > 0 for size in sizes)


async def test_names_are_there_once_and_what_refers_to_one_finds_it(page: Page) -> None:
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    within = {link[1:] for link in page.attributes("href") if link.startswith("#")}
    assert within | set(page.attributes("aria-labelledby")) <= set(ids)


async def test_it_says_of_all_figures_whether_they_are_of_this_process_or_of_all(page: Page) -> None:
    sections = [attributes["class"].split()[0] for tag, attributes in page.tags if tag == "section"]
    scopes = [text for text in page.all("span") if text in {"all replicas", "this process", "settings"}]
    assert len(scopes) == sections.count("card") > 0


async def test_it_renews_itself_until_it_is_held_still() -> None:
    page = await look()
    assert ("meta", {"http-equiv": "refresh", "content": "10"}) in page.tags
    assert "?still" in page.attributes("href")

    still = await look(path="/status?still")
    assert "refresh" not in still.attributes("http-equiv")
    assert "?" in still.attributes("href")


@pytest.mark.parametrize(
    "state, headline",
    [
        ("empty", "All well"),
        ("well", "All well"),
        ("busy", "Mail provider down"),
        ("outage", "Database down"),
        ("stopping", "Stopping"),
    ],
)
async def test_the_worst_is_the_headline(state: str, headline: str) -> None:
    page = await look(*STATES[state])
    assert page.all("h1") == [headline]
    assert page.all("title")[0] == f"{headline} · Registration"


async def test_what_else_is_wrong_follows_each_with_what_to_do_and_where_to_read_on() -> None:
    page = await look_at_everything()

    assert page.all("h2")[:3] == ["Mails are late", "Hashing overloaded", "postmark refuses us"]
    assert page.all("strong")[:4] == ["What to do:"] * 4
    assert [link for link in page.attributes("href") if "operations" in link] == [
        "docs/operations.md#all-providers-down",
        "docs/operations.md#mails-late",
        "docs/operations.md#hashing-overloaded",
        "docs/operations.md#provider-refuses",
    ]


async def test_figures_that_alert_are_marked_with_a_link_to_the_alert() -> None:
    page = await look_at_everything()

    marks = [attributes["href"] for tag, attributes in page.tags if attributes.get("class") == "mark"]
    assert marks == [
        "#alert-mails-late",
        "#alert-all-providers-down",
        "#alert-provider-refuses-postmark",
        "#alert-all-providers-down",
        "#alert-hashing-overloaded",
    ]
    assert not [tag for tag in (await look()).tags if tag[1].get("class") == "mark"]


async def test_without_the_document_it_is_named_but_not_linked_to(tmp_path: Path) -> None:
    page = await look(backlog=None, operations=OperationsDocument(tmp_path / "none.md"))

    assert "docs/operations.md#database-down" in page.all("code")
    assert not [link for link in page.attributes("href") if "operations" in link]


async def test_the_funnel_is_of_what_is_settled_and_the_plot_shows_the_rest_apart() -> None:
    minutes = [
        Cohort(
            NOW - 20 * MINUTE,
            Counts(8, mailed=7, activated=4, unused=3, codes=9, notices=1, accepted=9, failed=1),
        ),
        Cohort(NOW - 19 * MINUTE, Counts(2, mailed=2, activated=2, codes=2, accepted=2)),
        Cohort(
            NOW - MINUTE,
            Counts(50, mailed=50, activated=10, unused=40, codes=50, accepted=50),
            is_settled=False,
        ),
    ]
    page = await look(overview=Overview(NOW, minutes, minutes, [], []))

    hour = page.text.partition("by the minute")[2].partition("by the half hour")[0]
    assert "registered 10 settled mailed 9 90 % activated 6 60 % unused 3 30 % gone 1 10 %" in hour
    assert "19:55: 2 registered, 2 mailed, 2 activated, 0 expired unused, 0 gone" in hour
    assert "20:13: 50 registered, 50 mailed, 10 activated, 40 may still activate, 0 gone" in hour
    assert "20:13 … 50 50 10 40 0 50 0 0" in hour
    bars = [a["class"] for tag, a in page.tags if tag == "rect" and a.get("x", "").endswith("%")]
    assert bars == ["activated", "unused", "withdrawn", "activated", "activated", "open"] * 2


async def test_where_nobody_has_registered_that_is_said_and_nothing_is_drawn() -> None:
    page = await look()
    assert page.text.count("Nobody has registered.") == 2
    assert "img" not in page.attributes("role")


async def test_what_waits_is_told_by_reason_and_how_much_more_there_is() -> None:
    page = await look_at_everything()
    assert (
        "Waiting or on the wire 1 432 Oldest Mails are late 3 min 32 s … “503” 990 … not tried yet 10 … due later 432"
        in page.text
    )


@pytest.mark.parametrize(
    "overview",
    [
        pytest.param(None, id="nobody has looked at them"),
        pytest.param(Overview(NOW, [], [], [WaitingMails(None, 2)], []), id="one came between the two looks"),
    ],
)
async def test_only_what_is_beyond_those_that_were_looked_at_is_due_later(overview: Overview | None) -> None:
    page = await look(Backlog(3, timedelta(seconds=2)), overview)
    assert "Waiting or on the wire 3" in page.text
    assert "due later" not in page.text


async def test_what_failed_is_told_by_id_and_digest() -> None:
    failed = [
        FailedMail(
            UUID(int=7), NOW, MailKind.ACTIVATION_CODE, "3fa94c1d88b0", "postmark", 1, "no such mailbox"
        ),
        FailedMail(UUID(int=8), NOW, MailKind.ADDRESS_TAKEN, None, None, 0, None),
    ]
    overview = Overview(NOW, [Cohort(NOW, Counts(codes=30, notices=1, failed=2))], [], [], failed)

    page = await look(overview=overview)

    assert "2 of 31 mails of the last hour." in page.text
    assert (
        "no such mailbox 20:14:37 code to 3fa94c1d88b0 , postmark, 1 attempt 00000000-0000-0000-0000-000000000007"
        in page.text
    )
    assert "no reason known 20:14:37 notice to somebody erased, no provider, 0 attempts" in page.text


@pytest.mark.parametrize(
    "overdue, told",
    [
        (timedelta(), "nothing"),
        (timedelta(minutes=12), "by 12 min"),
        (timedelta(hours=5), "Old data is not removed by 5 h"),
        (None, "\N{EN DASH}"),
    ],
)
async def test_what_should_be_gone_is_told(overdue: timedelta | None, told: str) -> None:
    page = await look(overdue=overdue)
    assert f"Housekeeping all replicas Past its retention {told} removed every hour" in page.text


async def test_each_provider_is_told_of_with_its_last_failure() -> None:
    page = await look_at_everything()
    assert "Mail provider postmark this process Breaker" in page.text
    assert "open a probe in 17 s" in page.text
    assert "401 10 provider-refused, 13 s ago" in page.text
    assert "Mail provider ses this process Breaker" in page.text
    assert "no connection retry, 1.8 s ago" in page.text


async def test_the_chance_to_guess_is_told_as_the_settings_are() -> None:
    page = await look()
    assert (
        "At one address, a day 0.2 % At one address, a year 2 % At all +tags of a mailbox, a day 0.6 %"
        in page.text
    )


async def test_without_the_database_it_says_what_the_process_knows() -> None:
    page = await look(None, None, overdue=None)

    assert "Not known: the database has not told it within a second." in page.text
    assert "Waiting or on the wire \N{EN DASH} Oldest \N{EN DASH}" in page.text
    assert "Answers Database down no" in page.text
    for card in ("Mail provider postmark", "Password hashing", "Database", "Process"):
        assert card in page.all("h2")


async def test_the_database_is_asked_for_all_readings_at_once() -> None:
    """Each may take a second, and the page two."""
    all_asked = asyncio.Barrier(3)

    async def read_backlog() -> Backlog:
        await all_asked.wait()
        return NOTHING_WAITS

    async def read_overdue() -> timedelta:
        await all_asked.wait()
        return NOTHING_OVERDUE

    async def read_overview() -> Overview:
        await all_asked.wait()
        return NOBODY

    operations = OperationsDocument()
    status = StatusPage(
        read_backlog, read_overdue, read_overview, lambda: QUIET, guess_chance(Policy()), operations
    )
    transport = httpx2.ASGITransport(create_admin(read_backlog, read_overdue, status, operations))
    async with (
        asyncio.timeout(5),
        httpx2.AsyncClient(transport=transport, base_url="http://admin.test") as client,
    ):
        assert (await client.get("/status")).status_code == 200


async def test_whatever_a_reason_or_a_name_is_it_is_only_text() -> None:
    hostile = replace(
        WELL,
        name=HOSTILE,
        is_down=True,
        last_failure=ProviderFailure(Verdict.PROVIDER_REFUSED, HOSTILE, timedelta()),
    )
    failed = [FailedMail(UUID(int=7), NOW, MailKind.ACTIVATION_CODE, HOSTILE, HOSTILE, 1, HOSTILE)]
    page = await look(
        overview=Overview(NOW, [], [], [WaitingMails(HOSTILE, 1)], failed),
        process=replace(QUIET, providers=[hostile]),
    )

    assert page.open == []
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count(HOSTILE) >= 6


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
async def test_nothing_can_be_changed_here(method: str) -> None:
    operations = OperationsDocument()
    read_backlog, read_overdue = read_always(NOTHING_WAITS), read_always(NOTHING_OVERDUE)
    status = StatusPage(
        read_backlog, read_overdue, read_always(None), lambda: QUIET, guess_chance(Policy()), operations
    )
    transport = httpx2.ASGITransport(create_admin(read_backlog, read_overdue, status, operations))
    async with httpx2.AsyncClient(transport=transport, base_url="http://admin.test") as client:
        assert (await client.request(method, "/status")).status_code == 405
