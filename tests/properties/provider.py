"""A mail provider that does to each mail what it is told."""

import asyncio
from dataclasses import dataclass

from registration.ports import Message, Outcome, Verdict
from tests.properties.model import Fate

OUTCOMES = {
    Fate.ACCEPTED: Outcome(Verdict.ACCEPTED, "accepted"),
    Fate.NOT_TAKEN: Outcome(Verdict.RETRY, "status 503"),
    Fate.UNKNOWN: Outcome(Verdict.UNKNOWN, "answer lost"),
    Fate.REFUSED: Outcome(Verdict.RECIPIENT_REJECTED, "recipient's address refused"),
}


@dataclass(eq=False)
class Letter:
    """A message that the provider was given. While `answer` is open, its sender waits."""

    message: Message
    fate: Fate
    sender: asyncio.Task[object]
    answer: asyncio.Future[Fate]


class Provider:
    """A MailApi."""

    name = "provider"
    recognises_repetitions = False

    def __init__(self) -> None:
        self.fate = Fate.ACCEPTED
        self.waiting: set[asyncio.Task[object]] = set()
        """Who waits for an answer."""
        self._letters: list[Letter] = []
        self._next_to_wait: asyncio.Future[None] | None = None

    def take_letters(self) -> list[Letter]:
        """Return what was sent since the last time."""
        taken, self._letters = self._letters, []
        return taken

    async def send(self, message: Message) -> Outcome:
        sender = asyncio.current_task()
        assert sender is not None
        letter = Letter(message, self.fate, sender, asyncio.get_running_loop().create_future())
        self._letters.append(letter)
        if self.fate is not Fate.ON_THE_WIRE:
            return OUTCOMES[self.fate]
        self.waiting.add(sender)
        if self._next_to_wait is not None:
            self._next_to_wait.set_result(None)
            self._next_to_wait = None
        return OUTCOMES[await letter.answer]

    def next_to_wait(self) -> asyncio.Future[None]:
        """Done when somebody more waits for an answer."""
        if self._next_to_wait is None:
            self._next_to_wait = asyncio.get_running_loop().create_future()
        return self._next_to_wait

    def answer(self, letter: Letter, fate: Fate) -> None:
        """Keep the letter's sender waiting no longer."""
        self.waiting.discard(letter.sender)
        letter.answer.set_result(fate)

    def hang_up(self) -> None:
        """Cut off who still waits."""
        while self.waiting:
            self.waiting.pop().cancel()
