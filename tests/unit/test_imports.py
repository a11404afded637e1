"""What a command does not need it does not import: most commands are to answer at once."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WEB = {"fastapi", "starlette", "uvicorn", "httptools"}
SENDING = {"aiohttp"}
OF_SERVE = {*WEB, *SENDING, "limits", "opentelemetry", "pyee", "registration.bootstrap"}

PROGRAM = """
import sys
from registration.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def imported_by(*arguments: str) -> set[str]:
    """The modules, and the packages that they are in, that the command has imported when it has explained itself."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("Usage:")
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "command, not_needed",
    [
        ("", {*OF_SERVE, "asyncio", "config.settings", "pydantic", "pymysql", "structlog"}),
        ("migrate", {*OF_SERVE, "jinja2", "prometheus_client"}),
        ("purge", {*OF_SERVE, "jinja2"}),
        ("rekey", {*OF_SERVE, "jinja2"}),
        ("mails", {*OF_SERVE, "jinja2"}),
        ("users", OF_SERVE),
        ("fixtures", OF_SERVE),
        ("sandbox", {*WEB, "limits", "opentelemetry", "pymysql", "registration.bootstrap"}),
        ("check", {"fastapi", "opentelemetry", "pyee", "redis", "registration.bootstrap"}),
        ("serve", {"redis", "opentelemetry.sdk", "registration.sandbox"}),
    ],
)
def test_a_command_imports_nothing_that_it_does_not_need(command: str, not_needed: set[str]) -> None:
    assert imported_by(*command.split()) & not_needed == set()


def test_what_is_not_needed_elsewhere_is_what_serve_imports() -> None:
    assert imported_by("serve") >= OF_SERVE
