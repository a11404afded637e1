"""What is wrong, the most important first, and what to do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from registration.admin.figures import Figures, ProviderState
from registration.admin.words import duration, number, share
from registration.overview import total
from registration.ports import Verdict

LATE, STUCK = timedelta(seconds=60), timedelta(seconds=300)
OVERLOADED_FOR = timedelta(seconds=60)
"""After the last refusal."""

OVERDUE = timedelta(hours=3)
"""A purge an hour, ten minutes each, and one that failed."""

REFUSES_FOR = timedelta(minutes=5)
FAILING_SHARE, FAILING_COUNT = 0.1, 5
COLLAPSED_SHARE, COLLAPSED_COUNT = 0.5, 20
UNUSED_SHARE, UNUSED_COUNT = 0.5, 50


class Section(StrEnum):
    """The sections of docs/operations.md, by their anchors, as config/prometheus/alerts.yml has them."""

    DATABASE_DOWN = "database-down"
    ALL_PROVIDERS_DOWN = "all-providers-down"
    MAILS_STUCK = "mails-stuck"
    MAILS_LATE = "mails-late"
    HASHING_OVERLOADED = "hashing-overloaded"
    PROVIDER_REFUSES = "provider-refuses"
    MESSAGES_REJECTED = "messages-rejected"
    PROVIDER_BREAKER_OPEN = "provider-breaker-open"
    MAILS_FAILING = "mails-failing"
    CONNECTIONS_EXHAUSTED = "database-connections-exhausted"
    PURGE_OVERDUE = "purge-overdue"
    ACTIVATIONS_COLLAPSED = "activations-collapsed"
    MANY_EXPIRED_UNUSED = "many-expired-unused"


class Severity(StrEnum):
    DOWN = "down"
    """Somebody suffers now."""
    CARE = "care"
    """Somebody will, or few do."""
    NOTE = "note"


def anchor(section: Section | None, provider: str | None = None) -> str:
    """What the alert is called within the page."""
    return "-".join(["alert", *filter(None, [section, provider])])


@dataclass(frozen=True, slots=True)
class Alert:
    severity: Severity
    title: str
    what: str
    advice: str
    section: Section | None = None
    provider: str | None = None
    """If it is about one of them."""

    @property
    def anchor(self) -> str:
        return anchor(self.section, self.provider)


def alerts(figures: Figures) -> Sequence[Alert]:
    """Return what is wrong, the most important first; nothing if all is well."""
    return [
        *_database_down(figures),
        *_all_providers_down(figures),
        *_mails_late(figures),
        *_hashing_overloaded(figures),
        *_stopping(figures),
        *_providers_in_trouble(figures),
        *_mails_failing(figures),
        *_connections_exhausted(figures),
        *_few_activate(figures),
        *_purge_overdue(figures),
    ]


def _database_down(figures: Figures) -> Iterator[Alert]:
    if figures.backlog is None:
        yield Alert(
            Severity.DOWN,
            "Database down",
            "It has not answered this process within a second. Nobody can register, activate or sign in.",
            "See whether the server runs and can be reached. What was promised is kept, and goes on by itself.",
            Section.DATABASE_DOWN,
        )


def _all_providers_down(figures: Figures) -> Iterator[Alert]:
    if all(provider.is_down for provider in figures.process.providers):
        names = ", ".join(provider.name for provider in figures.process.providers)
        yield Alert(
            Severity.DOWN,
            "Mail provider down",
            f"Nobody gets a code from this process: no mails are taken by {names}. Registrations are still accepted, "
            "and mails tried for ten minutes.",
            "Look at the last failure below and at the provider's own status page.",
            Section.ALL_PROVIDERS_DOWN,
        )


def _mails_late(figures: Figures) -> Iterator[Alert]:
    if figures.backlog is None or figures.backlog.oldest_age <= LATE:
        return
    age, mails = figures.backlog.oldest_age, figures.backlog.mails
    yield Alert(
        Severity.DOWN,
        "Mails are late",
        f"The oldest of {number(mails)} unsent mails is {duration(age)} old. At ten minutes mails are given up.",
        "See below for what they wait. Once the cause is gone, “mails retry --all” makes them due now.",
        Section.MAILS_STUCK if age > STUCK else Section.MAILS_LATE,
    )


def _hashing_overloaded(figures: Figures) -> Iterator[Alert]:
    since = figures.process.since_hash_refused
    if since is not None and since <= OVERLOADED_FOR:
        yield Alert(
            Severity.DOWN,
            "Hashing overloaded",
            f"More passwords come than this process can hash. The last caller was turned away {duration(since)} ago.",
            "Add replicas or processors. If the log shows one client behind it, somebody is trying passwords.",
            Section.HASHING_OVERLOADED,
        )


def _stopping(figures: Figures) -> Iterator[Alert]:
    if figures.process.is_stopping:
        yield Alert(
            Severity.NOTE,
            "Stopping",
            "This process was told to stop. It ends what it has begun and is gone within ten seconds.",
            "Nothing is to be done. What it does not finish another process takes over.",
        )


def _providers_in_trouble(figures: Figures) -> Iterator[Alert]:
    for provider in figures.process.providers:
        if _lately(provider, Verdict.PROVIDER_REFUSED):
            yield Alert(
                Severity.CARE,
                f"{provider.name} refuses us",
                "It takes no mails from this account, whoever they are for.",
                "The key, the account or the sender has to be mended there or in the settings.",
                Section.PROVIDER_REFUSES,
                provider.name,
            )
        if _lately(provider, Verdict.MESSAGE_REJECTED):
            yield Alert(
                Severity.CARE,
                f"{provider.name} rejects mails",
                "It refuses them as they are, whoever they are for, so they have failed for good.",
                "That is a fault of ours, or of the templates in use: see the reason below.",
                Section.MESSAGES_REJECTED,
                provider.name,
            )
        if provider.is_down and not all(other.is_down for other in figures.process.providers):
            yield Alert(
                Severity.CARE,
                f"{provider.name} is down",
                "It takes no mails from this process. The other providers get them meanwhile.",
                "Look at its last failure below and at its own status page.",
                Section.PROVIDER_BREAKER_OPEN,
                provider.name,
            )


def _lately(provider: ProviderState, verdict: Verdict) -> bool:
    failure = provider.last_failure
    return failure is not None and failure.verdict is verdict and failure.ago <= REFUSES_FOR


def _mails_failing(figures: Figures) -> Iterator[Alert]:
    if figures.overview is None:
        return
    failed = sum(cohort.counts.failed for cohort in figures.overview.minutes)
    ended = failed + sum(cohort.counts.accepted for cohort in figures.overview.minutes)
    if failed > FAILING_COUNT and failed > FAILING_SHARE * ended:
        yield Alert(
            Severity.CARE,
            "Mails fail",
            f"{number(failed)} mails of the last hour were given up, {share(failed, ended)} of those that ended.",
            "See the reasons below. Their people have no code, and may ask for another.",
            Section.MAILS_FAILING,
        )


def _connections_exhausted(figures: Figures) -> Iterator[Alert]:
    waiting = figures.metrics.value("registration_database_waiting")
    if waiting:
        yield Alert(
            Severity.CARE,
            "No database connection is free",
            f"{number(waiting)} pieces of work of this process wait for one.",
            "For a moment that is well. If it stays, statements are slow, or the replicas too few.",
            Section.CONNECTIONS_EXHAUSTED,
        )


def _purge_overdue(figures: Figures) -> Iterator[Alert]:
    if figures.overdue is not None and figures.overdue > OVERDUE:
        yield Alert(
            Severity.CARE,
            "Old data is not removed",
            f"Registrations or mails should have been gone {duration(figures.overdue)} ago. Nobody waits for that, but "
            "addresses are kept for longer than they should be.",
            "“python -m registration purge” removes them now, or says what is in its way.",
            Section.PURGE_OVERDUE,
        )


def _few_activate(figures: Figures) -> Iterator[Alert]:
    if figures.overview is None:
        return
    hour, day = total(figures.overview.minutes), total(figures.overview.half_hours)
    usual = day.activated / day.registered if day.registered else 0
    if hour.registered > COLLAPSED_COUNT and hour.activated < COLLAPSED_SHARE * usual * hour.registered:
        yield Alert(
            Severity.CARE,
            "Few activate",
            f"Only {share(hour.activated, hour.registered)} of the last hour's registrations, against "
            f"{share(day.activated, day.registered)} of the last day's.",
            "If mails are accepted and codes are not used, they may not arrive: ask the provider about bounces and spam.",
            Section.ACTIVATIONS_COLLAPSED,
        )
    elif day.unused > UNUSED_COUNT and day.unused > UNUSED_SHARE * day.registered:
        yield Alert(
            Severity.CARE,
            "Many leave without a user",
            f"{share(day.unused, day.registered)} of the last day's registrations expired unused.",
            "Mails may not arrive, or arrive too late, or somebody registers addresses of others.",
            Section.MANY_EXPIRED_UNUSED,
        )
