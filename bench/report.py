"""Where the figures were taken, and the file that they are kept in."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"

PACKAGES = (
    "aiohttp aiomysql bcrypt cryptography fastapi httptools pydantic pyee starlette structlog uvicorn uvloop"
)


def write(name: str, database: str, settings: Mapping[str, object], results: object) -> Path:
    """Write `results/NAME.json` in place of the last one; return the file."""
    document = {"name": name, **about(database), "settings": settings, "results": results}
    return write_text(f"{name}.json", json.dumps(_rounded(document), indent=2) + "\n")


def write_text(name: str, text: str) -> Path:
    """Likewise a file of another kind."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / name
    file.write_text(text)
    return file


def about(database: str) -> dict[str, Any]:
    """When, where and of what the figures were taken."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
        "commit": _commit(),
        "machine": machine(),
        "versions": {
            "python": platform.python_version(),
            "database": database,
            **{package: version(package) for package in PACKAGES.split()},
        },
    }


def machine() -> dict[str, object]:
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        "kernel": platform.release(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _commit() -> str | None:
    """The commit, with a + where files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--exclude=*", "--dirty=+"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or None


def _rounded(value: Any) -> Any:
    """The same with floats that are fit to be read."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
