"""Whether services on different nodes share the mails: each sent by one of them, those of a dead one by another."""

import asyncio
import random
import time

from tools.trials.mail_checks import check_mails
from tools.trials.report import Report
from tools.trials.stage import TrialStage

TAKE_OVER_SECONDS = 30
ALL_MAILED_SECONDS = 60


async def try_mail_claims(
    stage: TrialStage, report: Report, chance: random.Random, *, batch: int = 60
) -> None:
    """Mails that pile up, a service that dies with mails on the wire, and one that comes back."""
    victim = chance.choice(stage.replicas)
    others = [replica for replica in stage.replicas if replica is not victim]

    report.does(f"{batch} registrations while the provider is slow; {victim.name} is killed meanwhile")
    await stage.sandbox.misbehave(slow=1, slow_seconds=3)
    await stage.register_many(batch, at_once=10)
    orphans = {exchange.mail_id for exchange in victim.line.exchanges if exchange.ended_at is None}
    killed_at = time.time()
    stage.kill(victim)
    await stage.sandbox.misbehave()

    report.does(f"{2 * batch} registrations with the other two while the provider cannot be reached")
    await stage.cut_lines()
    for number in range(2 * batch):
        await stage.register_somebody(others[number % len(others)])
    await asyncio.sleep(3)

    report.does(f"The provider can be reached again, and {victim.name} is back")
    await stage.mend_lines()
    await victim.service.start()
    report.measured("all had their mail after", f"{await stage.wait_for_mails(ALL_MAILED_SECONDS):.1f} s")
    await asyncio.sleep(2)  # for what should not come any more
    waits = _taken_over_after(stage, orphans, killed_at)
    report.check(
        f"all that {victim.name} had on the wire was taken over within {TAKE_OVER_SECONDS} s",
        kept=len(waits) == len(orphans) > 0 and max(waits) < TAKE_OVER_SECONDS,
        seen=f"{len(waits)} of {len(orphans)} mails, after {min(waits, default=0):.1f} to {max(waits, default=0):.1f} s",
    )
    shares = {replica.name: len(replica.line.exchanges) for replica in stage.replicas}
    report.measured("attempts by service, in all", shares)
    await check_mails(stage, report)


def _taken_over_after(stage: TrialStage, mail_ids: set[str], killed_at: float) -> list[float]:
    """How long after the kill each of the mails was attempted again, as far as it was."""
    waits: dict[str, float] = {}
    for exchange in stage.exchanges:
        if exchange.mail_id in mail_ids and exchange.began_at > killed_at:
            waits.setdefault(exchange.mail_id, exchange.began_at - killed_at)
    return list(waits.values())
