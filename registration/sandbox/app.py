import asyncio

from aiohttp import web

from registration.sandbox.attempts import Attempts
from registration.sandbox.console import Tell, print_line
from registration.sandbox.control_api import ControlApi
from registration.sandbox.faults import Dice
from registration.sandbox.inbox import Inbox
from registration.sandbox.mailbox import CAPACITY, Mailbox
from registration.sandbox.mailpit_api import MailpitApi

LARGEST_MAIL_BYTES = 1024 * 1024


def create_sandbox(tell: Tell = print_line, *, capacity: int = CAPACITY) -> web.Application:
    """The sandbox as an application; `tell` gets a line about each mail that is handed in."""
    mailbox, attempts, dice, stopping = Mailbox(capacity), Attempts(), Dice(), asyncio.Event()
    app = web.Application(client_max_size=LARGEST_MAIL_BYTES)
    app.add_routes(MailpitApi(mailbox, attempts, dice, tell, stopping).routes())
    app.add_routes(ControlApi(dice, attempts).routes())
    app.add_routes(Inbox(mailbox, stopping).routes())
    app.on_response_prepare.append(_harden)

    async def stop(_: web.Application) -> None:
        stopping.set()
        mailbox.announce()

    app.on_shutdown.append(stop)
    return app


async def _harden(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
