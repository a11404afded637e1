"""docs/security.md says which test shows what; here each of them is looked for, so that the page cannot rot."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from registration.domain.guess_chance import guess_chance
from registration.domain.policy import Policy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")

# On the page both are without `test_`: `unit/keys.py`: `a_name`, `another_name`
FOLDERS = "|".join(sorted(folder.name for folder in (ROOT / "tests").iterdir() if folder.is_dir()))
TEST_FILE = rf"`((?:{FOLDERS})/[\w/]+\.py)`"
NAMED = re.compile(rf"{TEST_FILE}:\s+(`\w+`(?:,\s+`\w+`)*)")

OURS = ("registration", "config", "db", "docs", "tests", "tools", "bench")


def named_tests() -> list[tuple[str, str]]:
    """Each file and test that the page names, as the file system has them."""
    return [
        (_file_of(match[1]), f"test_{name}")
        for match in NAMED.finditer(PAGE)
        for name in re.findall(r"\w+", match[2])
    ]


def _file_of(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"tests/{folder}/test_{file}"


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8")) if (ROOT / file).is_file() else ast.Module([], [])
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def slug(heading: str) -> str:
    """What a heading is linked by."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_test_that_is_named_exists() -> None:
    named = named_tests()

    assert len(named) > 50
    assert [f"{file}::{test}" for file, test in named if test not in functions_of(file)] == []


def test_no_file_of_tests_is_named_without_its_tests() -> None:
    assert len(re.findall(TEST_FILE, PAGE)) == len(NAMED.findall(PAGE))


def test_every_threat_is_shown_not_to_work() -> None:
    threats = PAGE.partition("\n## Threats\n")[2].partition("\n## ")[0]
    rows = [line for line in threats.splitlines() if line.startswith("| ")][1:]

    assert len(rows) > 20
    shown_by = [row.strip("| ").rpartition(" | ")[2] for row in rows]
    assert [cell for cell in shown_by if not re.search(rf"{TEST_FILE}|`make \w|`tools\.\w", cell)] == []


def test_every_file_that_is_named_exists() -> None:
    paths = re.findall(rf"`((?:{'|'.join(OURS)})/[\w./-]+)`", PAGE)
    modules = [f"{name.replace('.', '/')}.py" for name in re.findall(r"`(tools\.\w+)`", PAGE)]

    assert [path for path in [*paths, *modules] if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE))))
def test_every_link_leads_somewhere(target: str) -> None:
    path, _, anchor = target.partition("#")
    if path.startswith("https://"):
        return
    text = (ROOT / "docs" / path).read_text("utf-8") if path else PAGE
    assert not anchor or anchor in map(slug, re.findall(r"^#+ (.+)$", text, re.MULTILINE))


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")

    assert [
        target
        for target in re.findall(r"`make ([a-z-]+)`", PAGE)
        if not re.search(rf"^{target}:", makefile, re.MULTILINE)
    ] == []


@pytest.mark.parametrize(
    "guesses, chance",
    [
        ("at an address in 24 hours", "per_day"),
        ("at an address in 365 days", "per_year"),
        ("at all `+tag` spellings of a mailbox", "mailbox_per_day"),
    ],
)
def test_the_chances_are_those_that_are_computed_from_the_rules(guesses: str, chance: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {guesses}")]

    computed = [getattr(guess_chance(Policy(code_digits=digits)), chance) for digits in (4, 6)]
    assert [float(figure) for figure in re.findall(r"([\d.]+) %", row)] == pytest.approx(
        [100 * each for each in computed]
    )
