"""docs/operations.md is believed at three in the morning: what it names is there, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

from registration.admin.alerts import Section
from tests.unit.test_monitoring_config import ALERTS, PANELS, sections_of_alerts
from tests.unit.test_security_doc import slug
from tests.unit.test_settings_and_commands import all_commands, all_settings, general

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
SOURCE = "\n".join(file.read_text("utf-8") for file in (ROOT / "registration").rglob("*.py"))


def section(title: str) -> str:
    """What stands under a heading, up to the next one of any level."""
    return re.split(r"^#+ .+$", PAGE.partition(f" {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE))))
def test_every_link_leads_somewhere(target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (ROOT / "docs" / path).resolve() if path else ROOT / "docs" / "operations.md"
    assert file.is_file()
    assert not anchor or anchor in map(slug, re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE))


def test_no_two_headings_are_linked_alike() -> None:
    slugs = [slug(heading) for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)]
    assert len(set(slugs)) == len(slugs)


def test_every_setting_that_is_named_exists() -> None:
    named = {name.removesuffix("_FILE") for name in re.findall(r"\bREGISTRATION_([A-Z_]+[A-Z])\b", PAGE)}

    assert len(named) > 10
    assert {general(name) for name in named} <= all_settings()


def test_every_command_that_is_named_exists() -> None:
    typed = re.findall(r"python -m registration ([a-z]+)(?: ([a-z]+))?", PAGE)
    spoken_of = re.findall(r"`(users|mails) ([a-z]+)", PAGE)
    groups = {name.split()[0] for name in all_commands() if " " in name}

    named = {
        f"{name} {inner}" if name in groups else name for name, inner in [*typed, *spoken_of] if name
    } - groups
    assert len(named) > 8
    assert named <= all_commands()


def test_every_line_of_the_log_that_is_explained_is_written() -> None:
    rows = [line for line in section("Logs").splitlines() if line.startswith("| `")][1:]
    events = {event for row in rows for event in re.findall(r"`(\w+)`", row.split(" | ")[0])}

    assert len(events) > 15
    assert {event for event in events if f'"{event}"' not in SOURCE} == set()


def test_every_file_that_is_named_exists() -> None:
    paths = re.findall(r"`((?:config|db|docs|tools|bench)/[\w./-]+)`", PAGE)

    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_panel_that_is_named_is_on_the_dashboard() -> None:
    paragraphs = [text for text in re.split(r"\n\n|\n- ", PAGE) if re.search(r"\b[Pp]anels?\b", text)]
    named = {name for text in paragraphs for name in re.findall(r"\*([A-Z][^*]+)\*", " ".join(text.split()))}

    assert named
    assert named <= {panel["title"].partition(",")[0] for panel in PANELS}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_is_as_urgent_here_as_in_its_rule(alert: dict[str, dict[str, str]]) -> None:
    title = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", f"{alert['alert']}").capitalize()

    assert section(title).strip().startswith(f"*{alert['labels']['severity']}.*")


def test_what_the_status_page_links_to_is_here() -> None:
    assert {part.value for part in Section} <= set(sections_of_alerts())
