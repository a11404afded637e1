import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from registration.domain.email_address import EmailAddress
from registration.domain.errors import InvalidCredentials, RateLimited, UnacceptablePassword, Unavailable
from registration.domain.events import ActivationCodeIssued, TakenAddressRegistered, UserRegistered
from registration.domain.mail import MailKind
from registration.domain.password import PasswordHash
from registration.domain.user import User
from registration.queries.get_user import PendingUser
from tests.world import ANN, HOME, OTHER_PASSWORD, World


class TestRegisteringAnUnknownAddress:
    async def test_makes_a_pending_registration_and_queues_the_mail_with_its_code(self, world: World) -> None:
        await world.register()
        assert isinstance(await world.get(), PendingUser)
        [mail] = world.mails()
        assert mail.new.kind is MailKind.ACTIVATION_CODE

    async def test_announces_the_registration_and_the_code(self, world: World) -> None:
        await world.register()
        registration = world.database.tables.registrations[ANN]
        [mail] = world.mails()
        assert world.published == [
            UserRegistered(registration.credential_id),
            ActivationCodeIssued(mail.new.id),
        ]

    async def test_publishes_nothing_when_the_commit_fails(self, world: World) -> None:
        world.database.fail_commit = RuntimeError("disk full")
        with pytest.raises(RuntimeError):
            await world.register()
        assert world.published == []
        assert world.mails() == []

    async def test_does_it_once_when_the_answer_to_the_commit_is_lost(self, world: World) -> None:
        world.database.lose_commit_answers = 2
        await world.register()
        assert len(world.mails()) == 1
        assert len(world.published) == 2
        await world.activate(world.code())

    async def test_stores_nothing_that_shows_the_password(self, world: World) -> None:
        await world.register(password="s3cret-of-ann")
        assert "s3cret-of-ann" not in repr(world.database.tables)


class TestRegisteringAPendingAddress:
    async def test_takes_the_new_password(self, world: World) -> None:
        await world.register()
        world.clock.advance(seconds=30)
        await world.register(password=OTHER_PASSWORD)
        assert isinstance(await world.get(password=OTHER_PASSWORD), PendingUser)
        with pytest.raises(InvalidCredentials):
            await world.get()

    async def test_voids_every_code_mailed_before(self, world: World) -> None:
        await world.register()
        old_code = world.code()
        world.clock.advance(seconds=30)
        await world.register(password=OTHER_PASSWORD)
        with pytest.raises(Exception, match="not the one that was mailed"):
            await world.activate(old_code, password=OTHER_PASSWORD)

    async def test_voids_the_codes_even_for_the_same_password(self, world: World) -> None:
        await world.register()
        old_code = world.code()
        world.clock.advance(seconds=30)
        await world.register()
        with pytest.raises(Exception, match="not the one that was mailed"):
            await world.activate(old_code)

    async def test_is_refused_within_the_cooldown(self, world: World) -> None:
        await world.register()
        world.clock.advance(seconds=29.999)
        with pytest.raises(RateLimited) as refusal:
            await world.register(password=OTHER_PASSWORD)
        assert refusal.value.retry_after.total_seconds() == pytest.approx(0.001)
        assert isinstance(await world.get(), PendingUser)

    async def test_costs_no_hash_when_refused(self, world: World) -> None:
        await world.register()
        world.clock.advance(seconds=2)
        spent = world.hasher.hashes_spent
        with pytest.raises(RateLimited):
            await world.register()
        assert world.hasher.hashes_spent == spent


class TestJoining:
    async def test_a_second_within_one_second_joins_the_first(self, world: World) -> None:
        await world.register()
        world.clock.advance(seconds=0.999)
        await world.register(password=OTHER_PASSWORD)
        assert len(world.mails()) == 1
        assert isinstance(await world.get(), PendingUser)

    async def test_one_read_before_the_first_was_there_joins_it_too(self, world: World) -> None:
        """As on a node of a cluster, which takes the time and then waits for what another has committed."""
        await world.register()
        world.clock.advance(seconds=-0.01)
        await world.register(password=OTHER_PASSWORD)
        assert len(world.mails()) == 1

    async def test_a_clock_that_steps_back_joins_nobody(self, world: World) -> None:
        await world.register()
        world.clock.advance(seconds=-1)
        with pytest.raises(RateLimited):
            await world.register()

    async def test_at_one_second_it_no_longer_joins(self, world: World) -> None:
        await world.register()
        world.clock.advance(seconds=1)
        with pytest.raises(RateLimited):
            await world.register()

    async def test_twenty_at_once_make_one_registration_and_all_succeed(self, world: World) -> None:
        await asyncio.gather(*(world.register(password=f"{OTHER_PASSWORD} {i}") for i in range(20)))
        assert len(world.mails()) == 1
        assert len(world.published) == 2


