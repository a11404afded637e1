"""Runs the benchmarks of this folder: of what every request does, and so must stay cheap."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.stage import ROOT, Broken

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Microseconds of one call: the median, and between what half of all lie."""

    name: str
    median: float
    low: float
    high: float


def measure() -> list[Piece]:
    """In a process of its own, by pytest-benchmark."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "micro.json"
        command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), "-q", "-p", "no:cacheprovider"]
        options = [f"--benchmark-json={file}", f"--benchmark-storage={folder}", "--benchmark-disable-gc"]
        done = subprocess.run(
            [*command, *options], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Broken(f"{done.stdout[-3000:]}{done.stderr[-1000:]}")
        measured = json.loads(file.read_text())["benchmarks"]
    return [_piece(each["name"], each["stats"]) for each in measured]


def _piece(name: str, stats: dict[str, float]) -> Piece:
    title = name.removeprefix("test_").replace("_", " ")
    return Piece(title, *(stats[which] * MICROSECONDS for which in ("median", "q1", "q3")))
