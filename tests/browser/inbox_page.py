"""The page as a person finds their way on it: by roles and names."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Locator, Page, expect


class InboxPage:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.keyboard = page.keyboard
        self.provider = page.get_by_role("region", name="Mail provider")
        self.form = page.get_by_role("region", name="Try the service")
        self.inbox = page.get_by_role("region", name="Inbox")
        self.log = page.get_by_role("region", name="Requests and answers")
        self.mails = self.inbox.get_by_role("article")
        self.outcome = self.form.locator("#outcome")
        self.announcer = page.locator("#announcer")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def slider(self, name: str) -> Locator:
        return self.provider.get_by_role("slider", name=name)

    def tab(self, name: str) -> Locator:
        return self.page.get_by_role("tab", name=name)

    @property
    def exchanges(self) -> Locator:
        return self.log.locator("li")

    async def fill(self, label: str, text: str) -> None:
        await self.form.get_by_label(label, exact=True).fill(text)

    async def value(self, label: str) -> str:
        return await self.form.get_by_label(label, exact=True).input_value()

    async def newest_code(self) -> str:
        """The code of the newest mail, as soon as there is one."""
        code = self.mails.first.locator(".digits")
        await expect(code).to_be_visible()
        return await code.inner_text()

    async def register(self) -> str:
        """Register whoever is in the form; return the code when its mail is there."""
        await self.button("Register").click()
        await expect(self.outcome).to_contain_text("Accepted.")
        await expect(self.mails.first).to_contain_text(await self.value("E-mail address"))
        return await self.newest_code()

    async def show_switches(self) -> None:
        await self.provider.get_by_text("Make it misbehave").click()

    async def focused(self) -> str:
        """What has the focus, by its label or text."""
        name: str = await self.page.evaluate(
            """() => {
                const { activeElement: focused } = document;
                return focused.ariaLabel ?? focused.labels?.[0]?.textContent ?? focused.textContent.trim();
            }"""
        )
        return name

    async def tab_to(self, name: str) -> None:
        for _ in range(40):
            await self.keyboard.press("Tab")
            if await self.focused() == name:
                return
        raise AssertionError(f"the Tab key does not lead to {name}")

    async def stop_clock(self) -> None:
        """Let the page's time stand still, until a test moves it on."""
        await self.page.clock.install()
        await self.page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=1))

    async def record(self, region: str, selector: str) -> None:
        """From now on keep what the element says, each time that something within the region changes."""
        await self.page.evaluate(
            """([region, selector]) => {
                window.recorded = [];
                const record = () => recorded.push(document.querySelector(selector)?.textContent);
                const all = { childList: true, characterData: true, subtree: true };
                new MutationObserver(record).observe(document.getElementById(region), all);
            }""",
            [region, selector],
        )

    async def recorded(self) -> list[str | None]:
        recorded: list[str | None] = await self.page.evaluate("() => recorded")
        return recorded

    async def evaluate(self, script: str, argument: Any = None) -> Any:
        return await self.page.evaluate(script, argument)