class TestRegisteringAnActiveAddress:
    async def test_leaves_the_user_and_the_password_alone(self, world: World) -> None:
        user = await world.register_active()
        await world.register(password=OTHER_PASSWORD)
        assert await world.get() == user

    async def test_mails_the_owner_a_notice_and_announces_no_registration(self, world: World) -> None:
        await world.register_active()
        await world.register(password=OTHER_PASSWORD)
        notice = world.mails()[-1]
        assert notice.new.kind is MailKind.ADDRESS_TAKEN
        assert world.published == [TakenAddressRegistered(notice.new.id)]

    async def test_makes_a_decoy_that_shows_as_pending(self, world: World) -> None:
        await world.register_active()
        await world.register(password=OTHER_PASSWORD)
        assert isinstance(await world.get(password=OTHER_PASSWORD), PendingUser)

    async def test_no_code_ever_activates_the_decoy(self, world: World) -> None:
        await world.register_active()
        await world.register(password=OTHER_PASSWORD)
        with pytest.raises(Exception, match="not the one that was mailed"):
            await world.activate(world.code(), password=OTHER_PASSWORD)

    async def test_a_decoy_that_outlives_the_user_still_cannot_be_activated(self, world: World) -> None:
        await world.register_active()
        await world.register(password=OTHER_PASSWORD)
        await world.erase()
        with pytest.raises(Exception, match="not the one that was mailed"):
            await world.activate(world.code(), password=OTHER_PASSWORD)

    async def test_gives_the_decoy_the_users_salt_so_that_one_hash_checks_both(self, world: World) -> None:
        user = await world.register_active()
        world.hasher.cost = 13
        await world.register(password=OTHER_PASSWORD)
        decoy = world.database.tables.registrations[ANN]
        assert decoy.password_hash.salt == user.password_hash.salt

    async def test_the_owners_password_goes_on_showing_the_user_even_if_the_decoy_has_the_same(
        self, world: World
    ) -> None:
        user = await world.register_active()
        await world.register()
        assert await world.get() == user

    async def test_costs_one_hash_as_for_any_address(self, world: World) -> None:
        await world.register_active()
        spent = world.hasher.hashes_spent
        await world.register(password=OTHER_PASSWORD)
        assert world.hasher.hashes_spent == spent + 1


async def test_a_user_who_comes_in_between_makes_the_password_be_hashed_anew(world: World) -> None:
    """The first hash was made for an unknown address; by the time of its transaction there is a user."""
    other_world = World(clock=world.clock)
    user = await other_world.register_active()
    hash_password = world.hasher.hash

    async def hash_while_a_user_appears(password: str, **options: object) -> object:
        world.database.tables.users.setdefault(ANN, user)
        return await hash_password(password, **options)  # type: ignore[arg-type]

    world.hasher.hash = hash_while_a_user_appears  # type: ignore[method-assign,assignment]
    world.hasher._salts = 100
    await world.register(password=OTHER_PASSWORD)
    assert world.database.tables.registrations[ANN].password_hash.salt == user.password_hash.salt
    assert world.database.tables.registrations[ANN].is_decoy


@pytest.mark.parametrize(
    "password, reasons",
    [
        ("1234567", ("too-short",)),
        ("x" * 257, ("too-long",)),
        ("Password1", ("too-common",)),
        ("my ANN@example.org!", ("contains-email",)),
    ],
)
async def test_refuses_a_password_that_is_easily_guessed(
    world: World, password: str, reasons: tuple[str, ...]
) -> None:
    with pytest.raises(UnacceptablePassword) as refusal:
        await world.register(password=password)
    assert refusal.value.reasons == reasons


