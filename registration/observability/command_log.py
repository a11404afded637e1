import time
from typing import Any

import structlog

from registration.caller import CallerHungUp
from registration.domain.errors import Refusal
from registration.messaging.command_bus import Handle, Message

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def log_messages(message_type: type[Message[Any]], handle: Handle) -> Handle:
    """One line for each command or query: its name, how it ended, how long it took; nothing of what is in it."""
    name = message_type.__name__

    async def logged(message: Message[Any]) -> object:
        started = time.perf_counter()
        outcome = "internal-error"
        try:
            result: object = await handle(message)
            outcome = "ok"
        except Refusal as refusal:
            outcome = refusal.code
            raise
        except CallerHungUp:
            outcome = "caller-hung-up"
            raise
        else:
            return result
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            log.info("message_handled", message=name, outcome=outcome, milliseconds=milliseconds)

    return logged
