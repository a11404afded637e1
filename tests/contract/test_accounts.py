from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from registration.domain.email_address import EmailAddress
from registration.domain.events import UserErased
from registration.domain.mail import MailState
from registration.domain.password import PasswordHash
from registration.domain.user import User
from registration.ports import UnitOfWork
from tests.contract.conftest import CLIENT, HASH, Store

ANN = EmailAddress("ann@example.org")


async def test_nothing_is_known_of_an_unknown_address(store: Store) -> None:
    account = await store.account(ANN)
    assert account.now == store.clock.now
    assert account.user is None
    assert account.registration is None
    assert list(account.mails) == []
    assert list(account.wrong_codes) == []


async def test_a_registration_is_read_as_it_was_put(store: Store) -> None:
    registration, mail = await store.register(ANN)
    account = await store.account(ANN)
    assert account.registration == registration
    [known] = account.mails
    assert (known.id, known.state, known.created_at) == (mail.id, MailState.QUEUED, store.clock.now)
    assert known.is_claimed
    assert known.by_this_client


async def test_a_registration_takes_the_place_of_another(store: Store) -> None:
    await store.register(ANN)
    second, _ = await store.register(ANN)
    account = await store.account(ANN)
    assert account.registration == second
    assert len(account.mails) == 2


async def test_activation_makes_the_registration_a_user(store: Store) -> None:
    registration, _ = await store.register(ANN)
    await store.advance(timedelta(seconds=20))
    await store.activate(registration)
    account = await store.account(ANN)
    assert account.registration is None
    assert account.user == User(
        ANN, registration.credential_id, HASH, registration.registered_at, store.clock.now
    )


async def test_a_user_and_a_decoy_live_side_by_side(store: Store) -> None:
    registration, _ = await store.register(ANN)
    await store.activate(registration)
    decoy, _ = await store.register(ANN, is_decoy=True)
    account = await store.account(ANN)
    assert account.user is not None
    assert account.registration == decoy


@pytest.mark.parametrize(
    "other", ["Ann@example.org", "änn@example.org", "anṇ@example.org", "ann+tag@example.org"]
)
async def test_two_addresses_are_never_taken_for_one(store: Store, other: str) -> None:
    await store.register(ANN)
    assert (await store.account(EmailAddress(other))).registration is None


async def test_a_hash_is_renewed_in_place(store: Store) -> None:
    registration, _ = await store.register(ANN)
    renewed = PasswordHash("$2b$13$" + "t" * 22 + "i" * 31)

    async def step(work: UnitOfWork) -> None:
        await work.accounts.renew_hash(registration, renewed)

    await store.units_of_work(ANN, CLIENT, step)
    assert (await store.account(ANN)).registration == replace(registration, password_hash=renewed)


class TestErasure:
    async def test_removes_the_holder_but_not_what_counts_towards_limits(self, store: Store) -> None:
        registration, mail = await store.register(ANN)

        async def step(work: UnitOfWork) -> None:
            await work.accounts.erase(registration)
            work.record(UserErased(registration.credential_id))

        await store.units_of_work(ANN, CLIENT, step)
        account = await store.account(ANN)
        assert account.registration is None
        [counted] = account.mails
        assert (counted.id, counted.state, counted.voided) == (mail.id, MailState.DROPPED, True)
        assert counted.by_this_client
        assert store.published == [UserErased(registration.credential_id)]

    async def test_of_a_user_leaves_the_decoy_and_its_mail(self, store: Store) -> None:
        registration, _ = await store.register(ANN)
        await store.activate(registration)
        decoy, notice = await store.register(ANN, is_decoy=True)

        async def step(work: UnitOfWork) -> None:
            assert work.account.user is not None
            await work.accounts.erase(work.account.user)

        await store.units_of_work(ANN, CLIENT, step)
        account = await store.account(ANN)
        assert account.user is None
        assert account.registration == decoy
        assert {mail.id: mail.voided for mail in account.mails}[notice.id] is False

    async def test_takes_the_mail_from_the_outbox(self, store: Store) -> None:
        registration, _ = await store.register(ANN)

        async def step(work: UnitOfWork) -> None:
            await work.accounts.erase(registration)

        await store.units_of_work(ANN, CLIENT, step)
        await store.advance(timedelta(minutes=5))
        assert list(await store.outbox.claim_due(10)) == []

    async def test_of_both_the_user_and_the_decoy_leaves_neither_and_no_live_mail(self, store: Store) -> None:
        registration, _ = await store.register(ANN)
        await store.activate(registration)
        await store.register(ANN, is_decoy=True)
        neighbour, _ = await store.register(EmailAddress("ann+shop@example.org"))

        async def step(work: UnitOfWork) -> None:
            assert work.account.user is not None
            assert work.account.registration is not None
            await work.accounts.erase(work.account.user)
            await work.accounts.erase(work.account.registration)

        await store.units_of_work(ANN, CLIENT, step)
        account = await store.account(ANN)
        assert (account.user, account.registration) == (None, None)
        erased = {mail.voided for mail in account.mails if mail.credential_id != neighbour.credential_id}
        assert erased == {True}
        assert (await store.account(neighbour.email)).registration == neighbour

    async def test_does_not_keep_the_mailbox_from_being_registered_again(self, store: Store) -> None:
        registration, _ = await store.register(ANN)

        async def step(work: UnitOfWork) -> None:
            await work.accounts.erase(registration)

        for _ in range(2):
            await store.units_of_work(ANN, CLIENT, step)
            registration, _ = await store.register(ANN)
        assert (await store.account(ANN)).registration == registration


