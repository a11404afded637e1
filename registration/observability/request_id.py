from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from structlog.contextvars import bound_contextvars

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request that is being served, also in the tasks it started; None outside of any."""
    return _current.get()


@contextmanager
def request_id_bound(request_id: str) -> Iterator[None]:
    """Make it the current request's id, and a field of every log line, within the block."""
    token = _current.set(request_id)
    try:
        with bound_contextvars(request_id=request_id):
            yield
    finally:
        _current.reset(token)
