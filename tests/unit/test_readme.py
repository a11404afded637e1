"""README.md says where things are: all of them."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = (ROOT / "README.md").read_text("utf-8").partition("\n## Where things are\n")[2].split("```")[1]
NEED_NO_WORD = {"__init__.py", "__main__.py", "__pycache__", "py.typed", "conftest.py"}


@pytest.mark.parametrize("folder", ["registration", "tests"])
def test_every_module_and_folder_has_a_place_there(folder: str) -> None:
    things = [thing for thing in (ROOT / folder).iterdir() if thing.name not in NEED_NO_WORD]
    named = [thing.name for thing in things if thing.is_dir() or folder == "registration"]

    assert len(named) > 5
    assert [name for name in named if name not in PLACES] == []
