"""From nobody to an active user and away again, on the page alone, with the real service."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Open
from tests.browser.inbox_page import InboxPage
from tests.browser.sandbox import Sandbox
from tests.end_to_end.service import Service

PASSWORD = "p:ä🔑 correct horse"


@pytest.fixture
async def page(
    open_page: Open, open_sandbox: Callable[..., Awaitable[Sandbox]], service: Service
) -> InboxPage:
    return await open_page(await open_sandbox(service_url=service.client.url))


async def test_register_see_the_code_activate_and_be_gone(page: InboxPage) -> None:
    email = await page.value("E-mail address")
    await expect(page.form).to_contain_text("It answers at")
    await page.fill("Password", PASSWORD)

    code = await page.register()
    await page.button("Show me").click()
    await expect(page.outcome).to_have_text(f"{email} is pending, the mail accepted.")
    await page.button("Newest code").click()
    assert await page.value("Code") == code
    await page.button("Activate").click()
    await expect(page.outcome).to_have_text(f"{email} is active.")
    await page.button("Another code").click()
    await expect(page.outcome).to_contain_text("Already active.")
    await page.button("Erase").click()
    await expect(page.outcome).to_have_text("Erased.")
    await page.button("Show me").click()
    await expect(page.outcome).to_contain_text("Invalid credentials.")

    results = await page.exchanges.locator("summary").all_inner_texts()
    assert [" ".join(result.split()) for result in reversed(results)] == [
        "POST /v1/users 202 Accepted",
        "GET /v1/users/me 200 OK",
        "POST /v1/users/activation 200 OK",
        "POST /v1/users/activation-code 409 Conflict",
        "DELETE /v1/users/me 204 No Content",
        "GET /v1/users/me 401 Unauthorized",
    ]


async def test_each_exchange_is_shown_as_it_happened_but_for_the_password(page: InboxPage) -> None:
    email = await page.value("E-mail address")
    await page.fill("Password", PASSWORD)
    code = await page.register()
    await page.button("Newest code").click()
    await page.button("Activate").click()
    await expect(page.exchanges.first).to_contain_text('"status": "active"')

    activation, registration = await page.exchanges.all_text_contents()
    assert '"password": "••••••••"' in registration
    assert f'"email": "{email}"' in registration
    assert "Authorization: Basic ••••••••" in activation
    assert f'"code": "{code}"' in activation
    assert "x-request-id: " in activation.lower()
    shown = await page.evaluate("() => document.documentElement.outerHTML")
    assert PASSWORD not in shown


async def test_what_the_service_refuses_is_said_at_the_field_and_explained_on_its_page(
    page: InboxPage, service: Service
) -> None:
    await page.fill("E-mail address", "nobody@")
    await page.fill("Password", "short")
    await page.button("Register").click()

    field = page.form.get_by_label("E-mail address")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_accessible_description("It is not a valid e-mail address.")
    await expect(page.outcome).to_contain_text("Invalid request.")
    link = page.outcome.get_by_role("link", name="What this means")
    await expect(link).to_have_attribute("href", f"{service.client.url}/problems/invalid-request")

    await page.button("Somebody new").click()
    await expect(field).not_to_have_attribute("aria-invalid", "true")
    await page.fill("Password", "short")
    await page.button("Register").click()
    password = page.form.get_by_label("Password", exact=True)
    await expect(password).to_have_accessible_description("It is too short.")


async def test_the_mail_comes_in_the_language_that_is_chosen(page: InboxPage) -> None:
    await page.form.get_by_label("Language of the mail").select_option("Deutsch")
    await page.register()

    await expect(page.mails.get_by_role("heading")).to_contain_text("Ihr Aktivierungscode")
    await expect(page.exchanges).to_contain_text("Accept-Language: de")


async def test_a_wrong_code_costs_an_attempt(page: InboxPage) -> None:
    code = await page.register()
    await page.fill("Code", "0000" if code != "0000" else "0001")
    await page.button("Activate").click()

    await expect(page.outcome).to_contain_text("Attempts left: 2.")


async def test_a_code_is_only_taken_from_a_mail_to_the_address_in_any_spelling(page: InboxPage) -> None:
    await page.fill("E-mail address", "Zoë@Bücher.Example")
    await page.button("Register").click()
    code = await page.newest_code()
    await page.button("Newest code").click()
    assert await page.value("Code") == code

    await page.button("Somebody new").click()
    await page.button("Newest code").click()
    await expect(page.outcome).to_contain_text("No code has been mailed to")
    assert await page.value("Code") == ""


async def test_the_keyboard_alone_is_enough(page: InboxPage) -> None:
    await page.tab_to("E-mail address")
    await page.tab_to("Register")
    await page.keyboard.press("Enter")
    code = await page.newest_code()
    await page.tab_to("Newest code")
    await page.keyboard.press("Enter")
    await expect(page.form.get_by_label("Code", exact=True)).to_be_focused()
    assert await page.value("Code") == code
    await page.keyboard.press("Enter")

    await expect(page.outcome).to_contain_text("is active.")


async def test_the_courier_is_seen_to_cope_with_a_lost_answer(page: InboxPage) -> None:
    await page.show_switches()
    await page.slider("Cut after accepting").fill("100")
    await expect(page.provider).to_contain_text("cuts after accepting for 100 % of the mails")
    await page.button("Register").click()
    await expect(page.mails.last).to_contain_text("The answer was lost")
    await page.button("All well").click()

    await expect(page.mails.last).to_contain_text("of the same mail")
    await expect(page.mails.last).to_contain_text("Works for")
    codes = await page.mails.locator(".digits").all_inner_texts()
    assert len(set(codes)) == 1
    await page.button("Newest code").click()
    await page.button("Activate").click()
    await expect(page.outcome).to_contain_text("is active.")
