from datetime import timedelta
from uuid import uuid4

from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind, MailState
from registration.ports import OutgoingMail, UnitOfWork
from tests.contract.conftest import CLIENT, Store

ANN = EmailAddress("ann@example.org")
BOB = EmailAddress("bob@example.org")
LEASE = timedelta(seconds=25)


async def take(store: Store, email: EmailAddress = ANN) -> OutgoingMail:
    _, new = await store.register(email)
    mail = await store.outbox.take_fresh(new.id)
    assert mail is not None
    return mail


async def state_of(store: Store, mail: OutgoingMail) -> MailState:
    [state] = [known.state for known in (await store.account(mail.email)).mails if known.id == mail.id]
    return state


class TestAFreshMail:
    async def test_is_read_with_all_that_sending_needs(self, store: Store) -> None:
        registration, new = await store.register(ANN)
        await store.advance(timedelta(seconds=1))
        mail = await store.outbox.take_fresh(new.id)
        assert mail is not None
        assert (mail.id, mail.kind, mail.email) == (new.id, MailKind.ACTIVATION_CODE, ANN)
        assert (mail.credential_id, mail.code_key_id) == (registration.credential_id, 1)
        assert (mail.language, mail.template_version) == ("en", 1)
        assert (mail.age, mail.attempts, mail.maybe_sent) == (timedelta(seconds=1), 0, False)
        assert mail.is_wanted

    async def test_is_nobody_elses_while_its_maker_holds_it(self, store: Store) -> None:
        await store.register(ANN)
        await store.advance(LEASE - timedelta(seconds=1))
        assert list(await store.outbox.claim_due(10)) == []

    async def test_is_not_taken_when_too_little_time_is_left_for_an_attempt(self, store: Store) -> None:
        _, new = await store.register(ANN)
        await store.advance(timedelta(seconds=5))
        assert await store.outbox.take_fresh(new.id) is None

    async def test_is_taken_over_when_its_maker_has_died_and_may_have_sent_it(self, store: Store) -> None:
        _, new = await store.register(ANN)
        await store.advance(LEASE)
        [mail] = await store.outbox.claim_due(10)
        assert mail.id == new.id
        assert mail.maybe_sent
        assert await store.outbox.take_fresh(new.id) is None

    async def test_that_does_not_exist_is_none(self, store: Store) -> None:
        assert await store.outbox.take_fresh(uuid4()) is None


class TestClaiming:
    async def test_gives_each_mail_to_one_process(self, store: Store) -> None:
        await store.register(ANN)
        await store.advance(LEASE)
        assert len(await store.outbox.claim_due(10)) == 1
        assert len(await store.outbox.claim_due(10)) == 0

    async def test_is_bounded_and_takes_the_most_recently_due_first(self, store: Store) -> None:
        await store.register(ANN)
        await store.advance(timedelta(seconds=1))
        await store.register(BOB)
        await store.advance(LEASE)
        [first] = await store.outbox.claim_due(1)
        [second] = await store.outbox.claim_due(1)
        assert (first.email, second.email) == (BOB, ANN)

    async def test_a_claim_runs_out_like_the_first_lease(self, store: Store) -> None:
        await store.register(ANN)
        await store.advance(LEASE)
        [first] = await store.outbox.claim_due(10)
        await store.advance(LEASE)
        [second] = await store.outbox.claim_due(10)
        assert first.id == second.id
        assert first.lease != second.lease

    async def test_what_is_given_back_is_due_at_once_and_was_not_sent(self, store: Store) -> None:
        mail = await take(store)
        await store.outbox.give_back([mail])
        [again] = await store.outbox.claim_due(10)
        assert again.id == mail.id
        assert not again.maybe_sent

    async def test_what_is_given_back_for_later_is_due_then(self, store: Store) -> None:
        mail = await take(store)
        await store.outbox.give_back([mail], timedelta(seconds=5))
        assert list(await store.outbox.claim_due(10)) == []
        await store.advance(timedelta(seconds=5))
        assert len(await store.outbox.claim_due(10)) == 1


