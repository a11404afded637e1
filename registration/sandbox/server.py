import asyncio
import errno
import signal

from aiohttp import web

from registration.sandbox.app import ServedFor, create_sandbox
from registration.sandbox.console import Tell, print_line

SHUTDOWN_SECONDS = 2


class CannotListen(Exception):
    """The sandbox cannot listen where it was told to; the message says where and why."""


def run_sandbox(host: str, port: int, served_for: ServedFor | None = None) -> None:
    """Serve until SIGINT or SIGTERM; ends the program with one line where it cannot."""
    try:
        asyncio.run(serve_sandbox(host, port, served_for))
    except CannotListen as error:
        raise SystemExit(str(error)) from None


async def serve_sandbox(
    host: str, port: int, served_for: ServedFor | None = None, tell: Tell = print_line
) -> None:
    """Serve until SIGINT or SIGTERM. Raises CannotListen."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    app = create_sandbox(tell, served_for)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        tell(f"Inbox: {_url(runner)}")
        await stopped.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        why = "is already taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise CannotListen(f"port {port} of {host} {why}; choose another with --port or --host") from error


def _url(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
