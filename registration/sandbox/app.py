import asyncio
from dataclasses import dataclass

from aiohttp import web

from registration.sandbox.attempts import Attempts
from registration.sandbox.changes import Changes
from registration.sandbox.console import Tell, print_line
from registration.sandbox.control_api import ControlApi
from registration.sandbox.events import Events
from registration.sandbox.faults import Dice
from registration.sandbox.inbox import Inbox
from registration.sandbox.mailbox import CAPACITY, Mailbox
from registration.sandbox.mailpit_api import MailpitApi
from registration.sandbox.page_origin import refuse_other_sites
from registration.sandbox.service_api import ServiceApi

LARGEST_MAIL_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServedFor:
    """What the page has to know of the service whose mails it shows."""

    service_url: str = "http://127.0.0.1:8000"
    code_ttl_seconds: int = 60


def create_sandbox(
    tell: Tell = print_line, served_for: ServedFor | None = None, *, capacity: int = CAPACITY
) -> web.Application:
    """The sandbox as an application; `tell` gets a line about each mail that is handed in."""
    served_for = served_for or ServedFor()
    changes, attempts, stopping = Changes(), Attempts(), asyncio.Event()
    mailbox, dice = Mailbox(changes, capacity), Dice(changes)
    service = ServiceApi(served_for.service_url)
    app = web.Application(client_max_size=LARGEST_MAIL_BYTES, middlewares=[refuse_other_sites])
    app.add_routes(MailpitApi(mailbox, attempts, dice, tell, stopping).routes())
    app.add_routes(ControlApi(dice, attempts).routes())
    app.add_routes(Inbox(mailbox, attempts).routes())
    app.add_routes(Events(mailbox, dice, changes, stopping, served_for.code_ttl_seconds).routes())
    app.add_routes(service.routes())
    app.cleanup_ctx.append(service.lifespan)
    app.on_response_prepare.append(_harden)

    async def stop(_: web.Application) -> None:
        stopping.set()
        changes.announce()

    app.on_shutdown.append(stop)
    return app


async def _harden(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    # A page of the version before would not understand the events of this one.
    response.headers.setdefault("Cache-Control", "no-cache")
