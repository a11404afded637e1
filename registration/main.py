from functools import partial

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.settings import ServiceSettings, load
from registration.adapters.faults import explain
from registration.admin.server import CannotListen
from registration.api.app import create_api
from registration.bootstrap import open_services
from registration.observability.logs import configure_logging
from registration.stopping import Stopping


def create_app(
    settings: ServiceSettings | None = None, stopping: Stopping | None = None, hash_threads: int | None = None
) -> FastAPI:
    """Return the service as the settings, or else the environment, want it; everything is opened when it starts.

    Raises SettingsError with every fault of the environment.
    """
    settings = settings or load(ServiceSettings)
    configure_logging(settings.log_format, settings.log_level)
    app = create_api(
        partial(open_services, settings, stopping or Stopping(), hash_threads), settings.allowed_origins
    )
    app.add_middleware(_ToldInOneLine)
    return app


class _ToldInOneLine:
    """What keeps the service from starting is told the server in a line, where an operator can do something about it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        failed: list[Message] = []

        async def send_but_failures(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                failed.append(message)
            else:
                await send(message)

        try:
            await self.app(scope, receive, send_but_failures)
        except BaseException as error:
            for message in failed:
                await send({**message, "message": _line(error) or message["message"]})
            raise


def _line(error: BaseException) -> str | None:
    return f"REGISTRATION_ADMIN_PORT: {error}" if isinstance(error, CannotListen) else explain(error)
