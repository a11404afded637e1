"""Tries on a real Galera cluster, with a service on each node, whether what must be exact is.

Starts all that it needs on the loopback interface and stops it. Says what it does and sees; its exit status is 0 only
if every promise was kept.
"""

import argparse
import functools
import random
import secrets
from collections.abc import Sequence
from pathlib import Path

from tools.galera import GaleraCluster
from tools.trials.cluster_accounts import (
    try_reading_elsewhere,
    try_simultaneous_registrations,
    try_single_use,
)
from tools.trials.cluster_guesses import try_guesses, try_third_wrong_code
from tools.trials.cluster_mails import try_mail_claims
from tools.trials.report import Report
from tools.trials.running import as_a_program, log_folder, run_to_its_end
from tools.trials.stage import open_trial_stage

LONGEST_SECONDS = 600


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.cluster_trial", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    seed = parser.parse_args().seed
    report = Report()
    report.does(f"Starting a Galera cluster; the seed is {seed}")
    with GaleraCluster() as cluster, log_folder(report) as folder:
        urls = [node.url() for node in cluster.nodes]
        run_to_its_end(report, LONGEST_SECONDS, functools.partial(_try, urls, folder, report, seed))
        report.does("Stopping the cluster")
    report.conclude()


async def _try(urls: Sequence[str], folder: Path, report: Report, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - it guards nothing
    report.does(f"Starting the sandbox, and a service on each of {len(urls)} nodes")
    async with open_trial_stage(urls, folder) as stage:
        await try_guesses(stage, report, chance)
        await try_third_wrong_code(stage, report, chance)
        await try_single_use(stage, report)
        await try_simultaneous_registrations(stage, report)
        await try_reading_elsewhere(stage, report, chance)
        await try_mail_claims(stage, report, chance)


if __name__ == "__main__":
    as_a_program(main)
