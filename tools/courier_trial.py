"""Tries on a private MariaDB whether the mail always goes out, and once: `faults`, `crashes` or `replicas`.

Starts all that it needs on the loopback interface and stops it. Says what it does and sees; its exit status is 0 only
if every promise was kept.
"""

import argparse
import functools
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tools.private_mariadb import throwaway_server
from tools.trials.courier_crashes import try_crashes
from tools.trials.courier_faults import try_faults
from tools.trials.courier_replicas import try_replicas
from tools.trials.report import Report
from tools.trials.running import as_a_program, log_folder, run_to_its_end
from tools.trials.stage import TrialStage, open_trial_stage

LONGEST_SECONDS = 480

Trial = Callable[[TrialStage, Report, int], Awaitable[None]]


async def faults(stage: TrialStage, report: Report, seed: int) -> None:
    await try_faults(stage, report, seed)


async def crashes(stage: TrialStage, report: Report, seed: int) -> None:
    await try_crashes(stage, report, random.Random(seed))  # noqa: S311 - it guards nothing


async def replicas(stage: TrialStage, report: Report, _: int) -> None:
    await try_replicas(stage, report)


TRIALS: Mapping[str, tuple[Trial, int]] = {
    "faults": (faults, 1),
    "crashes": (crashes, 1),
    "replicas": (replicas, 2),
}
"""Each with the number of services that it wants."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.courier_trial", description=__doc__)
    parser.add_argument("trial", choices=TRIALS)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    arguments = parser.parse_args()
    trial, services = TRIALS[arguments.trial]
    report = Report()
    report.does(
        f"Starting a private MariaDB, the sandbox and {services} of the service; the seed is {arguments.seed}"
    )
    with throwaway_server() as server, log_folder(report) as folder:
        urls = [server.url()] * services
        run_to_its_end(
            report, LONGEST_SECONDS, functools.partial(_run, trial, urls, folder, report, arguments.seed)
        )
    report.conclude()


async def _run(trial: Trial, urls: list[str], folder: Path, report: Report, seed: int) -> None:
    async with open_trial_stage(urls, folder) as stage:
        await trial(stage, report, seed)


if __name__ == "__main__":
    as_a_program(main)
