from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.samples import Sample

from registration.admin.alerts import FAILING_COUNT, Alert, Section, Severity, alerts
from registration.admin.figures import Figures, ProviderFailure
from registration.overview import MINUTE, Cohort, Counts, Overview
from registration.ports import Backlog, Verdict
from tests.private_database import ROOT
from tests.unit.admin.states import DOWN, NOW, QUIET, REFUSED, WELL, figures

WAITING = Sample("registration_database_waiting", {}, 3)


def titles(told: Sequence[Alert]) -> list[str]:
    return [alert.title for alert in told]


def overview(hour: Counts, day: Counts | None = None) -> Overview:
    return Overview(
        NOW,
        [Cohort(NOW - 30 * MINUTE, hour)],
        [Cohort(NOW - 30 * MINUTE, day or hour)],
        waiting=[],
        failed=[],
    )


def oldest(seconds: float) -> Figures:
    return figures(backlog=Backlog(7, timedelta(seconds=seconds)))


def refused_hash(ago: float) -> Figures:
    return figures(process=replace(QUIET, since_hash_refused=timedelta(seconds=ago)))


def provider_said(verdict: Verdict, ago: timedelta) -> Figures:
    provider = replace(WELL, last_failure=ProviderFailure(verdict, "a reason", ago))
    return figures(process=replace(QUIET, providers=[provider]))


def mails(failed: int, accepted: int) -> Figures:
    return figures(overview=overview(Counts(failed=failed, accepted=accepted)))


def activated(of_21_in_the_hour: int, of_100_in_the_day: int) -> Figures:
    return figures(
        overview=overview(Counts(21, activated=of_21_in_the_hour), Counts(100, activated=of_100_in_the_day))
    )


def left(unused: int, registered: int) -> Figures:
    return figures(overview=overview(Counts(), Counts(registered, unused=unused)))


@pytest.mark.parametrize(
    "state",
    [
        figures(),
        oldest(60),
        refused_hash(61),
        provider_said(Verdict.PROVIDER_REFUSED, timedelta(minutes=6)),
        provider_said(Verdict.MESSAGE_REJECTED, timedelta(minutes=6)),
        provider_said(Verdict.RETRY, timedelta()),
        mails(FAILING_COUNT, 0),
        mails(10, 90),
        activated(9, 80),
        activated(0, 0),
        figures(overview=overview(Counts(20), Counts(20, activated=20))),
        left(50, 60),
        left(51, 102),
        figures(overdue=timedelta(hours=3)),
        figures(overdue=None),
    ],
)
def test_all_is_well_up_to_a_point(state: Figures) -> None:
    assert alerts(state) == []


@pytest.mark.parametrize(
    "state, title, section",
    [
        (figures(backlog=None), "Database down", "database-down"),
        (figures(process=replace(QUIET, providers=[DOWN])), "Mail provider down", "all-providers-down"),
        (oldest(60.1), "Mails are late", "mails-late"),
        (oldest(300.1), "Mails are late", "mails-stuck"),
        (refused_hash(60), "Hashing overloaded", "hashing-overloaded"),
        (figures(process=replace(QUIET, is_stopping=True)), "Stopping", None),
        (
            provider_said(Verdict.PROVIDER_REFUSED, timedelta(minutes=5)),
            "postmark refuses us",
            "provider-refuses",
        ),
        (provider_said(Verdict.MESSAGE_REJECTED, timedelta()), "postmark rejects mails", "messages-rejected"),
        (figures(process=replace(QUIET, providers=[WELL, DOWN])), "ses is down", "provider-breaker-open"),
        (mails(11, 89), "Mails fail", "mails-failing"),
        (figures(metrics=[WAITING]), "No database connection is free", "database-connections-exhausted"),
        (activated(8, 80), "Few activate", "activations-collapsed"),
        (left(52, 102), "Many leave without a user", "many-expired-unused"),
        (figures(overdue=timedelta(hours=3, seconds=1)), "Old data is not removed", "purge-overdue"),
    ],
)
def test_what_is_wrong_is_named_with_where_to_read_on(
    state: Figures, title: str, section: str | None
) -> None:
    (alert,) = alerts(state)
    assert (alert.title, alert.section) == (title, section)


def test_the_most_important_comes_first() -> None:
    providers = [REFUSED, DOWN]
    everything = figures(
        backlog=None,
        overview=overview(Counts(failed=50), Counts(100, unused=100)),
        process=replace(
            QUIET, providers=providers, since_hash_refused=timedelta(seconds=1), is_stopping=True
        ),
        metrics=[WAITING],
        overdue=timedelta(days=1),
    )

    assert titles(alerts(everything)) == [
        "Database down",
        "Mail provider down",
        "Hashing overloaded",
        "Stopping",
        "postmark refuses us",
        "Mails fail",
        "No database connection is free",
        "Many leave without a user",
        "Old data is not removed",
    ]
    late = replace(everything, backlog=Backlog(7, timedelta(minutes=2)))
    assert titles(alerts(late))[:2] == ["Mail provider down", "Mails are late"]


def test_what_is_not_settled_is_no_reason_for_an_alarm() -> None:
    many_may_still_activate = Cohort(NOW, Counts(1000, unused=1000), is_settled=False)
    usual = Cohort(NOW - 60 * MINUTE, Counts(100, activated=90))
    state = figures(
        overview=Overview(NOW, [many_may_still_activate], [usual, many_may_still_activate], [], [])
    )
    assert alerts(state) == []


def test_alerts_about_two_providers_have_two_names() -> None:
    refusing = [REFUSED, replace(REFUSED, name="ses")]
    told = alerts(figures(process=replace(QUIET, providers=refusing)))
    assert [alert.anchor for alert in told] == [
        "alert-all-providers-down",
        "alert-provider-refuses-postmark",
        "alert-provider-refuses-ses",
    ]


def test_where_to_read_on_is_where_the_alerts_of_prometheus_lead_to() -> None:
    rules = (ROOT / "config" / "prometheus" / "alerts.yml").read_text("utf-8")
    assert [section for section in Section if f'docs/operations.md#{section}"' not in rules] == []


def test_a_note_is_not_an_alarm() -> None:
    (alert,) = alerts(figures(process=replace(QUIET, is_stopping=True)))
    assert alert.severity is Severity.NOTE
