"""What is left of somebody who was erased, in the tables themselves."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from config.settings import parse_database_url
from registration.adapters.keys import KeyRing
from registration.adapters.mysql.data_keys import load_keys
from registration.adapters.mysql.database import Database, open_database
from registration.adapters.mysql.mails import MailStamp
from registration.adapters.mysql.outbox import MySQLOutbox
from registration.adapters.mysql.unit_of_work import MySQLUnitsOfWork
from registration.commands.erase_address import EraseAddress, EraseAddressHandler
from registration.domain.email_address import EmailAddress
from registration.domain.password import PasswordHash
from registration.domain.registration import Registration
from registration.ports import UnitOfWork
from tests.end_to_end.secrets_search import found
from tests.end_to_end.tables import cells, rows

SECRET = "a secret key of the tests, long enough"
ANN, BOB = EmailAddress("ann+private@example.org"), EmailAddress("bob@example.net")
REQUEST, TRACE, MESSAGE = "request-1", f"00-{'4' * 32}-{'7' * 16}-01", "the provider's own id"


async def test_nothing_is_left_but_what_counts_towards_limits_in_keyed_form(
    fresh_database: Callable[[], str],
) -> None:
    url = fresh_database()
    async with open_database(parse_database_url(url)) as database:
        keys = await load_keys(database, [SECRET])
        units_of_work = MySQLUnitsOfWork(database, keys, lambda _: None, lambda: MailStamp(1, REQUEST, TRACE))
        for email in (ANN, BOB):
            await _register(units_of_work, database, email, is_decoy=False)
            await _register(units_of_work, database, email, is_decoy=True)
        traces = [ANN.text, ANN.mailbox, "ann", "private", REQUEST, TRACE, MESSAGE]
        assert found(traces, cells(url)) == set(traces) - {ANN.mailbox}

        assert await EraseAddressHandler(units_of_work)(EraseAddress(BOB)) == 2
        assert await EraseAddressHandler(units_of_work)(EraseAddress(ANN)) == 2

    assert found(traces, cells(url)) == set()
    assert rows(url, "SELECT * FROM accounts") == rows(url, "SELECT * FROM address_guards") == []
    assert _counts(url, keys, ANN) == _counts(url, keys, BOB) == (2, 2)


async def _register(
    units_of_work: MySQLUnitsOfWork, database: Database, email: EmailAddress, *, is_decoy: bool
) -> None:
    """A user, or a decoy beside it; a mail that was accepted, and a wrong code."""
    credential_id, mail_id = uuid4(), uuid4()

    async def step(work: UnitOfWork) -> None:
        password_hash = PasswordHash("$2b$12$" + "s" * 22 + "h" * 31)
        registration = Registration(email, credential_id, password_hash, is_decoy, work.account.now)
        mail, _ = registration.mail_code(mail_id, 1, "en")
        await work.accounts.put_registration(registration)
        await work.mails.add(mail)
        await work.wrong_codes.add(uuid4(), mail_id)
        if not is_decoy:
            await work.accounts.activate(registration)

    await units_of_work(email, "192.0.2.1", step)
    await _accept(MySQLOutbox(database), mail_id)


async def _accept(outbox: MySQLOutbox, mail_id: UUID) -> None:
    mail = await outbox.take_fresh(mail_id)
    assert mail is not None
    await outbox.accept(mail, "mailpit", MESSAGE, timedelta)


def _counts(url: str, keys: KeyRing, email: EmailAddress) -> tuple[int, int]:
    """How many mails to the mailbox and wrong codes for the address are still counted."""
    mails = rows(url, "SELECT id FROM mails WHERE mailbox_key = %s", keys.mailbox_digest(email.mailbox))
    wrong = rows(url, "SELECT id FROM wrong_codes WHERE address_key = %s", keys.address_digest(email.text))
    return len(mails), len(wrong)
