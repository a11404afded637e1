"""README and config/example.env name every setting and every command that there is, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from config import settings
from config.settings import PREFIX, SHARED_SETTINGS, ProvidersOwnSettings, Settings
from registration.adapters.mail.providers import PROVIDERS
from registration.cli import commands

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLE = (ROOT / "config" / "example.env").read_text("utf-8")

OF_EACH_PROVIDER = {f"MAIL_<PROVIDER>_{setting.upper()}" for setting in SHARED_SETTINGS}


def all_settings() -> set[str]:
    """As they are called, without what they all begin with; those that each provider has are called by it."""
    fields = {name for group in groups() if group is not ProvidersOwnSettings for name in group.model_fields}
    options = {f"mail_{name}_{option}" for name, kind in PROVIDERS.items() for option in kind.options}
    return {name.upper() for name in fields | options} | OF_EACH_PROVIDER


def groups() -> list[type[Settings]]:
    return [each for each in vars(settings).values() if isinstance(each, type) and issubclass(each, Settings)]


def chapter(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(text: str) -> Iterator[str]:
    """Of the rows of its table."""
    for line in text.partition("\n|---")[2].splitlines():
        if line.startswith("| `"):
            yield line.split(" | ")[0]


def all_commands() -> set[str]:
    """As they are typed behind `python -m registration`; those of a group without the group."""
    context = click.Context(commands)
    names = {name: commands.get_command(context, name) for name in commands.list_commands(context)}
    return {
        f"{name} {inner}".strip()
        for name, command in names.items()
        for inner in (command.commands if isinstance(command, click.Group) else [""])
    }


class TestSettings:
    def test_in_the_readme_are_those_that_there_are(self) -> None:
        table = {name for cell in first_cells(chapter("Settings")) for name in re.findall(r"[A-Z_]+", cell)}
        told_of_providers = re.findall(r"`(MAIL_[A-Z_<>]+)", chapter("Settings") + chapter("Mail providers"))
        of_providers = {general(name) for name in told_of_providers}

        assert table <= all_settings()
        assert of_providers <= all_settings()
        assert all_settings() - table - of_providers == set()

    def test_in_the_example_are_those_that_there_are(self) -> None:
        names = re.findall(rf"^(?:# )?{PREFIX}([A-Z_]+)=", EXAMPLE, re.MULTILINE)

        assert len(set(names)) == len(names)
        assert {general(name) for name in names} == all_settings()


def general(name: str) -> str:
    """`MAIL_SES_API_KEY` is the MAIL_<PROVIDER>_API_KEY of one."""
    return re.sub(rf"MAIL_(?:{'|'.join(PROVIDERS).upper()})_(API_URL|API_KEY)", r"MAIL_<PROVIDER>_\1", name)


class TestCommands:
    def test_in_the_readme_are_those_that_there_are(self) -> None:
        named = {
            re.match(r"[a-z]+(?: [a-z]+)?", usage)[0]  # type: ignore[index] # it begins so
            for cell in first_cells(chapter("Command line"))
            for usage in re.findall(r"`([a-z][^`]*)`", cell)
        }

        assert named == all_commands()