class TestAcceptance:
    async def test_sets_the_time_of_the_answer(self, store: Store) -> None:
        mail = await take(store)
        await store.advance(timedelta(seconds=4))
        await store.outbox.accept(mail, "mailpit", "id-1", lambda: timedelta(seconds=1.5))
        [known] = (await store.account(ANN)).mails
        assert known.state is MailState.ACCEPTED
        assert known.accepted_at == store.clock.now - timedelta(seconds=1.5)
        assert not known.is_claimed

    async def test_the_first_one_counts(self, store: Store) -> None:
        mail = await take(store)
        await store.outbox.accept(mail, "mailpit", None, timedelta)
        await store.advance(timedelta(seconds=30))
        await store.outbox.accept(mail, "mailpit", None, timedelta)
        [known] = (await store.account(ANN)).mails
        assert known.accepted_at == store.clock.now - timedelta(seconds=30)

    async def test_counts_even_if_the_lease_has_passed_to_another(self, store: Store) -> None:
        mail = await take(store)
        await store.advance(LEASE)
        await store.outbox.claim_due(10)
        await store.outbox.accept(mail, "mailpit", None, timedelta)
        assert await state_of(store, mail) is MailState.ACCEPTED

    async def test_counts_even_if_the_mail_was_superseded_meanwhile(self, store: Store) -> None:
        mail = await take(store)
        await store.advance(LEASE)
        await store.units_of_work(ANN, CLIENT, lambda work: work.mails.supersede([mail.id]))
        await store.outbox.accept(mail, "mailpit", None, lambda: LEASE)
        [known] = (await store.account(ANN)).mails
        assert (known.state, known.accepted_at) == (MailState.ACCEPTED, store.clock.now - LEASE)

    async def test_of_an_erased_mail_changes_nothing(self, store: Store) -> None:
        registration, new = await store.register(ANN)
        mail = await store.outbox.take_fresh(new.id)
        assert mail is not None
        await store.advance(LEASE)
        await store.outbox.claim_due(10)
        await store.units_of_work(ANN, CLIENT, lambda work: work.accounts.erase(registration))
        await store.outbox.accept(mail, "mailpit", None, timedelta)
        [known] = (await store.account(ANN)).mails
        assert (known.state, known.accepted_at) == (MailState.DROPPED, None)

    async def test_ends_the_mails_time_in_the_outbox(self, store: Store) -> None:
        mail = await take(store)
        await store.outbox.accept(mail, "mailpit", None, timedelta)
        await store.advance(timedelta(minutes=9))
        assert list(await store.outbox.claim_due(10)) == []


class TestRetrying:
    async def test_makes_the_mail_due_later(self, store: Store) -> None:
        mail = await take(store)
        await store.outbox.retry(mail, timedelta(seconds=3), "status 503")
        await store.advance(timedelta(seconds=2.999))
        assert list(await store.outbox.claim_due(10)) == []
        await store.advance(timedelta(seconds=0.001))
        [again] = await store.outbox.claim_due(10)
        assert (again.attempts, again.reason, again.maybe_sent) == (1, "status 503", False)

    async def test_remembers_who_may_have_sent_it(self, store: Store) -> None:
        mail = await take(store)
        await store.outbox.retry(mail, timedelta(), "answer lost", maybe_sent_by="mailpit")
        [again] = await store.outbox.claim_due(10)
        assert (again.maybe_sent, again.provider) == (True, "mailpit")
        await store.outbox.retry(again, timedelta(), "status 503")
        [again] = await store.outbox.claim_due(10)
        assert (again.maybe_sent, again.provider) == (True, "mailpit")

    async def test_by_one_who_no_longer_holds_it_changes_nothing(self, store: Store) -> None:
        mail = await take(store)
        await store.advance(LEASE)
        await store.outbox.claim_due(10)
        await store.outbox.retry(mail, timedelta(), "status 503")
        assert list(await store.outbox.claim_due(10)) == []


