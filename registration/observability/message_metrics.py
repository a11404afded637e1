import time
from typing import Any

from registration.messaging.command_bus import Handle, Message
from registration.observability import metrics
from registration.observability.outcome import INTERNAL_ERROR, OK, outcome_of


def measure_messages(message_type: type[Message[Any]], handle: Handle) -> Handle:
    """Count each command or query by its name and how it ended, and time it."""
    name = message_type.__name__
    succeeded = metrics.MESSAGES.labels(name, OK)
    # There from the start, so that the first one shows as an increase.
    metrics.MESSAGES.labels(name, INTERNAL_ERROR)
    seconds = metrics.MESSAGE_SECONDS.labels(name)

    async def measured(message: Message[Any]) -> object:
        began_at = time.perf_counter()
        try:
            result: object = await handle(message)
        except BaseException as error:
            metrics.MESSAGES.labels(name, outcome_of(error)).inc()
            raise
        else:
            succeeded.inc()
            return result
        finally:
            seconds.observe(time.perf_counter() - began_at)

    return measured
