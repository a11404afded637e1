"""A service that does nothing but hash: no journey can cost less, and no more of them fit into a second.

It takes the requests of a journey, hashes for a registration as the service does (in threads that are as nice, one for
each processor), mails a code, and forgets. `python -m bench.ceiling`, until it is told to end.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import bcrypt
import click
import uvloop
from aiohttp import ClientSession, web

from registration.hashing.gate import NICENESS
from tools.addresses import LOOPBACK

PASSWORD = b"the password of everybody: what matters is how long it takes"
MAIL_SESSION = web.AppKey("mail_session", ClientSession)


def application(mail_api_url: str, cost: int) -> web.Application:
    hashes = ThreadPoolExecutor(os.cpu_count(), "hash", initializer=_be_nice)
    mails: set[asyncio.Task[None]] = set()

    async def register(request: web.Request) -> web.Response:
        email = (await request.json())["email"]
        salt = bcrypt.gensalt(cost)
        await asyncio.get_running_loop().run_in_executor(hashes, bcrypt.hashpw, PASSWORD, salt)
        mail = asyncio.create_task(send(request.app[MAIL_SESSION], email))
        mails.add(mail)
        mail.add_done_callback(mails.discard)
        return web.json_response({}, status=202)

    async def send(session: ClientSession, email: str) -> None:
        mail = {"To": [{"Email": email}], "Text": "0000"}
        async with session.post(f"{mail_api_url}/api/v1/send", json=mail) as answer:
            await answer.read()

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({})

    async def session_opened(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession() as app[MAIL_SESSION]:
            yield

    app = web.Application()
    app.cleanup_ctx.append(session_opened)
    app.add_routes(
        [
            web.post("/v1/users", register),
            web.post("/v1/users/activation", answer),
            web.get("/health/live", answer),
        ]
    )
    return app


def _be_nice() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--mail-api-url", required=True)
@click.option("--cost", type=int, required=True)
def main(port: int, mail_api_url: str, cost: int) -> None:
    """Hash for whoever registers."""
    web.run_app(
        application(mail_api_url, cost),
        host=LOOPBACK,
        port=port,
        print=None,
        access_log=None,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main()