class TestTheEnd:
    async def test_of_a_mail_that_is_refused_voids_its_code_and_of_one_that_is_given_up_does_not(
        self, store: Store
    ) -> None:
        refused, given_up = await take(store), await take(store, BOB)
        await store.outbox.fail(refused, "recipient refused")
        await store.outbox.give_up(given_up, "out of time")
        [one] = (await store.account(ANN)).mails
        [other] = (await store.account(BOB)).mails
        assert (one.state, one.voided) == (MailState.FAILED, True)
        assert (other.state, other.voided) == (MailState.FAILED, False)

    async def test_a_failed_mail_is_never_due_again(self, store: Store) -> None:
        mail = await take(store)
        await store.outbox.fail(mail, "recipient refused")
        await store.advance(timedelta(minutes=5))
        assert await state_of(store, mail) is MailState.FAILED
        assert list(await store.outbox.claim_due(10)) == []

    async def test_a_dropped_mail_is_never_due_again(self, store: Store) -> None:
        mail = await take(store)
        await store.outbox.drop(mail, "no longer wanted")
        await store.advance(timedelta(minutes=5))
        assert await state_of(store, mail) is MailState.DROPPED
        assert list(await store.outbox.claim_due(10)) == []


class TestOverdueMails:
    async def test_fail_for_the_reason_that_they_last_had(self, store: Store) -> None:
        mail = await take(store)
        await store.outbox.retry(mail, timedelta(), "status 503")
        await store.register(BOB)
        await store.advance(timedelta(minutes=10))
        assert await store.outbox.fail_overdue(timedelta(minutes=10), 10) == 2
        assert await state_of(store, mail) is MailState.FAILED
        assert list(await store.outbox.claim_due(10)) == []

    async def test_are_left_to_who_holds_them(self, store: Store) -> None:
        await store.register(ANN)
        await store.advance(timedelta(minutes=10))
        await store.outbox.claim_due(10)
        assert await store.outbox.fail_overdue(timedelta(minutes=10), 10) == 0

    async def test_are_failed_in_bounded_numbers(self, store: Store) -> None:
        for name in "abc":
            await store.register(EmailAddress(f"{name}@example.org"))
        await store.advance(timedelta(minutes=10))
        assert await store.outbox.fail_overdue(timedelta(minutes=10), 2) == 2
        assert await store.outbox.fail_overdue(timedelta(minutes=10), 2) == 1

    async def test_are_not_those_that_have_time_left(self, store: Store) -> None:
        await store.register(ANN)
        await store.advance(timedelta(minutes=9))
        assert await store.outbox.fail_overdue(timedelta(minutes=10), 10) == 0


class TestBeingWanted:
    async def test_ends_with_another_registration(self, store: Store) -> None:
        _, old = await store.register(ANN)
        await store.register(ANN)
        mail = await store.outbox.take_fresh(old.id)
        assert mail is not None
        assert not mail.is_wanted

    async def test_ends_with_activation(self, store: Store) -> None:
        registration, new = await store.register(ANN)
        await store.activate(registration)
        mail = await store.outbox.take_fresh(new.id)
        assert mail is not None
        assert not mail.is_wanted

    async def test_ends_with_a_newer_code(self, store: Store) -> None:
        registration, old = await store.register(ANN)
        await store.advance(timedelta(seconds=1))
        await store.add_mail(registration)
        mail = await store.outbox.take_fresh(old.id)
        assert mail is not None
        assert not mail.is_wanted

    async def test_of_a_notice_ends_with_the_user_whom_it_is_for(self, store: Store) -> None:
        registration, _ = await store.register(ANN)
        await store.activate(registration)
        _, notice = await store.register(ANN, is_decoy=True)
        before = await store.outbox.take_fresh(notice.id)

        async def erase(work: UnitOfWork) -> None:
            assert work.account.user is not None
            await work.accounts.erase(work.account.user)

        await store.units_of_work(ANN, CLIENT, erase)
        after = await store.outbox.take_fresh(notice.id)
        assert before is not None
        assert after is not None
        assert (before.is_wanted, after.is_wanted) == (True, False)
