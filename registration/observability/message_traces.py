from typing import Any

from registration.messaging.command_bus import Handle, Message
from registration.observability import tracing
from registration.observability.outcome import OK, outcome_of


def trace_messages(message_type: type[Message[Any]], handle: Handle) -> Handle:
    """A span for each command or query: its name and how it ended; nothing of what is in it."""
    name = message_type.__name__

    async def traced(message: Message[Any]) -> object:
        with tracing.span(name) as span:
            try:
                result: object = await handle(message)
            except BaseException as error:
                span.set("registration.outcome", outcome_of(error))
                raise
            span.set("registration.outcome", OK)
            return result

    return traced
