"""Whether a journey costs as much with millions of users and of old mails as with a thousand users."""

import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import rows
from bench.aims import Aim
from bench.callers import make_journeys
from bench.figures import Spread, percentile, spreads
from bench.probes import DatabaseProbe, processor_seconds
from bench.stage import Broken, Provider, Service, Stage

COST = 4
"""Hashing is not what is measured."""

CALLERS = 4
"""So few that requests hardly wait for each other: what is looked for is in the statements."""

FEW_USERS, FEW_MAILS = 1000, 200
BUFFER_POOL_MB, REDO_LOG_MB = 2048, 512
"""Of a server for so many rows; what the private server has usually is for tests."""

WARM_UP_SECONDS = 4.0
REST_SECONDS = 300
DIRTY_PAGES = 200

TOLERANCE = 1.1
COMPARED = ("service_and_database_ms_per_journey", "register_p50_ms", "activate_p50_ms")

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures by database and round."""

    rounds: Mapping[str, Sequence[Figures]]
    failures: Mapping[str, int]
    seconds_to_fill: float

    @property
    def columns(self) -> Mapping[str, Mapping[str, Spread]]:
        return {name: spreads(figures) for name, figures in self.rounds.items()}

    @property
    def aims(self) -> list[Aim]:
        """Round by round, and of the rounds' ratios the median: that a machine is slower at times favours nobody."""
        few, many = self.rounds.values()
        found = {
            name: statistics.median(more[name] / less[name] for less, more in zip(few, many, strict=True))
            for name in COMPARED
        }
        return [
            Aim(f"{name.replace('_', ' ')}: at most {TOLERANCE} times", f"{ratio:.3f}", ratio <= TOLERANCE)
            for name, ratio in found.items()
        ]


def measure(
    stage: Stage, users: int, mails: int, seconds: float, rounds: int, say: Callable[[str], None]
) -> Outcome:
    """One service on each of two databases of one server; they are loaded in turn, now one and now the other first."""
    stage.probe.query(f"SET GLOBAL innodb_buffer_pool_size = {BUFFER_POOL_MB} * 1024 * 1024")
    stage.probe.query(f"SET GLOBAL innodb_log_file_size = {REDO_LOG_MB} * 1024 * 1024")
    few, many = stage.new_database(), stage.new_database()
    began_at = time.monotonic()
    say(f"Writing {users} users and {mails} mails")
    rows.add_users(few, FEW_USERS, FEW_MAILS)
    rows.add_users(many, users, mails)
    _come_to_rest(stage.probe)
    seconds_to_fill = time.monotonic() - began_at
    say(f"Written, and come to rest, after {seconds_to_fill:.0f} s")
    for url in (few, many):
        rows.postpone_purges(url)
        rows.settle_funnel(url)
    with (
        stage.provider() as provider,
        stage.service(bcrypt_cost=COST, database_url=few, mail_api_url=provider.url) as on_few,
        stage.service(bcrypt_cost=COST, database_url=many, mail_api_url=provider.url) as on_many,
    ):
        services = {f"{FEW_USERS:,} users": on_few, f"{users:,} users, {mails:,} mails": on_many}
        for service in services.values():
            make_journeys(stage, service, provider, CALLERS, WARM_UP_SECONDS)
        measured: dict[str, list[Figures]] = {name: [] for name in services}
        failures = Counter[str]()
        for number, name in enumerate(_in_turn(list(services), rounds)):
            figures, failed = _load(stage, services[name], provider, seconds)
            measured[name].append(figures)
            failures += failed
            took = figures["service_and_database_ms_per_journey"]
            say(f"round {number // 2 + 1} of {rounds}, {name}: {took:.2f} ms")
    return Outcome(measured, failures, seconds_to_fill)


def _in_turn(names: Sequence[str], rounds: int) -> Iterator[str]:
    """There and back: who comes second has no advantage of it."""
    orders = itertools.cycle([names, names[::-1]])
    return itertools.chain.from_iterable(itertools.islice(orders, rounds))


def _load(stage: Stage, service: Service, provider: Provider, seconds: float) -> tuple[Figures, Counter[str]]:
    before = processor_seconds(service.pid), processor_seconds(stage.probe.pid), stage.probe.counts()
    seen: Any = make_journeys(stage, service, provider, CALLERS, seconds)
    counts = stage.probe.counts() - before[2]
    of_service = processor_seconds(service.pid) - before[0]
    of_database = processor_seconds(stage.probe.pid) - before[1]
    journeys = len(seen["journeys_ended_at"])
    if not journeys:
        raise Broken(f"No journey came to its end: {seen['failures']}")
    return {
        "journeys": journeys,
        "service_and_database_ms_per_journey": 1000 * (of_service + of_database) / journeys,
        "service_ms_per_journey": 1000 * of_service / journeys,
        "database_ms_per_journey": 1000 * of_database / journeys,
        "statements_per_journey": counts.statements / journeys,
        "commits_per_journey": counts.commits / journeys,
        "register_p50_ms": percentile(seen["register_ms"], 50),
        "register_p99_ms": percentile(seen["register_ms"], 99),
        "activate_p50_ms": percentile(seen["activate_ms"], 50),
        "activate_p99_ms": percentile(seen["activate_ms"], 99),
    }, Counter(seen["failures"])


def _come_to_rest(probe: DatabaseProbe) -> None:
    """Have what was written in haste brought to the disk, so that no journey pays for it."""
    ((percent, capacity, capacity_max),) = probe.query(
        "SELECT @@innodb_max_dirty_pages_pct, @@innodb_io_capacity, @@innodb_io_capacity_max"
    )
    probe.query("SET GLOBAL innodb_io_capacity_max = 20000")
    probe.query("SET GLOBAL innodb_io_capacity = 20000")
    probe.query("SET GLOBAL innodb_max_dirty_pages_pct = 0")
    deadline = time.monotonic() + REST_SECONDS
    while _dirty_pages(probe) > DIRTY_PAGES:
        if time.monotonic() > deadline:
            raise Broken("The database server does not come to rest.")
        time.sleep(0.5)
    probe.query("SET GLOBAL innodb_max_dirty_pages_pct = %s", percent)
    probe.query("SET GLOBAL innodb_io_capacity = %s", capacity)
    probe.query("SET GLOBAL innodb_io_capacity_max = %s", capacity_max)


def _dirty_pages(probe: DatabaseProbe) -> int:
    ((_, pages),) = probe.query("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'")
    return int(pages)
