import asyncio


class Changes:
    """Tells whoever waits that something about the sandbox has changed, not what."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def announce(self) -> None:
        self._next.set()
        self._next = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Is set by the next change. Ask for it before looking, so that a change while looking is not missed."""
        return self._next
