"""How fast mails leave, one by one and after an outage, and what it costs when many wait."""

import asyncio
import statistics
import time
from collections.abc import Iterator

from bench import probes, rows
from bench.callers import make_registrations
from bench.feed import listening
from bench.figures import percentile, percentiles
from bench.stage import Stage
from config.settings import parse_database_url
from registration.adapters.mysql.database import open_database
from registration.adapters.mysql.outbox import MySQLOutbox
from registration.courier.courier import BACKLOG_CONCURRENCY, LAST_ATTEMPT, OVERDUE_LIMIT
from registration.domain.errors import Unavailable
from tools.addresses import LOOPBACK, free_port

Figures = dict[str, float]

COST = 4
"""Hashing is not what is measured."""

SILENCE_SECONDS = 15
"""No mail for so long: no more will come."""

WARM_UP_SECONDS = 2.0
RETURN_SECONDS = 5.0
SWEEPS = 50


def measure(
    stage: Stage, rate: float, seconds: float, queued: int, down: int, settled: int
) -> Iterator[tuple[str, Figures]]:
    """One part after another; each with its title."""
    yield f"one by one, {rate:g} a second", one_by_one(stage, rate, seconds)
    yield f"a backlog of {queued}", backlog(stage, queued)
    yield f"provider down, {down} waiting, {settled} settled", waiting(stage, down, settled, seconds)
    for content, figures in sweeps(stage, settled, down):
        yield f"a sweep's statements, {content}", figures


def one_by_one(stage: Stage, rate: float, seconds: float) -> Figures:
    """From the 202 to the provider's request, on a service that has little else to do."""
    with (
        stage.provider() as provider,
        stage.service(
            bcrypt_cost=COST, database_url=stage.new_database(), mail_api_url=provider.url
        ) as service,
    ):
        make_registrations(stage, service, provider, rate, WARM_UP_SECONDS)
        seen = make_registrations(stage, service, provider, rate, seconds)
    return {
        "mails": len(seen["mail_ms"]),
        "failures": sum(seen["failures"].values()),
        **{
            f"from_202_to_provider_{which}_ms": value for which, value in percentiles(seen["mail_ms"]).items()
        },
        "from_202_to_provider_max_ms": max(seen["mail_ms"]),
        **{f"register_{which}_ms": value for which, value in percentiles(seen["register_ms"]).items()},
    }


def backlog(stage: Stage, count: int) -> Figures:
    """So many mails are due when a service starts: how fast the provider gets them."""
    database_url = stage.new_database()
    rows.add_queued_mails(database_url, count)
    with (
        stage.provider() as provider,
        listening(provider.feed_port, SILENCE_SECONDS) as arrivals,
        stage.service(bcrypt_cost=COST, database_url=database_url, mail_api_url=provider.url) as service,
    ):
        before = stage.probe.counts(), probes.processor_seconds(service.pid), time.monotonic()
        times, emails = [], set()
        for arrival in arrivals:
            times.append(arrival.at)
            emails.add(arrival.email)
            if len(emails) == count:
                break
        counts = stage.probe.counts() - before[0]
        processor = probes.processor_seconds(service.pid) - before[1]
        peak_memory = probes.peak_memory_mb(service.pid)
    # What was sent before the service said that it was ready is not in the counts.
    counted = sum(at > before[2] for at in times)
    return {
        "mails": len(emails),
        "doubles": len(times) - len(emails),
        "seconds": times[-1] - times[0],
        "mails_per_second": (len(times) - 1) / (times[-1] - times[0]),
        "slowest_second": _slowest_second(times),
        "service_ms_per_mail": 1000 * processor / counted,
        "statements_per_mail": counts.statements / counted,
        "commits_per_mail": counts.commits / counted,
        "service_peak_memory_mb": peak_memory,
    }


def _slowest_second(times: list[float]) -> int:
    """How many mails came in the whole second with the fewest."""
    whole = int(times[-1] - times[0])
    seconds = [int(at - times[0]) for at in times]
    return min((seconds.count(second) for second in range(whole)), default=len(times))


