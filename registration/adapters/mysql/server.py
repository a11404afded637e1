from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Server:
    """Where the database is, and who we are there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    ssl_ca: str | None = None
