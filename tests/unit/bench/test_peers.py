import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LINES = (ROOT / "bench" / "peers" / "requirements.txt").read_text().splitlines()
SHARED = [
    "aiohttp",
    "aiomysql",
    "bcrypt",
    "fastapi",
    "httptools",
    "pydantic",
    "pymysql",
    "starlette",
    "uvicorn",
    "uvloop",
]
PINS = dict(line.lower().replace("_", "-").split("==") for line in LINES if not line.startswith("#"))


@pytest.mark.parametrize("line", [line for line in LINES if not line.startswith("#")])
def test_every_package_of_the_peers_is_pinned(line: str) -> None:
    assert re.fullmatch(r"[\w.-]+==[\w.]+", line)


@pytest.mark.parametrize("package", SHARED)
def test_peers_have_the_services_version_of_what_counts(package: str) -> None:
    lock = json.loads((ROOT / "Pipfile.lock").read_text())["default"]

    assert f"=={PINS[package]}" == lock[package]["version"]
