"""The switches for what the sandbox does wrong on request."""

from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.browser.inbox_page import InboxPage
from tests.browser.sandbox import Sandbox


async def test_a_switch_holds_at_once_and_all_well_takes_everything_back(
    page: InboxPage, sandbox: Sandbox
) -> None:
    await expect(page.provider).to_contain_text("All is well: every mail is accepted.")
    await page.show_switches()

    await page.slider("Server error").fill("100")
    await expect(page.provider).to_contain_text(
        "It misbehaves on request: answers 500 for 100 % of the mails."
    )
    assert (await sandbox.faults())["error"] == 1
    assert await sandbox.hand_in() == 500
    await expect(page.provider).to_contain_text("Met so far by 1: server error 1.")

    await page.button("All well").click()
    await expect(page.provider).to_contain_text("All is well")
    assert await sandbox.hand_in() == 200
    await expect(page.provider.get_by_text("Make it misbehave")).to_be_focused()


async def test_the_keyboard_moves_a_switch(page: InboxPage, sandbox: Sandbox) -> None:
    await page.tab_to("Make it misbehave")
    await page.keyboard.press("Enter")
    await page.tab_to("Hang")
    await page.keyboard.press("ArrowRight")

    await expect(page.provider).to_contain_text("does not answer for 1 % of the mails")
    assert (await sandbox.faults())["hang"] == 0.01


async def test_shares_stop_at_the_whole(page: InboxPage, sandbox: Sandbox) -> None:
    await sandbox.misbehave(slow=0.7)
    await page.show_switches()
    await expect(page.slider("Slow")).to_have_value("70")

    await page.slider("Hang").fill("50")

    await expect(page.provider).to_contain_text("answers late for 70 %, does not answer for 30 %")
    assert (await sandbox.faults())["hang"] == 0.3


async def test_seconds_can_be_set_and_nonsense_is_refused_with_the_reason(
    page: InboxPage, sandbox: Sandbox, complaints: list[str]
) -> None:
    await page.show_switches()
    seconds = page.provider.get_by_label("late by")
    await seconds.fill("0.5")
    await seconds.blur()
    await expect(page.provider.get_by_role("alert")).to_be_empty()
    assert (await sandbox.faults())["slow_seconds"] == 0.5

    await seconds.fill("601")
    await seconds.blur()
    await expect(page.provider.get_by_role("alert")).to_have_text(
        "Nothing was changed: slow_seconds must be a number from 0 to 600."
    )
    await expect(seconds).to_have_value("0.5")
    assert [complaint for complaint in complaints if "400" not in complaint] == []
    complaints.clear()


async def test_every_page_shows_what_holds_whoever_chose_it(open_page: Open, sandbox: Sandbox) -> None:
    await sandbox.misbehave(too_many=1 / 3, cut_before=0.25, seed=7)
    pages = [await open_page(sandbox), await open_page(sandbox)]
    words = "answers 429 for 33 %, cuts before accepting for 25 % of the mails"
    for page in pages:
        await expect(page.provider).to_contain_text(words)

    await pages[0].show_switches()
    await pages[0].slider("Cut before").fill("0")
    await expect(pages[1].provider).not_to_contain_text("cuts before")

    assert (await sandbox.faults())["too_many"] == 1 / 3  # what the page rounds, it does not change
    assert (await sandbox.faults())["seed"] == 7
