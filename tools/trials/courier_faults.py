"""A provider that fails a third of the time, in every way it can."""

import time

from tools.trials.mail_checks import check_mails
from tools.trials.report import Report
from tools.trials.stage import TrialStage

WAYS = ("slow", "too_many", "error", "cut_before", "cut_after", "hang")
SHARE = 1 / 3 / len(WAYS)
AT_ONCE = 5
SLOW_SECONDS = (2, 12)
"""First an answer that comes late, then one that comes when nobody waits for it any more."""
ALL_MAILED_SECONDS = 240


async def try_faults(stage: TrialStage, report: Report, seed: int, *, registrations: int = 300) -> None:
    began_at = time.monotonic()
    for number, slow_seconds in enumerate(SLOW_SECONDS):
        count = registrations * (number + 1) // len(SLOW_SECONDS) - registrations * number // len(
            SLOW_SECONDS
        )
        report.does(
            f"{count} registrations, {AT_ONCE} at a time, while a third of the provider's answers fail "
            f"(slow is {slow_seconds} s)"
        )
        shares = dict.fromkeys(WAYS, SHARE)
        await stage.sandbox.misbehave(**shares, slow_seconds=slow_seconds, seed=seed + number)
        await stage.register_many(count, at_once=AT_ONCE)
    await stage.wait_for_mails(ALL_MAILED_SECONDS)
    report.measured("from the first registration to the last mail", f"{time.monotonic() - began_at:.1f} s")
    report.measured("faults met", dict(await stage.faults()))
    await check_mails(stage, report)
    report.check(
        "every registration is answered 202",
        kept=len(stage.registered) == registrations,
        seen=dict(stage.refused) or "",
    )
