from pathlib import Path

import httpx2
import pytest

from registration.admin.alerts import Section
from registration.admin.app import create_admin
from registration.admin.operations import OperationsDocument, Part, parts
from registration.admin.status import StatusPage
from registration.domain.guess_chance import guess_chance
from registration.domain.policy import Policy
from tests.private_database import ROOT
from tests.unit.admin.states import NOTHING_OVERDUE, NOTHING_WAITS, QUIET, read_always

TEXT = """\
# Operations

What to do.

## Alerts

### Mails late

Run `mails list` & see <what> it says.

```sh
# not a heading
```
"""


async def ask(file: Path, path: str) -> httpx2.Response:
    operations = OperationsDocument(file)
    read_backlog = read_always(NOTHING_WAITS)
    read_overdue = read_always(NOTHING_OVERDUE)
    status = StatusPage(
        read_backlog, read_overdue, read_always(None), lambda: QUIET, guess_chance(Policy()), operations
    )
    transport = httpx2.ASGITransport(create_admin(read_backlog, read_overdue, status, operations))
    async with httpx2.AsyncClient(transport=transport, base_url="http://admin.test") as client:
        return await client.get(path)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    file = tmp_path / "operations.md"
    file.write_text(TEXT, encoding="utf-8")
    return file


async def test_its_sections_can_be_linked_to_as_on_a_forge(document: Path) -> None:
    answer = await ask(document, "/docs/operations.md")

    assert answer.status_code == 200
    assert '<h3 id="mails-late">Mails late</h3>' in answer.text


async def test_it_is_shown_as_it_is_written(document: Path) -> None:
    answer = await ask(document, "/docs/operations.md")

    assert "Run `mails list` &amp; see &lt;what&gt; it says." in answer.text


def test_a_comment_in_a_program_is_no_heading() -> None:
    assert [part.title for part in parts(TEXT)] == ["Operations", "Alerts", "Mails late"]


@pytest.mark.parametrize(
    "title, anchor",
    [
        ("Mails late", "mails-late"),
        ("What is it, and why?", "what-is-it-and-why"),
        ("`serve` – how", "serve--how"),
    ],
)
def test_an_anchor_is_made_of_the_title(title: str, anchor: str) -> None:
    assert Part(2, title, "").anchor == anchor


async def test_where_the_service_came_without_documents_there_is_none(tmp_path: Path) -> None:
    answer = await ask(tmp_path / "operations.md", "/docs/operations.md")

    assert (answer.status_code, answer.text) == (404, "Not Found")


def test_it_has_every_section_that_the_status_page_names() -> None:
    document = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert set(Section) - {part.anchor for part in parts(document)} == set()
