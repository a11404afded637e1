from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(days=1)


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """How long the header `Retry-After` asks to wait: seconds or an HTTP date (RFC 9110, 10.2.3).

    None where it is missing or makes no sense; never negative, never more than a day.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdecimal():
        # More digits than a day's seconds have may be more than `int` takes.
        seconds = int(value) if len(value) <= len("86400") else LONGEST.total_seconds()
        return min(timedelta(seconds=seconds), LONGEST)
    try:
        at = parsedate_to_datetime(value)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return min(max(at - now, timedelta(0)), LONGEST)
    except (ValueError, OverflowError):
        return None
