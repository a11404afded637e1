"""The inbox: what came, what it looks like, and how long its code works."""

from collections.abc import Awaitable, Callable

from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.browser.inbox_page import InboxPage
from tests.browser.sandbox import Sandbox


async def test_mails_show_up_by_themselves_newest_first(page: InboxPage, sandbox: Sandbox) -> None:
    await expect(page.inbox.get_by_text("No mail yet.")).to_be_visible()

    await sandbox.hand_in("1111", Subject="first")
    await expect(page.mails).to_have_count(1)
    await sandbox.hand_in("2222", Subject="second")

    await expect(page.mails.get_by_role("heading")).to_have_text(["second", "first"])
    await expect(page.mails.locator(".digits")).to_have_text(["2222", "1111"])
    await expect(page.inbox.get_by_text("No mail yet.")).to_be_hidden()
    await expect(page.page.get_by_role("heading", name="Inbox 2")).to_be_visible()


async def test_a_code_counts_down_and_then_is_shown_as_expired(
    open_page: Open, open_sandbox: Callable[..., Awaitable[Sandbox]]
) -> None:
    sandbox = await open_sandbox(code_ttl_seconds=2)
    page = await open_page(sandbox)
    await page.record("mails", "li .life")

    await sandbox.hand_in()
    await expect(page.mails).to_contain_text("Expired at")

    shown = list(dict.fromkeys(filter(None, await page.recorded())))
    assert shown[:-1] in (["Works for 2 s", "Works for 1 s"], ["Works for 1 s"])
    await expect((await open_page(sandbox)).mails).to_contain_text("Expired at")


async def test_a_minute_passes_as_a_minute(
    open_page: Open, open_sandbox: Callable[..., Awaitable[Sandbox]]
) -> None:
    page = await open_page(sandbox := await open_sandbox())
    await page.stop_clock()
    await sandbox.hand_in()
    await expect(page.mails).to_contain_text("Works for 60 s")

    await page.page.clock.fast_forward(30_000)
    await expect(page.mails).to_contain_text("Works for 30 s")
    await page.page.clock.fast_forward(30_000)
    await expect(page.mails).to_contain_text("Expired at")


async def test_a_mail_without_a_code_shows_none(page: InboxPage, sandbox: Sandbox) -> None:
    await sandbox.hand_in(Text="Somebody tried to register your address.", Subject="")

    await expect(page.mails).to_contain_text("(no subject)")
    await expect(page.page.get_by_role("button", name="Copy")).to_have_count(0)


async def test_doubles_are_marked_and_share_the_time_that_the_first_answered_one_began(
    page: InboxPage, sandbox: Sandbox
) -> None:
    await sandbox.misbehave(cut_after=1)
    assert await sandbox.hand_in(mail_id="one") is None
    await expect(page.mails).to_contain_text("The answer was lost")
    await expect(page.mails).not_to_contain_text("Copy 1")

    await sandbox.misbehave()
    await sandbox.hand_in(mail_id="one")
    await sandbox.hand_in(mail_id="another")

    marks = page.mails.locator(".double").filter(visible=True)
    await expect(marks).to_have_text(["Copy 2 of 2 of the same mail", "Copy 1 of 2 of the same mail"])
    await expect(page.mails.last).to_contain_text("Works for")


async def test_the_copy_button_copies_the_code(open_page: Open, sandbox: Sandbox) -> None:
    page = await open_page(sandbox, permissions=["clipboard-read", "clipboard-write"])
    await sandbox.hand_in("0042")

    await page.button("Copy the code 0 0 4 2").click()

    await expect(page.mails.locator(".copy")).to_have_text("Copied")
    assert await page.evaluate("() => navigator.clipboard.readText()") == "0042"


async def test_without_a_clipboard_the_code_is_selected_to_be_copied(
    page: InboxPage, sandbox: Sandbox
) -> None:
    await page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    await sandbox.hand_in("0042")

    await page.button("Copy the code 0 0 4 2").click()

    await expect(page.mails.locator(".copy")).to_have_text("Now Ctrl+C")
    assert await page.evaluate("() => getSelection().toString()") == "0042"


