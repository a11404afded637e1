import time
from typing import Any

import structlog

from registration.messaging.command_bus import Handle, Message
from registration.observability.outcome import OK, outcome_of

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def log_messages(message_type: type[Message[Any]], handle: Handle) -> Handle:
    """One line for each command or query: its name, how it ended, how long it took; nothing of what is in it."""
    name = message_type.__name__

    async def logged(message: Message[Any]) -> object:
        started = time.perf_counter()
        outcome = OK
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
