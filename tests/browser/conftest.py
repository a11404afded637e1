"""Real pages in a real Chromium. Whatever a test is about, its page may neither complain nor ask another host."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, WebError, async_playwright, expect

from registration.sandbox.app import ServedFor
from tests.browser.inbox_page import InboxPage
from tests.browser.sandbox import Sandbox
from tests.end_to_end.service import DEFAULTS, Service
from tests.private_database import Databases
from tools.addresses import LOOPBACK, free_port
from tools.chromium import FLAGS, NoChromium, find

PATIENCE_MILLISECONDS = 10_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)

Open = Callable[..., Awaitable[InboxPage]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    try:
        program = find()
    except NoChromium as error:
        pytest.skip(str(error))
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=program, args=FLAGS) as browser,
    ):
        yield browser


@pytest.fixture(scope="session")
def sandbox_port() -> int:
    """Always the same, so that one service finds the sandbox of each test."""
    return free_port()


@pytest.fixture(scope="session")
async def service(
    databases: Databases, sandbox_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    settings = {
        **DEFAULTS,
        "database_url": databases.fresh(),
        "mail_api_url": f"http://{LOOPBACK}:{sandbox_port}",
        "mail_cooldown_seconds": 0,
    }
    service = Service(settings, tmp_path_factory.mktemp("browser") / "service.log")
    await service.start()
    yield service
    await service.close()


@pytest.fixture
async def open_sandbox(sandbox_port: int) -> AsyncIterator[Callable[..., Awaitable[Sandbox]]]:
    """Start a sandbox with these facts about its service."""
    opened: list[Sandbox] = []

    async def start(**served_for: Any) -> Sandbox:
        sandbox = Sandbox(ServedFor(**served_for), sandbox_port)
        opened.append(sandbox)
        await sandbox.start()
        return sandbox

    yield start
    for sandbox in opened:
        await sandbox.stop()


@pytest.fixture
async def sandbox(open_sandbox: Callable[..., Awaitable[Sandbox]]) -> Sandbox:
    """A sandbox whose service does not answer."""
    return await open_sandbox(service_url=f"http://{LOOPBACK}:1")


@pytest.fixture
def complaints() -> list[str]:
    """What the page's console says that it should not, violations of its policy among it."""
    return []


@pytest.fixture
async def open_page(
    browser: Browser,
    open_sandbox: object,  # closed after the pages
    complaints: list[str],
) -> AsyncIterator[Open]:
    """Open the page of a sandbox, in a context of its own with these properties."""
    contexts, asked = [], []

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def fail(error: WebError) -> None:
        complaints.append(str(error.error))

    def note(request: Request) -> None:
        if request.failure != "csp":  # those the page's policy stopped before they went out
            asked.append(urlsplit(request.url).hostname)

    async def open_it(sandbox: Sandbox, width: int = 1280, **properties: Any) -> InboxPage:
        context = await browser.new_context(viewport={"width": width, "height": 900}, **properties)
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        context.on("console", listen)
        context.on("weberror", fail)
        context.on("requestfinished", note)
        context.on("requestfailed", note)
        contexts.append(context)
        page: Page = await context.new_page()
        await page.goto(sandbox.url)
        await expect(page.get_by_role("banner").get_by_text("live")).to_be_visible()
        return InboxPage(page)

    yield open_it
    for context in contexts:
        await context.close()
    assert complaints == []
    assert set(asked) == {LOOPBACK}


@pytest.fixture
async def page(open_page: Open, sandbox: Sandbox) -> InboxPage:
    return await open_page(sandbox)
