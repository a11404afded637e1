"""The command line, one file a command; a command's imports are made when it is called, so here are none."""

import importlib
import sys
from typing import ClassVar, NoReturn

import click


class _Commands(click.Group):
    """Finds each command in the module of its name."""

    summaries: ClassVar = {
        "serve": "Answer requests and send mails.",
        "migrate": "Bring the database's tables up to date.",
        "check": "Try beforehand all that `serve` needs.",
        "sandbox": "Stand in for the mail provider, with an inbox page.",
        "fixtures": "Put sample registrations and users into a development database.",
        "mails": "See what is queued or failed and why, and send it again.",
        "users": "See what is known of an address, erase its user, unlock it.",
        "purge": "Remove old registrations, mails and wrong codes.",
        "rekey": "Wrap the data keys with the first secret key.",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        if cmd_name not in self.summaries:
            return None
        command: click.Command = importlib.import_module(f"registration.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - likewise
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))


@click.command(cls=_Commands)
def commands() -> None:
    """Registers users by e-mail address, password and a code that is mailed to them."""
    from registration.observability.logs import configure_logging  # noqa: PLC0415 - `--help` logs nothing

    configure_logging("console", "error")


def main() -> None:
    """Run the command that the arguments name. Faults are one line each on standard error, and a status that is not 0."""
    try:
        sys.exit(commands.main(standalone_mode=False))
    except click.ClickException as error:
        _fail(error.exit_code, error.format_message())
    except (click.Abort, KeyboardInterrupt):
        _fail(130, "Stopped.")
    except Exception as error:
        lines = _explain(error)
        if not lines:
            raise
        _fail(1, *lines)


def _explain(error: Exception) -> list[str]:
    """What an operator can do about it, a line for each fault; nothing if it is a fault of ours."""
    from config.settings import SettingsError  # noqa: PLC0415 - slow, and it has been imported if it was raised
    from registration.adapters.faults import explain  # noqa: PLC0415 - likewise

    if isinstance(error, SettingsError):
        return error.lines
    line = explain(error)
    return [line] if line else []


def _fail(status: int, *lines: str) -> NoReturn:
    for line in lines:
        click.echo(line, err=True)
    sys.exit(status)
