"""Two services on one database, and a backlog that both set about."""

import time
from collections import Counter

from tools.trials.mail_checks import check_mails
from tools.trials.report import Report
from tools.trials.stage import TrialStage

AT_ONCE = 8
SHARE_AWAY = 0.8
"""Of the mails, so many pile up while the provider cannot be reached; the others come while the pile is cleared."""
ALL_MAILED_SECONDS = 120


async def try_replicas(stage: TrialStage, report: Report, *, mails: int = 5000) -> None:
    away = round(mails * SHARE_AWAY)
    report.does(
        f"{away} registrations over {len(stage.replicas)} services while the provider cannot be reached"
    )
    await stage.cut_lines()
    began_at = time.monotonic()
    await stage.register_many(away, at_once=AT_ONCE)
    report.measured("registrations a second", f"{away / (time.monotonic() - began_at):.0f}")
    waiting = len(stage.without_mail())

    report.does(
        f"It can be reached again: {waiting} mails are waiting, and {mails - away} more come meanwhile"
    )
    await stage.mend_lines()
    began_at = time.monotonic()
    await stage.register_many(mails - away, at_once=AT_ONCE)
    await stage.wait_for_mails(ALL_MAILED_SECONDS)
    report.measured("all were sent after", f"{time.monotonic() - began_at:.1f} s")
    report.measured("by service", {one.name: len(one.line.exchanges) for one in stage.replicas})

    attempts = Counter(exchange.mail_id for exchange in stage.exchanges)
    report.check(
        f"{mails} mails, none of them sent twice",
        kept=len(attempts) == mails and set(attempts.values()) == {1},
        seen=dict(Counter(attempts.values())),
    )
    shared = min(len(replica.line.exchanges) for replica in stage.replicas)
    report.check("both have done a share of the work", kept=shared > mails // 20, seen=shared)
    await check_mails(stage, report)
