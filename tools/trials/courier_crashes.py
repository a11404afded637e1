"""A service that is killed again and again under a steady load, and a provider that is away for a while."""

import asyncio
import random
import time
from collections.abc import Iterable

from tools.trials.mail_checks import check_mails
from tools.trials.report import Report
from tools.trials.stage import Replica, TrialStage

PER_SECOND = 40
SLOW = {"slow": 0.5, "slow_seconds": 0.3}
"""The provider is never so fast that a kill would find no mail on the wire."""

KILLS = 5
"""And one more while the provider is away."""

BETWEEN_KILLS_SECONDS = (3.0, 5.0)
OUTAGE_SECONDS = 12
ALL_MAILED_SECONDS = 60
FRESH_SECONDS = 1.0


async def try_crashes(stage: TrialStage, report: Report, chance: random.Random) -> None:
    service = stage.replicas[0]
    stop = asyncio.Event()
    await stage.sandbox.misbehave(**SLOW)
    load = asyncio.create_task(stage.register_steadily(PER_SECOND, stop))
    try:
        report.does(f"{PER_SECOND} registrations a second, and {KILLS} times kill -9")
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(*BETWEEN_KILLS_SECONDS))
            await _kill_and_restart(stage, service)

        report.does(f"The provider cannot be reached for {OUTAGE_SECONDS} s; kill -9 meanwhile")
        await asyncio.gather(_outage(stage), _kill_in_between(stage, service, chance))
        back_at, backlog = time.time(), stage.without_mail()

        report.does(f"It can be reached again, and {len(backlog)} mails are waiting")
        await _wait_for(stage, backlog)
    finally:
        stop.set()
        await load

    report.does("The load has ended")
    waited = await stage.wait_for_mails(ALL_MAILED_SECONDS)
    report.check(
        f"every 202 has its mail within {ALL_MAILED_SECONDS} s of the end",
        kept=not stage.without_mail(),
        seen=f"{waited:.1f} s",
    )
    _check_fresh(stage, report, backlog, back_at)
    await check_mails(stage, report)


async def _kill_and_restart(stage: TrialStage, service: Replica) -> None:
    stage.kill(service)
    await service.service.start()


async def _outage(stage: TrialStage) -> None:
    await stage.cut_lines()
    await asyncio.sleep(OUTAGE_SECONDS)
    await stage.mend_lines()


async def _kill_in_between(stage: TrialStage, service: Replica, chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0.2, 0.6) * OUTAGE_SECONDS)
    await _kill_and_restart(stage, service)


async def _wait_for(stage: TrialStage, backlog: Iterable[str]) -> None:
    """Wait until the backlog is cleared, or should have been."""
    deadline = time.monotonic() + ALL_MAILED_SECONDS
    while not stage.without_mail().isdisjoint(backlog) and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.1)


def _check_fresh(stage: TrialStage, report: Report, backlog: Iterable[str], back_at: float) -> None:
    """Whoever registers while the backlog clears does not wait behind it."""
    mailed_at = stage.mailed_at()
    cleared_at = [mailed_at[address] for address in backlog if address in mailed_at]
    began, ended = min(cleared_at, default=back_at), max(cleared_at, default=back_at)
    report.measured("from the provider's return to the first mail", f"{began - back_at:.2f} s")
    report.measured("from the first mail to the last of the backlog", f"{ended - began:.2f} s")
    fresh = [one for one in stage.registered if began <= one.answered_at <= ended]
    waits = sorted(
        mailed_at[one.person.email] - one.answered_at for one in fresh if one.person.email in mailed_at
    )
    median, longest = (waits[len(waits) // 2], waits[-1]) if waits else (0.0, 0.0)
    report.check(
        f"who registers while the backlog clears is mailed within {FRESH_SECONDS:.0f} s",
        kept=len(waits) == len(fresh) > 0 and longest < FRESH_SECONDS,
        seen=f"{len(fresh)} people, {median * 1000:.0f} ms at the median, {longest * 1000:.0f} ms at most",
    )
