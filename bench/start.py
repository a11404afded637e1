"""How long it takes from the exec of a command until it is of use."""

import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bench.aims import Aim
from bench.stage import ROOT, SETTINGS, Stage, answers, environment_of, wait
from tools.addresses import free_port

MOST_SECONDS = 1.5
COST = 12
PAUSE_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Outcome:
    seconds: Mapping[str, Sequence[float]]
    """By what was waited for."""

    @property
    def aims(self) -> list[Aim]:
        medians = {name: statistics.median(times) for name, times in self.seconds.items()}
        return [
            Aim(f"{name} within {MOST_SECONDS} s", f"{seconds:.2f} s", seconds <= MOST_SECONDS)
            for name, seconds in medians.items()
        ]


def measure(stage: Stage, times: int) -> Outcome:
    """The first start, which fills the caches of files, is thrown away."""
    database_url = stage.new_database()
    seconds: dict[str, list[float]] = {}
    for number in range(times + 1):
        for name, took in {
            **_serve(stage, database_url),
            "serve --help": _help("serve", "--help"),
            "--help": _help("--help"),
        }.items():
            if number:
                seconds.setdefault(name, []).append(took)
    return Outcome(seconds)


def _serve(stage: Stage, database_url: str) -> dict[str, float]:
    """On a database whose keys have been made; with a provider that is down, which must not matter."""
    port, provider_port = free_port(), free_port()
    settings = {
        **SETTINGS,
        "bcrypt_cost": COST,
        "database_url": database_url,
        "mail_api_url": f"http://127.0.0.1:{provider_port}",
        "port": port,
    }
    began_at = time.monotonic()
    took = {}
    with stage.running("registration", "serve", environment=environment_of(settings)) as program:
        for path in ("/health/live", "/health/ready"):
            wait(program, partial(answers, port, path), PAUSE_SECONDS)
            took[f"GET {path} answers"] = time.monotonic() - began_at
    return took


def _help(*arguments: str) -> float:
    began_at = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "registration", *arguments],
        cwd=ROOT,
        env=environment_of({}),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - began_at
