import asyncio
import contextlib
import sys

import click

from config.settings import PurgeSettings, load
from registration.adapters.mysql.database import open_database
from registration.adapters.mysql.purge import MySQLPurge

STEPS = 1000
"""Of a progress bar, which goes by time: nobody knows how many rows there are without counting them."""


@click.command("purge")
def command() -> None:
    """Remove what has run out, all of it and now; the service does so every hour, for ten minutes at most.

    That is registrations which for REGISTRATION_RETENTION_DAYS were neither activated nor made anew, mails of that age,
    wrong codes after a year, but for those that lock an address until an operator unlocks it, and after a month how many
    got how far in a minute. It leaves the database at least half of its time, may be stopped at any instant, and may run
    beside others.
    """
    counts = asyncio.run(_purge(load(PurgeSettings)))
    click.echo("removed " + ", ".join(f"{count} {_title(kind)}" for kind, count in counts.items()))


async def _purge(settings: PurgeSettings) -> dict[str, int]:
    """Return how many rows of each kind have been removed; meanwhile show that on a terminal."""
    counts: dict[str, int] = {}
    with contextlib.ExitStack() as bars:
        async with open_database(settings.server, connections=1) as database:
            async for removal in MySQLPurge(database, settings.retention)():
                if removal.kind not in counts:
                    bars.close()
                    bar = bars.enter_context(
                        click.progressbar(
                            range(STEPS),
                            label=f"{_title(removal.kind):14}",
                            item_show_func=lambda count: f"{count or 0} removed",
                            file=sys.stderr,
                            hidden=not sys.stderr.isatty(),
                        )
                    )
                bar.update(int(removal.share * STEPS) - bar.pos, removal.count)
                counts[removal.kind] = removal.count
                await asyncio.sleep(removal.seconds)
    return counts


def _title(kind: str) -> str:
    return kind.replace("_", " ")
