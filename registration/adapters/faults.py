"""What keeps us from working with what is around us, in words for whoever runs the service."""

from registration.adapters.keys import WrongSecretKeyError
from registration.adapters.mysql.database import TablesMissingError
from registration.adapters.mysql.refusals import AccessRefused
from registration.adapters.mysql.schema_version import UnsuitableSchemaError
from registration.domain.errors import Unavailable


def explain(error: BaseException) -> str | None:
    """What an operator can do about it, in one line without secrets; None if it is a fault of ours."""
    match error:
        case AccessRefused():
            return error.reason
        case Unavailable():
            return "The database does not answer; is REGISTRATION_DATABASE_URL right?"
        case TablesMissingError():
            return "The database lacks tables of this release: run `python -m registration migrate`."
        case WrongSecretKeyError() | UnsuitableSchemaError():
            return str(error)
        case _:
            return None
