from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.adapters.mail.retry_after import LONGEST, parse_retry_after

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value, wait",
    [
        ("0", timedelta(0)),
        ("7", timedelta(seconds=7)),
        (" 120 ", timedelta(minutes=2)),
        ("86400", timedelta(days=1)),
        ("86401", LONGEST),
        ("9" * 5000, LONGEST),
        ("Sun, 22 Nov 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Sunday, 22-Nov-26 12:00:30 GMT", timedelta(seconds=30)),
        ("Sun Nov 22 12:00:30 2026", timedelta(seconds=30)),
        ("Sun, 22 Nov 2026 11:59:00 GMT", timedelta(0)),
        ("Tue, 22 Nov 2033 12:00:00 GMT", LONGEST),
    ],
)
def test_understands_seconds_and_dates(value: str, wait: timedelta) -> None:
    assert parse_retry_after(value, NOW) == wait


@pytest.mark.parametrize(
    "value", [None, "", "soon", "-5", "1.5", "٣", "1e3", "Sun, 99 Nov 2026 12:00:30 GMT"]
)
def test_ignores_what_makes_no_sense(value: str | None) -> None:
    assert parse_retry_after(value, NOW) is None


@given(st.text())
def test_survives_any_text(value: str) -> None:
    wait = parse_retry_after(value, NOW)

    assert wait is None or timedelta(0) <= wait <= LONGEST