def waiting(stage: Stage, count: int, settled: int, seconds: float) -> Figures:
    """The provider is down, and so many mails wait: what that does to the service, and what it does when that is over.

    As in real life there are old mails, too: a statement that is quick without them may not be.
    """
    database_url = stage.new_database()
    rows.add_settled_mails(database_url, settled)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    with stage.service(bcrypt_cost=COST, database_url=database_url, mail_api_url=url) as service:
        time.sleep(WARM_UP_SECONDS)
        empty = probes.resident_mb(service.pid)
        rows.add_queued_mails(database_url, count)
        before, began_at = probes.processor_seconds(service.pid), time.monotonic()
        with stage.running("bench.bystander", "--port", service.port) as bystander:
            samples = []
            while time.monotonic() - began_at < seconds:
                samples.append(probes.resident_mb(service.pid))
                time.sleep(0.5)
            bystander.stop()
        processor = probes.processor_seconds(service.pid) - before
        sent = _sent_after_return(stage, port)
    bystander_ms = [milliseconds for _, milliseconds in bystander.printed()]
    return {
        "waiting": count,
        "resident_before_mb": empty,
        "resident_first_mb": samples[0],
        "resident_median_mb": statistics.median(samples),
        "resident_max_mb": max(samples),
        "resident_last_mb": samples[-1],
        "service_share_of_a_processor": processor / seconds,
        **{f"bystander_{which}_ms": value for which, value in percentiles(bystander_ms).items()},
        **sent,
    }


def _sent_after_return(stage: Stage, port: int) -> Figures:
    """What the provider gets when it is back: after how long the first mail, and how many in the time after that."""
    with stage.provider(port) as provider, listening(provider.feed_port, SILENCE_SECONDS) as arrivals:
        back_at = time.monotonic()
        times: list[float] = []
        for arrival in arrivals:
            times.append(arrival.at)
            if times[-1] - times[0] > RETURN_SECONDS:
                break
    if not times:
        return {"sent_after_return": 0}
    return {
        "sent_after_return": len(times),
        "seconds_to_first_after_return": times[0] - back_at,
        "mails_per_second_after_return": len(times) / RETURN_SECONDS,
    }


def sweeps(stage: Stage, settled: int, due: int) -> Iterator[tuple[str, Figures]]:
    """What a sweep's statements take, by what is in the table."""
    database_url = stage.new_database()
    yield "empty table", asyncio.run(_time_sweeps(database_url))
    rows.add_settled_mails(database_url, settled)
    yield f"{settled} settled", asyncio.run(_time_sweeps(database_url))
    rows.add_queued_mails(database_url, due)
    yield f"{settled} settled, {due} due", asyncio.run(_time_sweeps(database_url))


async def _time_sweeps(database_url: str) -> Figures:
    async with open_database(parse_database_url(database_url)) as database:
        outbox = MySQLOutbox(database)

        claims = [await _time_claim(outbox) for _ in range(SWEEPS + 1)][1:]  # the first opens the connection
        overdues, ended = zip(*[await _time_overdue(outbox) for _ in range(SWEEPS // 10)], strict=True)
    return {
        "claim_due_p50_ms": percentile(claims, 50),
        "claim_due_max_ms": max(claims),
        "fail_overdue_p50_ms": percentile(overdues, 50),
        "fail_overdue_max_ms": max(overdues),
        "fail_overdue_gave_up_share": 1 - sum(ended) / len(ended),
    }


async def _time_claim(outbox: MySQLOutbox) -> float:
    began_at = time.monotonic()
    mails = await outbox.claim_due(BACKLOG_CONCURRENCY)
    took = (time.monotonic() - began_at) * 1000
    await outbox.give_back(mails)
    return took


async def _time_overdue(outbox: MySQLOutbox) -> tuple[float, bool]:
    """How long it took, and whether it came to its end: there is a time limit on every statement."""
    began_at = time.monotonic()
    try:
        assert await outbox.fail_overdue(LAST_ATTEMPT, OVERDUE_LIMIT) == 0
        ended = True
    except Unavailable:
        ended = False
    return (time.monotonic() - began_at) * 1000, ended
