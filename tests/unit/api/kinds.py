"""What an address may be, of which a stranger must not learn.

What the kinds have in common is the history of their mailbox: two mails, at the same instants and caused by the same
two clients. For the limits on mails are there for every mailbox, known or not (rule 11): that it was sent a mail half
a minute ago may show in `rate-limited`, but not what that mail was about.
"""

from collections.abc import Awaitable, Callable

from tests.unit.api.callers import Caller

Kind = Callable[[Caller, Caller], Awaitable[None]]
"""How the owner and somebody else have made it what it is."""

BETWEEN_THE_TWO_MAILS = 45.0


async def unknown(owner: Caller, another: Caller) -> None:
    """Once more: both who had registered it have erased that."""
    await owner.register()
    await owner.erase()
    owner.wait(BETWEEN_THE_TWO_MAILS)
    await another.register()
    await another.erase()


async def never_seen(owner: Caller, _: Caller) -> None:
    """Without the others' mails; so it can only be compared when these count no more."""
    owner.wait(BETWEEN_THE_TWO_MAILS)


async def pending(owner: Caller, another: Caller) -> None:
    await owner.register()
    owner.wait(BETWEEN_THE_TWO_MAILS)
    await owner.at(another.client).new_code()


async def active(owner: Caller, another: Caller) -> None:
    await pending(owner, another)
    await owner.activate_with_the_newest_code()


async def taken(owner: Caller, another: Caller) -> None:
    """Active, and registered by somebody else since then."""
    await owner.register()
    await owner.activate_with_the_newest_code()
    owner.wait(BETWEEN_THE_TWO_MAILS)
    await another.register()


async def abandoned(owner: Caller, another: Caller) -> None:
    """Registered by somebody else while it was active; then its owner has left."""
    await taken(owner, another)
    await owner.erase()