@pytest.mark.parametrize("password", ["12345678", "x" * 256, "ﬁve fish", "pässwörter"])
async def test_accepts_a_password_at_the_edges(world: World, password: str) -> None:
    await world.register(password=password)


async def test_counts_the_length_after_normalisation(world: World) -> None:
    with pytest.raises(UnacceptablePassword):
        await world.register(password="e\u0301" * 7)


async def test_addresses_that_differ_in_a_tag_share_the_mailbox_limits_but_not_the_account(
    world: World,
) -> None:
    tagged = EmailAddress("ann+shop@example.org")
    await world.register()
    with pytest.raises(RateLimited):
        await world.register(tagged)
    world.clock.advance(seconds=30)
    await world.register(tagged, OTHER_PASSWORD)
    assert isinstance(await world.get(), PendingUser)
    assert isinstance(await world.get(tagged, OTHER_PASSWORD), PendingUser)


class TestMailboxLimits:
    async def test_five_an_hour(self, world: World) -> None:
        for client in "abcde":
            await world.register(client=client)
            world.clock.advance(minutes=1)
        with pytest.raises(RateLimited) as refusal:
            await world.register(client="f")
        assert refusal.value.retry_after.total_seconds() == pytest.approx(55 * 60)

    async def test_ten_a_day(self, world: World) -> None:
        for i in range(10):
            await world.register(client=f"{i}")
            world.clock.advance(minutes=30)
        with pytest.raises(RateLimited):
            await world.register(client="another")

    async def test_one_client_causes_at_most_three_an_hour(self, world: World) -> None:
        for _ in range(3):
            await world.register()
            world.clock.advance(minutes=1)
        spent = world.hasher.hashes_spent
        with pytest.raises(RateLimited):
            await world.register()
        assert world.hasher.hashes_spent == spent
        await world.register(client="another")

    async def test_erasure_does_not_start_them_again(self, world: World) -> None:
        await world.register()
        await world.erase()
        world.clock.advance(seconds=2)
        with pytest.raises(RateLimited):
            await world.register()

    async def test_an_unreachable_database_is_said_so(self, world: World) -> None:
        world.database.fail_commit = Unavailable(retry_after=world.policy.mail_cooldown)
        with pytest.raises(Unavailable):
            await world.register(client=HOME)


async def test_is_unavailable_for_a_second_while_one_user_after_another_comes_in_between(
    world: World,
) -> None:
    """Each has another salt, so no hash that was made for an earlier one will do."""
    user = await World(clock=world.clock).register_active()
    hash_password = world.hasher.hash
    salts = (f"$2b$12${number:022}" for number in count(100))

    async def hash_while_another_user_appears(password: str, **options: object) -> object:
        digest = user.password_hash.bcrypt.removeprefix(user.password_hash.salt)
        world.database.tables.users[ANN] = replace(user, password_hash=PasswordHash(next(salts) + digest))
        return await hash_password(password, **options)  # type: ignore[arg-type]

    world.hasher.hash = hash_while_another_user_appears  # type: ignore[method-assign,assignment]
    with pytest.raises(Unavailable) as refusal:
        await world.register(password=OTHER_PASSWORD)
    assert refusal.value.retry_after == timedelta(seconds=1)
    assert world.hasher.hashes_spent == 3
    assert ANN not in world.database.tables.registrations


async def test_activating_between_the_reading_and_the_transaction_keeps_the_one_salt(world: World) -> None:
    await world.register()
    world.clock.advance(seconds=30)
    await world.register(password=OTHER_PASSWORD)
    first, second = world.database.tables.registrations[ANN], await world.get(password=OTHER_PASSWORD)
    assert isinstance(second, PendingUser)
    assert first.password_hash.salt == f"$2b$12${1:022}"
    assert isinstance(await world.activate(world.code(), password=OTHER_PASSWORD), User)


async def test_refuses_a_password_that_contains_the_address_in_its_own_letters(world: World) -> None:
    with pytest.raises(UnacceptablePassword):
        await world.register(EmailAddress("ann@xn--bcher-kva.example"), "ann@bücher.example 1")
