from registration.caller import CallerHungUp
from registration.domain.errors import Refusal

OK = "ok"
INTERNAL_ERROR = "internal-error"
CALLER_HUNG_UP = "caller-hung-up"


def outcome_of(error: BaseException) -> str:
    """How a command or query ended that raised this, in a word for logs and metrics."""
    match error:
        case Refusal():
            return error.code
        case CallerHungUp():
            return CALLER_HUNG_UP
        case _:
            return INTERNAL_ERROR
