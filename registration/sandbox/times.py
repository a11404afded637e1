from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def rfc3339(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
