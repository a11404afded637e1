"""For everybody: by keyboard, by screen reader, in light and dark, on small screens and without motion."""

from itertools import pairwise
from typing import Any, Literal

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.browser.inbox_page import InboxPage
from tests.browser.looks import CONTRASTS, FOCUS, OVERFLOW, SMALL_TARGETS
from tests.browser.sandbox import Sandbox

NAMED = {
    "button", "combobox", "DisclosureTriangle", "Iframe", "link", "region", "slider", "spinbutton", "tab", "tablist",
    "tabpanel", "textbox",
}  # fmt: skip


async def fill_with_everything(page: InboxPage, sandbox: Sandbox) -> None:
    """Show everything that the page can show at once."""
    await sandbox.hand_in(
        "1111", "double", Subject="A subject that is longer than a small screen is wide, by far"
    )
    await sandbox.hand_in(
        "1111", "double", To=[{"Email": f"{'long' * 12}@{'sub.' * 20}example.org", "Name": ""}]
    )
    await sandbox.misbehave(cut_after=0.9, slow=0.1, slow_seconds=0.1)
    await sandbox.hand_in("2222", "lost")
    await sandbox.hand_in("3333", "lost too")
    await expect(page.mails).to_have_count(4)
    await page.show_switches()
    await page.mails.first.get_by_text("Show the mail").click()
    await page.tab("Request").click()
    await expect(page.page.get_by_role("tabpanel")).to_contain_text("As the provider received it")
    await page.mails.last.get_by_text("Show the mail").click()
    await page.button("Show me").click()
    await expect(page.outcome).to_contain_text("Nothing answers")


async def test_everything_can_be_read_in_light_and_dark(page: InboxPage, sandbox: Sandbox) -> None:
    await fill_with_everything(page, sandbox)
    await page.evaluate("() => { document.getElementById('code-problem').textContent = 'It is wrong.'; }")

    for scheme in ("light", "dark"):
        await page.page.emulate_media(color_scheme=scheme)
        contrasts = await page.evaluate(CONTRASTS)
        assert len(contrasts) > 100
        assert [what for what, contrast, enough in contrasts if contrast < enough] == [], scheme


async def test_nothing_has_to_be_scrolled_sideways_and_everything_can_be_hit(
    open_page: Open, sandbox: Sandbox
) -> None:
    page = await open_page(sandbox, 360)
    assert await page.evaluate(OVERFLOW) == 0
    await fill_with_everything(page, sandbox)

    for width in (360, 768, 1280):
        await page.page.set_viewport_size({"width": width, "height": 900})
        assert await page.evaluate(OVERFLOW) == 0, width
        assert await page.evaluate(SMALL_TARGETS) == [], width


async def test_everything_has_a_name_and_a_place(page: InboxPage, sandbox: Sandbox) -> None:
    await fill_with_everything(page, sandbox)
    browser = await page.page.context.new_cdp_session(page.page)
    nodes: list[dict[str, Any]] = (await browser.send("Accessibility.getFullAXTree"))["nodes"]
    seen = [node for node in nodes if not node["ignored"]]
    roles = [node["role"]["value"] for node in seen]

    nameless = [node["role"]["value"] for node in seen if not node.get("name", {}).get("value", "").strip()]
    assert set(nameless) & NAMED == set()
    assert set(roles) >= NAMED
    assert [roles.count(landmark) for landmark in ("banner", "main", "region")] == [1, 1, 4]
    assert await page.evaluate("() => document.documentElement.lang") == "en"


async def test_headings_and_ids_are_in_order(page: InboxPage, sandbox: Sandbox) -> None:
    await fill_with_everything(page, sandbox)

    levels: list[int] = await page.evaluate(
        "() => [...document.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.localName[1]))"
    )
    ids: list[str] = await page.evaluate("() => [...document.querySelectorAll('[id]')].map(({ id }) => id)")

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(ids) == len(set(ids))


async def test_the_focus_goes_through_the_page_in_order_is_always_seen_and_gets_out_again(
    page: InboxPage, sandbox: Sandbox
) -> None:
    await fill_with_everything(page, sandbox)
    await page.page.get_by_role("link", name="Skip to the mails").focus()
    for key in ("Tab", "Shift+Tab"):  # the focus is shown to those who use the keyboard
        await page.keyboard.press(key)
    stops: list[dict[str, Any]] = []
    while (stop := await page.evaluate(FOCUS))["tag"] != "body":
        stops.append(stop)
        assert len(stops) < 100
        await page.keyboard.press("Tab")

    assert len(stops) > 30
    assert [stop["at"] for stop in stops] == sorted({stop["at"] for stop in stops})
    assert [stop["html"] for stop in stops if not (stop["outlined"] and stop["onScreen"])] == []


async def test_the_first_stop_leads_past_the_form_to_the_mails(page: InboxPage, sandbox: Sandbox) -> None:
    await sandbox.hand_in("0042")
    await expect(page.mails).to_have_count(1)

    await page.keyboard.press("Tab")
    assert await page.focused() == "Skip to the mails"
    await page.keyboard.press("Enter")
    await page.tab_to("Empty the inbox")
    await page.keyboard.press("Tab")

    assert await page.focused() == "Copy the code 0 0 4 2"


async def test_a_new_mail_is_announced_once_however_many_come_together(
    page: InboxPage, sandbox: Sandbox
) -> None:
    await page.record("announcer", "#announcer")
    await page.stop_clock()
    await sandbox.hand_in("0042")
    await expect(page.mails).to_have_count(1)
    await page.page.clock.run_for(1000)
    for code in ("1111", "2222", "3333"):
        await sandbox.hand_in(code)
    await expect(page.mails).to_have_count(4)
    await page.page.clock.run_for(1000)

    assert await page.recorded() == [
        "New mail to zoe@example.org, code 0 0 4 2",
        "3 new mails, the newest to zoe@example.org, code 3 3 3 3",
    ]


async def test_what_was_there_before_the_page_is_not_announced(open_page: Open, sandbox: Sandbox) -> None:
    await sandbox.hand_in("0042")
    page = await open_page(sandbox)
    await expect(page.mails).to_have_count(1)

    await sandbox.hand_in("1111")

    await expect(page.announcer).to_have_text("New mail to zoe@example.org, code 1 1 1 1")


@pytest.mark.parametrize("wish, moves", [("reduce", False), ("no-preference", True)])
async def test_nothing_moves_for_those_who_do_not_want_it(
    open_page: Open, sandbox: Sandbox, wish: Literal["reduce", "no-preference"], moves: bool
) -> None:
    page = await open_page(sandbox, reduced_motion=wish)
    await sandbox.hand_in()
    await expect(page.mails).to_have_count(1)

    animation, transition = await page.evaluate(
        """() => [
            getComputedStyle(document.querySelector(".new .mail")).animationName,
            getComputedStyle(document.querySelector(".time-left"), "::before").transitionDuration,
        ]"""
    )

    assert (animation, transition) == (("arrive", "1s") if moves else ("none", "0s"))
