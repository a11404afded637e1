"""What attackers do, who have registered an address that is not theirs: guess its code, many at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tools.chaos.asking import Person
from tools.chaos.history import is_success
from tools.chaos.journeys import Walkers
from tools.chaos.record import Operation

ROUNDS = 4
"""Three wrong codes for each new code, and the tenth of the day."""

AT_ONCE = 12


@dataclass
class Attackers:
    walkers: Walkers

    async def guess(self, person: Person, clients: Sequence[str]) -> None:
        """Spend the wrong codes of each of a few codes from several clients at once, then try the right one.

        The right code is of no use any more, or it activates, where lost answers have left a guess.
        """
        walkers, ask = self.walkers, self.walkers.service.ask
        await walkers.until_done(Operation.REGISTER, person)
        for number in range(1, ROUNDS + 1):
            code = await walkers.code_for(person, number)
            guesses = [
                ask(
                    Operation.ACTIVATE,
                    replace(person, client=clients[each % len(clients)]),
                    walkers.wrong_code(person),
                )
                for each in range(AT_ONCE)
            ]
            await asyncio.gather(*guesses)
            right = await walkers.until_done(Operation.ACTIVATE, person, code)
            if is_success(right):
                return
            if not is_success(await walkers.until_done(Operation.NEW_CODE, person)):
                return
