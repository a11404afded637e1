from urllib.parse import urlsplit

import click
from pydantic import Field

from config.settings import ListenSettings, load
from registration.sandbox.app import ServedFor
from registration.sandbox.server import run_sandbox

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - nothing is bound
"""Where a service is found that listens on every address."""


class _ServiceBesideUs(ListenSettings):
    """The service's own settings, which `make run` and most shells have set for both."""

    code_ttl_seconds: int = Field(60, ge=1, le=600)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{EVERYWHERE.get(self.host, host)}:{self.port}"


def _checked(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    if url is not None and not _is_web_address(url):
        raise click.BadParameter("must be http:// or https:// and a host, with its port if need be")
    return url


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8025, show_default=True)
@click.option(
    "--service-url",
    callback=_checked,
    help="Where the page's form finds the service.  [default: by REGISTRATION_HOST and REGISTRATION_PORT, "
    "http://127.0.0.1:8000]",
)
def command(host: str, port: int, service_url: str | None) -> None:
    """Stand in for the mail provider: Mailpit's API, and an inbox page that shows what is sent."""
    service = load(_ServiceBesideUs)
    url = (service_url or service.url).rstrip("/")
    run_sandbox(host, port, ServedFor(url, service.code_ttl_seconds))
