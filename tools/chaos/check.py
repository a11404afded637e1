"""The check of a history: a program of its own, which knows nothing but the record."""

from collections.abc import Callable, Sequence

from tools.chaos.history import History
from tools.chaos.record import Record
from tools.chaos.rules.activation import check_activation
from tools.chaos.rules.answers import check_answers
from tools.chaos.rules.guesses import check_guesses
from tools.chaos.rules.lasting import check_lasting
from tools.chaos.rules.mails import check_mails
from tools.chaos.rules.sends import check_sends
from tools.chaos.rules.single_use import check_single_use
from tools.chaos.rules.users import check_users
from tools.chaos.rules.whole import check_whole
from tools.chaos.verdict import Verdict

RULES: Sequence[Callable[[History], Verdict]] = (
    check_mails,
    check_sends,
    check_whole,
    check_users,
    check_activation,
    check_guesses,
    check_single_use,
    check_lasting,
    check_answers,
)


def check(record: Record) -> list[Verdict]:
    """Return what is to be said of each rule."""
    history = History(record)
    return [rule(history) for rule in RULES]
