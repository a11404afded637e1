"""The figures of the status page besides the funnel, in words."""

import platform
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from registration.admin.alerts import Section, anchor
from registration.admin.figures import Figures, ProviderState
from registration.admin.words import UNKNOWN, chance, duration, number
from registration.domain.guess_chance import GuessChance
from registration.overview import WAITING_LIMIT
from registration.version import VERSION

Scope = Literal["all replicas", "this process", "settings"]

MEBIBYTE = 2**20
NOTHING_YET = "none yet"


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    value: str
    note: str = ""
    about: Collection[str] = ()
    """The anchors of the alerts that this figure gives rise to."""


@dataclass(frozen=True, slots=True)
class Card:
    title: str
    scope: Scope
    rows: Sequence[Row]


def cards(figures: Figures, chances: GuessChance) -> Sequence[Card]:
    return [
        _waiting(figures),
        *(_provider(provider, figures) for provider in figures.process.providers),
        _hashing(figures),
        _database(figures),
        _housekeeping(figures),
        _process(figures),
        _guessing(chances),
    ]


def _waiting(figures: Figures) -> Card:
    backlog = figures.backlog
    reasons = () if figures.overview is None else figures.overview.waiting
    mails = UNKNOWN if backlog is None else number(backlog.mails)
    oldest = duration(backlog.oldest_age) if backlog is not None and backlog.mails else UNKNOWN
    looked_at = sum(waiting.mails for waiting in reasons)
    due_later = 0 if backlog is None or looked_at < WAITING_LIMIT else backlog.mails - looked_at
    return Card(
        "Mails to be sent",
        "all replicas",
        [
            Row("Waiting or on the wire", mails),
            Row("Oldest", oldest, about=[anchor(Section.MAILS_LATE), anchor(Section.MAILS_STUCK)]),
            *(
                Row(f"… “{waiting.reason}”" if waiting.reason else "… not tried yet", number(waiting.mails))
                for waiting in reasons
            ),
            *([Row("… due later", number(due_later))] if due_later > 0 else []),
        ],
    )


def _provider(provider: ProviderState, figures: Figures) -> Card:
    outcomes = figures.metrics.by("outcome", "registration_mail_attempts_total", provider=provider.name)
    if provider.breaker_is_open:
        wait = provider.next_attempt_in
        breaker, note = "open", f"a probe in {duration(wait)}" if wait else "a probe asks now"
    else:
        breaker, note = "closed", "no success of late" if provider.is_down else ""
    failure = provider.last_failure
    return Card(
        f"Mail provider {provider.name}",
        "this process",
        [
            Row(
                "Breaker",
                breaker,
                note,
                [
                    anchor(Section.ALL_PROVIDERS_DOWN),
                    anchor(Section.PROVIDER_BREAKER_OPEN, provider.name),
                ],
            ),
            Row("Attempts since the start", number(sum(outcomes.values()))),
            *(Row(f"… {outcome}", number(count)) for outcome, count in outcomes.items() if count),
            Row(
                "Last failure",
                NOTHING_YET if failure is None else failure.reason,
                "" if failure is None else f"{failure.verdict.value}, {duration(failure.ago)} ago",
                [
                    anchor(Section.PROVIDER_REFUSES, provider.name),
                    anchor(Section.MESSAGES_REJECTED, provider.name),
                ],
            ),
        ],
    )


def _hashing(figures: Figures) -> Card:
    metrics, process, pace = figures.metrics, figures.process, figures.pace
    urgent = metrics.value("registration_hashes_waiting", queue="urgent")
    others = metrics.value("registration_hashes_waiting", queue="others")
    running = metrics.value("registration_hashes_running")
    since = process.since_hash_refused
    within = f"in the last {duration(pace.within)}"
    return Card(
        "Password hashing",
        "this process",
        [
            Row("Running", f"{number(running)} of {number(process.hash_threads)}"),
            Row(
                "Waiting", number(urgent + others), f"{number(urgent)} of them activations" if urgent else ""
            ),
            Row(
                "Refused since the start",
                number(metrics.value("registration_hashes_refused_total")),
                "" if since is None else f"the last {duration(since)} ago",
                [anchor(Section.HASHING_OVERLOADED)],
            ),
            Row(
                "A hash takes",
                duration(timedelta(seconds=pace.seconds_a_hash)) if pace.hashes else UNKNOWN,
                within,
            ),
            Row("Hashes a second", f"{pace.hashes_a_second:.1f}", within),
        ],
    )


def _database(figures: Figures) -> Card:
    metrics = figures.metrics
    used, idle = (
        number(metrics.value("registration_database_connections", state=state)) for state in ("used", "idle")
    )
    retries = metrics.by("reason", "registration_database_retries_total")
    limit = number(metrics.value("registration_database_connections_limit"))
    return Card(
        "Database",
        "this process",
        [
            Row("Answers", "no" if figures.backlog is None else "yes", about=[anchor(Section.DATABASE_DOWN)]),
            Row("Connections", f"{used} used, {idle} idle", f"of {limit}"),
            Row(
                "Waiting for one",
                number(metrics.value("registration_database_waiting")),
                about=[anchor(Section.CONNECTIONS_EXHAUSTED)],
            ),
            Row("Begun again since the start", number(sum(retries.values()))),
            *(Row(f"… {reason}", number(count)) for reason, count in retries.items() if count),
            Row("Given up since the start", number(metrics.value("registration_database_unavailable_total"))),
        ],
    )


def _housekeeping(figures: Figures) -> Card:
    overdue = figures.overdue
    value = f"by {duration(overdue)}" if overdue else UNKNOWN if overdue is None else "nothing"
    return Card(
        "Housekeeping",
        "all replicas",
        [Row("Past its retention", value, "removed every hour", [anchor(Section.PURGE_OVERDUE)])],
    )


def _process(figures: Figures) -> Card:
    memory = figures.metrics.value("process_resident_memory_bytes")
    return Card(
        "Process",
        "this process",
        [
            Row("Version", VERSION, f"Python {platform.python_version()}"),
            Row("Up for", duration(figures.uptime)),
            Row("Memory", f"{number(memory / MEBIBYTE)} MiB" if memory else UNKNOWN),
        ],
    )


def _guessing(chances: GuessChance) -> Card:
    return Card(
        "Chance to guess a code",
        "settings",
        [
            Row("At one address, a day", chance(chances.per_day)),
            Row("At one address, a year", chance(chances.per_year)),
            Row("At all +tags of a mailbox, a day", chance(chances.mailbox_per_day)),
        ],
    )
