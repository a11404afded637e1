import click

from registration.sandbox.server import run_sandbox


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8025, show_default=True)
def command(host: str, port: int) -> None:
    """Stand in for the mail provider: Mailpit's API, and an inbox page that shows what is sent."""
    run_sandbox(host, port)
