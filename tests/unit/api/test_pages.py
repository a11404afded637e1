import json
import re
from html.parser import HTMLParser

import httpx2
import pytest

from registration.api.problem_types import PROBLEM_TYPES


class Page(HTMLParser):
    """What a page refers to, and its text, style sheet excepted."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [
            value or "" for name, value in attrs if name in {"src", "href", "action", "srcset"}
        ]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem != "style":
            self.text += data


def is_local(reference: str) -> bool:
    return reference == "data:," or re.match(r"[a-z]+:|//", reference) is None


@pytest.mark.parametrize("path", ["/docs", "/problems", "/problems/rate-limited"])
async def test_a_page_and_all_it_refers_to_come_from_this_host(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path)
    page = Page(response.text)

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert all(is_local(reference) for reference in page.references)
    for reference in page.references:
        if reference != "data:,":
            assert (await client.get(httpx2.URL(path).join(reference))).status_code == 200, reference
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "http" not in response.headers["content-security-policy"]


async def test_the_docs_page_loads_our_document_and_sends_it_to_no_validator(
    client: httpx2.AsyncClient,
) -> None:
    script = (await client.get("/docs/docs.js")).text

    assert 'url: "openapi.json"' in script
    assert "validatorUrl: null" in script
    assert "http" not in script


async def test_the_docs_style_sheet_brings_its_pictures_along(client: httpx2.AsyncClient) -> None:
    style = (await client.get("/docs/swagger-ui.css")).text

    assert all(url.startswith("data:") for url in re.findall(r"url\([\"']?([^)]{0,20})", style))
    assert "@import" not in style


@pytest.mark.parametrize("code", PROBLEM_TYPES)
async def test_each_problem_has_a_page_that_explains_it(client: httpx2.AsyncClient, code: str) -> None:
    response = await client.get(f"/problems/{code}")
    page = Page(response.text)
    known = PROBLEM_TYPES[code]

    assert response.status_code == 200
    for text in (known.title, str(known.status), code, known.meaning, known.advice):
        assert text in page.text
    example = page.text[page.text.index("{\n") : page.text.rindex("}") + 1]
    assert json.loads(example)["type"] == f"/problems/{code}"


async def test_the_list_of_problems_leads_to_each(client: httpx2.AsyncClient) -> None:
    page = Page((await client.get("/problems")).text)

    assert {f"problems/{code}" for code in PROBLEM_TYPES} <= set(page.references)
