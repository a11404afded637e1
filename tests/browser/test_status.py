"""The status page as people see it: on a phone at night, without a script, and whatever the state is."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page

from registration.admin.app import create_admin
from registration.admin.figures import ProcessState
from registration.admin.operations import OperationsDocument
from registration.admin.server import serve
from registration.admin.status import StatusPage
from registration.domain.guess_chance import guess_chance
from registration.domain.policy import Policy
from registration.overview import Overview, WaitingMails
from registration.ports import Backlog
from tests.browser.conftest import PATIENCE_MILLISECONDS
from tests.browser.looks import CONTRASTS, OVERFLOW, SMALL_TARGETS
from tests.unit.admin.states import (
    DOWN,
    NOBODY,
    NOTHING_WAITS,
    QUIET,
    REFUSED,
    busy,
    failed_mails,
    read_always,
)
from tools.addresses import LOOPBACK, free_port

State = tuple[Backlog | None, Overview | None, ProcessState]
Open = Callable[..., Awaitable[Page]]

EVERYTHING_WRONG: State = (
    Backlog(1432, timedelta(seconds=212)),
    busy(failed=failed_mails(10), waiting=[WaitingMails("status 503", 990), WaitingMails(None, 10)]),
    replace(QUIET, providers=[REFUSED, DOWN], since_hash_refused=timedelta(seconds=2), is_stopping=True),
)
MILLIONS: State = (NOTHING_WAITS, busy(size=100_000), QUIET)
STATES: dict[str, State] = {
    "empty": (NOTHING_WAITS, NOBODY, QUIET),
    "well": (Backlog(3, timedelta(seconds=1)), busy(), QUIET),
    "everything wrong": EVERYTHING_WRONG,
    "outage": (None, None, QUIET),
}


@pytest.fixture
async def open_page(browser: Browser) -> AsyncIterator[Open]:
    """Open the page of a service in some state, held still, with all that can be unfolded; without scripts of its own."""
    complaints: list[str] = []
    asked: set[str | None] = set()
    closing: list[Any] = []

    async def open_it(state: State, width: int = 1280, **properties: Any) -> Page:
        backlog, overview, process = state
        operations, read_backlog = OperationsDocument(), read_always(backlog)
        read_overdue = read_always(None if backlog is None else timedelta(minutes=12))
        status = StatusPage(
            read_backlog,
            read_overdue,
            read_always(overview),
            lambda: process,
            guess_chance(Policy()),
            operations,
        )
        port = free_port()
        served = serve(create_admin(read_backlog, read_overdue, status, operations), LOOPBACK, port)
        await served.__aenter__()
        context = await browser.new_context(viewport={"width": width, "height": 900}, **properties)
        closing.append((context, served))
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        context.on("console", lambda message: complaints.append(message.text))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
        page = await context.new_page()
        await page.goto(f"http://{LOOPBACK}:{port}/status?still")
        for summary in await page.get_by_text("As a table").all():
            await summary.click()
        return page

    yield open_it
    for context, served in closing:
        await context.close()
        await served.__aexit__(None, None, None)
    assert complaints == []
    assert asked == {LOOPBACK}


@pytest.mark.parametrize("state", STATES)
async def test_nothing_has_to_be_scrolled_sideways_and_everything_can_be_hit(
    open_page: Open, state: str
) -> None:
    page = await open_page(STATES[state])
    for width in (320, 390, 768, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate(OVERFLOW) == 0, width
        assert await page.evaluate(SMALL_TARGETS) == [], width


BROKEN_FIGURES = """() => [...document.querySelectorAll(".steps strong")]
  .filter((figure) => {
    const text = document.createRange();
    text.selectNodeContents(figure);
    return new Set([...text.getClientRects()].map((box) => Math.round(box.top))).size > 1;
  })
  .map((figure) => figure.textContent)"""
"""Those that go over several lines."""


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_figures_of_millions_stay_in_one_piece_on_any_screen(open_page: Open, width: int) -> None:
    page = await open_page(MILLIONS, width)
    assert await page.evaluate(OVERFLOW) == 0
    assert await page.locator(".steps strong").count() == 10
    assert await page.evaluate(BROKEN_FIGURES) == []


@pytest.mark.parametrize("state", STATES)
async def test_everything_can_be_read_in_light_and_dark(open_page: Open, state: str) -> None:
    page = await open_page(STATES[state])
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        contrasts = await page.evaluate(CONTRASTS)
        assert len(contrasts) > 40
        assert [what for what, contrast, enough in contrasts if contrast < enough] == [], scheme


PARTS = """() => {
  const luminance = (color) => color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ratio = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const ground = getComputedStyle(document.querySelector(".card")).backgroundColor;
  const parts = {
    "rect.activated": "fill", ".stripes-line": "fill", ".dots-dot": "fill", "rect.open": "stroke",
    "line.mailed": "stroke", "text.axis": "fill",
  };
  return Object.entries(parts).map(([part, property]) =>
    [part, ratio(getComputedStyle(document.querySelector(part))[property], ground)]);
}"""
"""For each part of a plot: its contrast with what is behind it."""


OUTSIDE = """() => [...document.querySelectorAll("svg[role=img]")].flatMap((plot) => {
  const frame = plot.getBoundingClientRect();
  return [...plot.querySelectorAll("rect, text, line")].filter((part) => {
    const box = part.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
      || box.bottom > frame.bottom + 1;
  }).map((part) => part.outerHTML);
})"""
"""What is drawn beside its plot."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_parts_of_a_plot_can_be_told_from_the_ground(open_page: Open, scheme: str) -> None:
    page = await open_page(EVERYTHING_WRONG, color_scheme=scheme)
    contrasts: list[tuple[str, float]] = await page.evaluate(PARTS)
    assert len(contrasts) == 6
    assert [part for part, contrast in contrasts if contrast < (4.5 if "text" in part else 3)] == []


