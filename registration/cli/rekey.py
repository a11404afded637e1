import asyncio

import click

from config.settings import KeySettings, load
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import open_database


@click.command("rekey")
@click.option(
    "--new-data-keys", is_flag=True, help="Also make new keys for codes and passwords, after a leak."
)
def command(*, new_data_keys: bool) -> None:
    """Wrap the data keys with the first of REGISTRATION_SECRET_KEY; the others may be removed afterwards.

    No password, code or count changes.
    """
    count = asyncio.run(_rekey(load(KeySettings), new_data_keys=new_data_keys))
    click.echo(f"{count} data keys are wrapped with the first secret key.")


async def _rekey(settings: KeySettings, *, new_data_keys: bool) -> int:
    async with open_database(settings.server) as database:
        keys = await load_keys(database, settings.secret_keys)
        if new_data_keys:
            await keys.renew()
        return await keys.rewrap()