async def test_a_mail_is_seen_as_html_as_text_and_as_the_provider_saw_it(
    page: InboxPage, sandbox: Sandbox
) -> None:
    await sandbox.misbehave(error=1)
    await sandbox.hand_in(mail_id="one", HTML="<p>Dear <b>Zoë</b></p>")
    await sandbox.misbehave()
    await sandbox.hand_in(mail_id="one", HTML="<p>Dear <b>Zoë</b></p>")
    await page.mails.get_by_text("Show the mail").click()
    panel = page.page.get_by_role("tabpanel")

    await expect(page.page.frame_locator("iframe").get_by_text("Zoë")).to_be_visible()
    await page.tab("HTML").press("ArrowRight")
    await expect(page.tab("Text")).to_be_focused()
    await expect(panel).to_have_accessible_name("Text")
    await expect(panel.locator("pre")).to_have_text("Hello,\n\n0042\n\nBye.\n")
    await page.keyboard.press("End")
    await expect(panel.get_by_role("listitem")).to_contain_text(["answered 500, not accepted", "accepted"])
    await expect(panel.locator("pre")).to_contain_text("POST /api/v1/send")
    await expect(panel.locator("pre")).to_contain_text('"HTML": "<p>Dear <b>Zoë</b></p>"')


async def test_a_mail_can_do_nothing_to_the_page(
    page: InboxPage, sandbox: Sandbox, complaints: list[str]
) -> None:
    evil = "<script>parent.document.title = document.title = 'evil'</script>"
    evil += "<img src='http://elsewhere.example/spy.gif'><meta http-equiv=refresh content='0;url=http://elsewhere.example'>"
    await sandbox.hand_in(HTML=evil + "<p>harmless</p>", Subject="<img src=x onerror=alert(1)>")
    await page.mails.get_by_text("Show the mail").click()

    await expect(page.page.frame_locator("iframe").get_by_text("harmless")).to_be_visible()
    await expect(page.mails.get_by_role("heading")).to_have_text("<img src=x onerror=alert(1)>")
    assert await page.page.title() == "Sandbox inbox"
    assert any("spy.gif" in complaint for complaint in complaints)  # the browser refused to fetch it
    complaints.clear()


async def test_of_many_mails_the_newest_hundred_are_shown(page: InboxPage, sandbox: Sandbox) -> None:
    for number in range(110):
        await sandbox.hand_in(f"{number:04}")

    await expect(page.mails.first.locator(".digits")).to_have_text("0109")
    await expect(page.mails).to_have_count(100)
    await expect(page.page.get_by_role("heading", name="Inbox (the newest 100)")).to_be_visible()


async def test_the_inbox_can_be_emptied(page: InboxPage, sandbox: Sandbox) -> None:
    await sandbox.hand_in()
    await page.button("Empty the inbox").click()

    await expect(page.mails).to_have_count(0)
    await expect(page.inbox.get_by_text("No mail yet.")).to_be_visible()
    await expect(page.inbox).to_be_focused()


async def test_a_sandbox_that_was_started_again_is_found_again(
    page: InboxPage, sandbox: Sandbox, complaints: list[str]
) -> None:
    await sandbox.hand_in(Subject="of the first run")
    await expect(page.mails).to_have_count(1)

    await sandbox.stop()
    await expect(page.page.get_by_role("banner")).to_contain_text("the sandbox is not there; trying again")
    await sandbox.start()
    await expect(page.page.get_by_role("banner")).to_contain_text("live")

    await expect(page.mails).to_have_count(0)
    complaints.clear()  # the browser's own, about the lost connection


async def test_no_service_is_said_plainly(page: InboxPage) -> None:
    await expect(page.form).to_contain_text("No service answers at http://127.0.0.1:1.")

    await page.button("Register").click()

    await expect(page.outcome).to_have_text("Nothing answers at http://127.0.0.1:1.")
    await expect(page.exchanges).to_contain_text("no answer")
