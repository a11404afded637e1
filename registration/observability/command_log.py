import time
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from registration.messaging.command_bus import Decorator, Handle, Message
from registration.observability.log_digests import LogDigest, address_fields
from registration.observability.outcome import OK, outcome_of

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def log_messages(address_digest: LogDigest, client_digest: LogDigest) -> Decorator:
    """One line for each command or query: its name, how it ended, how long it took; whose address, and which client.

    Those two are in every other line, too, that comes of it. Nothing else of what is in it is in any.
    """

    def decorate(message_type: type[Message[Any]], handle: Handle) -> Handle:
        name = message_type.__name__

        async def logged(message: Message[Any]) -> object:
            started = time.perf_counter()
            outcome = OK
            with bound_contextvars(**who(message)):
                try:
                    result: object = await handle(message)
                except BaseException as error:
                    outcome = outcome_of(error)
                    raise
                else:
                    return result
                finally:
                    milliseconds = round((time.perf_counter() - started) * 1000, 1)
                    log.info("message_handled", message=name, outcome=outcome, milliseconds=milliseconds)

        return logged

    def who(message: Message[Any]) -> dict[str, str]:
        fields: dict[str, str] = {}
        if (email := getattr(message, "email", None)) is not None:
            fields |= address_fields(address_digest, email)
        if (client := getattr(message, "client", None)) is not None:
            fields["client"] = client_digest(client)
        return fields

    return decorate