class TestWrongCodes:
    async def test_are_read_with_what_they_were_shown_for(self, store: Store) -> None:
        _, mail = await store.register(ANN)
        attempt_id = uuid4()

        async def step(work: UnitOfWork) -> None:
            await work.wrong_codes.add(attempt_id, mail.id)

        await store.units_of_work(ANN, CLIENT, step)
        [wrong] = (await store.account(ANN)).wrong_codes
        assert (wrong.id, wrong.newest_mail_id, wrong.shown_at) == (attempt_id, mail.id, store.clock.now)
        assert wrong.by_this_client
        [same] = (await store.account(ANN, client="198.51.100.7")).wrong_codes
        assert not same.by_this_client

    async def test_belong_to_the_address_and_not_to_the_mailbox(self, store: Store) -> None:
        _, mail = await store.register(ANN)

        async def step(work: UnitOfWork) -> None:
            await work.wrong_codes.add(uuid4(), mail.id)

        await store.units_of_work(ANN, CLIENT, step)
        assert list((await store.account(EmailAddress("ann+tag@example.org"))).wrong_codes) == []

    async def test_are_forgotten_on_demand_and_those_of_others_are_not(self, store: Store) -> None:
        bob = EmailAddress("bob@example.org")
        for email in (ANN, bob):
            _, mail = await store.register(email)

            async def add(work: UnitOfWork, mail_id: UUID = mail.id) -> None:
                await work.wrong_codes.add(uuid4(), mail_id)

            await store.units_of_work(email, CLIENT, add)

        async def forget(work: UnitOfWork) -> None:
            await work.wrong_codes.forget()

        await store.units_of_work(ANN, CLIENT, forget)
        assert list((await store.account(ANN)).wrong_codes) == []
        assert len((await store.account(bob)).wrong_codes) == 1


class TestMails:
    async def test_are_those_of_the_mailbox_whatever_the_tag(self, store: Store) -> None:
        await store.register(EmailAddress("ann+shop@example.org"))
        assert len((await store.account(ANN)).mails) == 1

    async def test_of_others_are_forgotten_after_a_day_and_the_registrations_own_never(
        self, store: Store
    ) -> None:
        await store.register(EmailAddress("ann+shop@example.org"))
        _, own = await store.register(ANN)
        await store.advance(timedelta(days=1))
        assert [mail.id for mail in (await store.account(ANN)).mails] == [own.id]

    async def test_are_told_by_the_client_that_caused_them(self, store: Store) -> None:
        await store.register(ANN)
        [mail] = (await store.account(ANN, client="198.51.100.7")).mails
        assert not mail.by_this_client

    async def test_are_voided_by_id(self, store: Store) -> None:
        registration, mail = await store.register(ANN)
        other = await store.add_mail(registration)

        async def step(work: UnitOfWork) -> None:
            await work.mails.void_codes([mail.id])

        await store.units_of_work(ANN, CLIENT, step)
        voided = {known.id: known.voided for known in (await store.account(ANN)).mails}
        assert voided == {mail.id: True, other: False}

    async def test_that_wait_unsent_can_be_superseded(self, store: Store) -> None:
        _, mail = await store.register(ANN)
        await store.advance(timedelta(seconds=30))

        async def step(work: UnitOfWork) -> None:
            await work.mails.supersede([mail.id])

        await store.units_of_work(ANN, CLIENT, step)
        [known] = (await store.account(ANN)).mails
        assert known.state is MailState.DROPPED
        assert list(await store.outbox.claim_due(10)) == []


class TestTheUnitOfWork:
    async def test_rolls_back_and_publishes_nothing_when_the_step_raises(self, store: Store) -> None:
        registration, _ = await store.register(ANN)

        async def step(work: UnitOfWork) -> None:
            work.record(UserErased(registration.credential_id))
            await work.accounts.erase(registration)
            raise KeyError

        with pytest.raises(KeyError):
            await store.units_of_work(ANN, CLIENT, step)
        assert (await store.account(ANN)).registration == registration
        assert store.published == []

    async def test_publishes_after_the_commit(self, store: Store) -> None:
        async def step(work: UnitOfWork) -> None:
            work.record(UserErased(uuid4()))
            assert store.published == []

        await store.units_of_work(ANN, CLIENT, step)
        assert len(store.published) == 1