async def test_bars_are_drawn_within_their_plot_on_any_screen(open_page: Open) -> None:
    page = await open_page(EVERYTHING_WRONG)
    for width in (320, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate(OUTSIDE) == [], width
    assert await page.get_by_role("img").count() == 2


async def test_a_screen_reader_finds_headings_in_order_and_names_for_all(open_page: Open) -> None:
    page = await open_page(EVERYTHING_WRONG)
    session = await page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = (await session.send("Accessibility.getFullAXTree"))["nodes"]
    seen = [node for node in nodes if not node["ignored"]]

    nameless = [node["role"]["value"] for node in seen if not node.get("name", {}).get("value", "").strip()]
    roles = {node["role"]["value"] for node in seen}
    assert roles >= {"heading", "image", "link", "table", "columnheader", "rowheader", "main", "banner"}
    assert set(nameless) & {"heading", "image", "link", "region", "columnheader", "rowheader"} == set()
    levels: list[int] = await page.evaluate(
        "() => [...document.querySelectorAll('h1, h2, h3')].map((heading) => Number(heading.localName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert await page.evaluate("() => document.documentElement.lang") == "en"


async def test_no_script_is_needed(open_page: Open) -> None:
    page = await open_page(EVERYTHING_WRONG, java_script_enabled=False)
    assert await page.get_by_role("heading", name="Mail provider down").is_visible()
    assert await page.get_by_role("table").first.is_visible()


async def test_a_mark_leads_to_what_is_wrong_and_that_to_what_to_do(open_page: Open) -> None:
    page = await open_page(EVERYTHING_WRONG)
    await page.get_by_role("link", name="Mails are late", exact=True).click()
    assert page.url.endswith("#alert-mails-late")
    await page.get_by_role("link", name="docs/operations.md, “mails-late”").click()
    assert urlsplit(page.url).path == "/docs/operations.md"
    assert await page.get_by_role("heading", name="Operations", exact=True).is_visible()
