"""Figures in words, for people."""

from datetime import datetime, timedelta

NARROW_SPACE = "\u202f"
UNKNOWN = "\N{EN DASH}"

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(length: timedelta) -> str:
    """In its largest unit and the next, as in `2 h 5 min`; under ten seconds with a decimal, under one in thousandths."""
    seconds = length.total_seconds()
    if 0 < seconds < 0.9995:  # noqa: PLR2004 - it is 1.0 s once rounded
        return f"{1000 * seconds:.0f}{NARROW_SPACE}ms"
    if seconds < 9.95:  # noqa: PLR2004 - it is 10 s once rounded
        return f"{seconds:.1f}{NARROW_SPACE}s"
    left = round(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        if left >= size and len(parts) < 2:  # noqa: PLR2004 - two units say enough
            parts.append(f"{left // size}{NARROW_SPACE}{unit}")
        elif parts:
            break
        left %= size
    return " ".join(parts)


def number(count: float) -> str:
    """With a narrow space between thousands."""
    return f"{int(count):,}".replace(",", NARROW_SPACE)


def share(part: int, whole: int) -> str:
    """As a percentage; rounded, but 0 and 100 only where it is that exactly."""
    if not whole:
        return UNKNOWN
    percent = 100 * part / whole
    if 0 < percent < 1:
        return f"<{NARROW_SPACE}1{NARROW_SPACE}%"
    if 99 < percent < 100:  # noqa: PLR2004 - per cent
        return f">{NARROW_SPACE}99{NARROW_SPACE}%"
    return f"{percent:.0f}{NARROW_SPACE}%"


def chance(probability: float) -> str:
    """As a percentage of three digits."""
    return f"{100 * probability:.3g}{NARROW_SPACE}%"


def clock(instant: datetime) -> str:
    return f"{instant:%H:%M:%S}"


def hour_and_minute(instant: datetime) -> str:
    return f"{instant:%H:%M}"
