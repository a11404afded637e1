"""The checker of histories: what it must accept, certain or not, and what it must reject, damage by damage."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.chaos.story import (
    ACTIVATE,
    ANN,
    CODE,
    ERASE,
    GOOD,
    LOOK,
    NEW_CODE,
    OTHER_CODE,
    OTHER_PASSWORD,
    REGISTER,
    WRONG,
    Story,
    activated_by_a_lost_request,
    activation_that_was_answered_503_and_happened,
    good_decoy,
    good_erasure,
    good_final_erasure,
    good_guesses,
    good_journey,
    good_new_password,
    instant,
    mail_sent_again_because_a_replica_died,
    mail_sent_again_because_an_answer_was_lost,
    third_wrong_code_at_the_same_time_as_the_right_one,
)
from tools.chaos import record
from tools.chaos.check import check
from tools.chaos.record import AnsweredBy, Operation, WrongCodeRow

MAILS, USERS, ACTIVATION = (
    "every 202 has its mail",
    "no address has two users",
    "nobody is active without",
)
GUESSES, SINGLE_USE = "no eleventh wrong code", "one activation each"
LASTING, ANSWERS = "nothing is undone", "each answer is one that is documented"
WHOLE = "nothing is half done"
SENDS = "a mail is sent again only"


def broken(story: Story) -> list[str]:
    return [verdict.rule for verdict in check(story.record()) if verdict.broken]


@pytest.mark.parametrize("tell", GOOD.values(), ids=GOOD)
def test_accepts_what_the_rules_allow(tell: Callable[[], Story]) -> None:
    verdicts = check(tell().record())
    assert [line for verdict in verdicts for line in verdict.broken] == []


def _find(story: Story, operation: Operation) -> int:
    return next(at for at, call in enumerate(story.calls) if call.operation is operation)


def _mail_lost(story: Story) -> None:
    story.mails.clear()


def _mail_still_waiting(story: Story) -> None:
    story.mails[0] = replace(story.mails[0], state="queued", accepted_at=None)


def _mail_given_up_without_a_reason(story: Story) -> None:
    story.mails[0] = replace(story.mails[0], state="failed", accepted_at=None)


def _mail_called_accepted_that_was_not(story: Story) -> None:
    story.handed_in[0] = replace(story.handed_in[0], accepted=False, told=False)


def _mail_of_a_new_code_lost(story: Story) -> None:
    story.mails.pop(1)


def _mail_after_an_erasure_lost(story: Story) -> None:
    story.mails.pop()


def _mail_of_a_registration_that_was_rolled_back(story: Story) -> None:
    first = story.mails[0]
    story.mails.append(
        replace(
            first, id="another", request_id="call-x", created_at=first.created_at + 0.01, credential_id="x"
        )
    )


def _mail_without_any_account(story: Story) -> None:
    story.accounts.clear()


def _second_row_of_a_user(story: Story) -> None:
    story.accounts.append(replace(story.accounts[0], email=ANN.upper()))


def _second_password_of_an_active_user(story: Story) -> None:
    story.active(LOOK, story.accounts[0].activated_at or 0, OTHER_PASSWORD)


def _erased_only_before_there_was_a_user(story: Story) -> None:
    erasure = _find(story, ERASE)
    story.calls[erasure] = replace(story.calls[erasure], sent_at=900.0, answered_at=900.1)


def _code_that_was_never_mailed(story: Story) -> None:
    activation = _find(story, ACTIVATE)
    story.calls[activation] = replace(story.calls[activation], code=WRONG)


def _user_whom_nobody_activated(story: Story) -> None:
    story.calls = [call for call in story.calls if call.operation is REGISTER]


def _activated_by_a_request_that_was_refused_on_arrival(story: Story) -> None:
    lost = _find(story, ACTIVATE)
    story.calls[lost] = replace(story.calls[lost], problem="overloaded")


def _code_of_another_password(story: Story) -> None:
    """Registered anew in between; but for that the code would be right and live."""
    activation = _find(story, ACTIVATE)
    story.calls[activation:] = [replace(call, password=OTHER_PASSWORD) for call in story.calls[activation:]]


def _code_past_its_minute(story: Story) -> None:
    _activate_after(story, 60.3)


def _activate_after(story: Story, late: float) -> None:
    activation = _find(story, ACTIVATE)
    at = (story.handed_in[-1].ended_at) + late
    story.calls[activation:] = [
        replace(
            call,
            sent_at=at,
            answered_at=at + 0.1,
            document={"status": "active", "activated_at": instant(at + 0.05)},
        )
        for call in story.calls[activation:]
    ]
    story.accounts[0] = replace(story.accounts[0], activated_at=at + 0.05)


def _minute_that_began_late(story: Story) -> None:
    """The service believes that the mail was accepted half a minute after the provider last said so."""
    _activate_after(story, 70)
    story.mails[0] = replace(story.mails[0], accepted_at=(story.mails[0].accepted_at or 0) + 30)


def _right_code_after_the_third_wrong_one(story: Story) -> None:
    activation = len(story.calls) - 1
    at = story.now
    story.calls[activation] = replace(
        story.calls[activation],
        sent_at=at,
        answered_at=at + 0.1,
        document={"status": "active", "activated_at": instant(at + 0.05)},
    )
    story.accounts[0] = replace(story.accounts[0], activated_at=at + 0.05)


def _eleventh_wrong_code(story: Story) -> None:
    mail_id = story.mail(story.call(NEW_CODE), OTHER_CODE)
    story.wrong(0, mail_id, client="192.0.2.3")


def _sixth_wrong_code_of_a_client(story: Story) -> None:
    wrong = [at for at, call in enumerate(story.calls) if call.problem == "incorrect-code"]
    story.calls[wrong[0]] = replace(story.calls[wrong[0]], client=story.calls[wrong[1]].client)


def _fourth_wrong_code_at_a_code(story: Story) -> None:
    """The rows belong to other codes, so that only the answers tell."""
    for at, call in enumerate(story.calls):
        if call.problem == "incorrect-code":
            story.calls[at] = replace(call, document={"attempts_left": 2})


def _fourth_row_of_a_code(story: Story) -> None:
    story.wrong_codes[3] = replace(story.wrong_codes[3], newest_mail_id=story.wrong_codes[0].newest_mail_id)


def _wrong_code_that_was_not_counted(story: Story) -> None:
    story.wrong_codes.pop()


def _wrong_code_where_nobody_showed_any(story: Story) -> None:
    story.wrong_codes.append(WrongCodeRow("ann's key", "key of nobody", story.mails[0].id))


def _wrong_code_that_nobody_showed(story: Story) -> None:
    story.wrong_codes.append(WrongCodeRow("ann's key", "key of nobody", story.mails[0].id))


def _second_activation(story: Story) -> None:
    story.active(ACTIVATE, story.now + 0.05)


def _active_no_longer_pending_again(story: Story) -> None:
    story.call(LOOK, status="pending")


def _active_no_longer_unknown(story: Story) -> None:
    story.call(LOOK, problem="invalid-credentials")


def _gone_though_only_a_stranger_has_left(story: Story) -> None:
    story.call(ERASE, OTHER_PASSWORD)
    story.call(LOOK, problem="invalid-credentials")


def _new_password_unknown(story: Story) -> None:
    """It replaced another one, and no third has come since."""
    story.calls[2] = replace(story.calls[2], status=401, problem="invalid-credentials", document={})


def _active_no_longer_in_the_tables(story: Story) -> None:
    story.accounts[0] = replace(story.accounts[0], kind="registration", activated_at=None)


def _erased_and_there_again(story: Story) -> None:
    story.call(LOOK, status="pending")


def _erased_and_in_the_tables(story: Story) -> None:
    story.row("registration")


def _registered_and_unknown(story: Story) -> None:
    story.calls[1] = replace(story.calls[1], status=401, problem="invalid-credentials", document={})


def _registered_and_not_in_the_tables(story: Story) -> None:
    story.accounts.clear()


def _internal_error(story: Story) -> None:
    story.calls[1] = replace(story.calls[1], status=500, problem="internal-error")


def _refusal_of_another_path(story: Story) -> None:
    story.calls[1] = replace(story.calls[1], status=410, problem="expired-code", document={})


def _success_of_another_path(story: Story) -> None:
    story.calls[1] = replace(story.calls[1], status=204)


def _answer_that_took_too_long(story: Story) -> None:
    call = story.call(LOOK, problem="unavailable")
    story.calls[-1] = replace(call, answered_at=call.sent_at + 11)


def _nobody_answered_for_too_long(story: Story) -> None:
    call = story.lost(LOOK)
    story.calls[-1] = replace(call, answered_at=call.sent_at + 11, by=AnsweredBy.NOBODY)


def _mail_sent_again_without_need(story: Story) -> None:
    first = story.handed_in[0]
    story.handed_in.append(replace(first, began_at=first.ended_at + 1, ended_at=first.ended_at + 1.1))


def _mail_sent_again_long_after_the_death(story: Story) -> None:
    story.incidents[0] = replace(story.incidents[0], began_at=900.0, ended_at=910.0)


def _mail_sent_again_long_before_the_death(story: Story) -> None:
    story.incidents[0] = replace(story.incidents[0], began_at=2000.0, ended_at=2010.0)


def _mail_sent_again_as_only_the_provider_was_away(story: Story) -> None:
    story.incidents[0] = replace(story.incidents[0], kind="provider refuses", victim="provider")


def _mail_sent_again_with_another_code(story: Story) -> None:
    story.handed_in[1] = replace(story.handed_in[1], code=OTHER_CODE, accepted=False)


Damage = Callable[[Story], None]

DAMAGES: list[tuple[Callable[[], Story], Damage, str]] = [
    (good_journey, _mail_lost, MAILS),
    (good_journey, _mail_still_waiting, MAILS),
    (good_journey, _mail_given_up_without_a_reason, MAILS),
    (good_journey, _mail_called_accepted_that_was_not, MAILS),
    (good_guesses, _mail_of_a_new_code_lost, MAILS),
    (good_erasure, _mail_after_an_erasure_lost, MAILS),
    (good_journey, _mail_of_a_registration_that_was_rolled_back, WHOLE),
    (good_guesses, _mail_without_any_account, WHOLE),
    (good_journey, _second_row_of_a_user, USERS),
    (good_erasure, _erased_only_before_there_was_a_user, USERS),
    (good_decoy, _second_password_of_an_active_user, USERS),
    (good_journey, _code_that_was_never_mailed, ACTIVATION),
    (activated_by_a_lost_request, _code_that_was_never_mailed, ACTIVATION),
    (good_journey, _user_whom_nobody_activated, ACTIVATION),
    (
        activation_that_was_answered_503_and_happened,
        _activated_by_a_request_that_was_refused_on_arrival,
        ACTIVATION,
    ),
    (good_journey, _code_of_another_password, ACTIVATION),
    (good_journey, _code_past_its_minute, ACTIVATION),
    (good_journey, _minute_that_began_late, ACTIVATION),
    (mail_sent_again_because_an_answer_was_lost, _code_past_its_minute, ACTIVATION),
    (
        third_wrong_code_at_the_same_time_as_the_right_one,
        _right_code_after_the_third_wrong_one,
        ACTIVATION,
    ),
    (good_guesses, _eleventh_wrong_code, GUESSES),
    (good_guesses, _sixth_wrong_code_of_a_client, GUESSES),
    (good_guesses, _fourth_wrong_code_at_a_code, GUESSES),
    (good_guesses, _fourth_row_of_a_code, GUESSES),
    (good_guesses, _wrong_code_that_was_not_counted, GUESSES),
    (good_guesses, _wrong_code_that_nobody_showed, GUESSES),
    (good_journey, _wrong_code_where_nobody_showed_any, GUESSES),
    (good_journey, _second_activation, SINGLE_USE),
    (good_journey, _active_no_longer_pending_again, LASTING),
    (good_journey, _active_no_longer_unknown, LASTING),
    (good_journey, _active_no_longer_in_the_tables, LASTING),
    (good_decoy, _gone_though_only_a_stranger_has_left, LASTING),
    (good_new_password, _new_password_unknown, LASTING),
    (good_final_erasure, _erased_and_there_again, LASTING),
    (good_final_erasure, _erased_and_in_the_tables, LASTING),
    (good_guesses, _registered_and_not_in_the_tables, LASTING),
    (good_journey, _registered_and_unknown, LASTING),
    (good_journey, _internal_error, ANSWERS),
    (good_journey, _refusal_of_another_path, ANSWERS),
    (good_journey, _success_of_another_path, ANSWERS),
    (good_journey, _answer_that_took_too_long, ANSWERS),
    (good_journey, _nobody_answered_for_too_long, ANSWERS),
    (good_journey, _mail_sent_again_without_need, SENDS),
    (mail_sent_again_because_a_replica_died, _mail_sent_again_long_after_the_death, SENDS),
    (mail_sent_again_because_a_replica_died, _mail_sent_again_long_before_the_death, SENDS),
    (mail_sent_again_because_a_replica_died, _mail_sent_again_as_only_the_provider_was_away, SENDS),
    (mail_sent_again_because_an_answer_was_lost, _mail_sent_again_with_another_code, SENDS),
]


@pytest.mark.parametrize(
    "tell,damage,rule",
    DAMAGES,
    ids=[f"{tell.__name__}-{damage.__name__.strip('_')}" for tell, damage, _ in DAMAGES],
)
def test_rejects_what_a_rule_forbids(tell: Callable[[], Story], damage: Damage, rule: str) -> None:
    story = tell()
    damage(story)
    assert any(found.startswith(rule) for found in broken(story)), broken(story)


def test_an_erased_user_who_comes_back_must_show_a_code_anew() -> None:
    story = good_erasure()
    del story.calls[_find(story, ERASE)]
    assert broken(story)


def test_a_history_is_the_same_after_it_was_kept(tmp_path: Path) -> None:
    kept = good_guesses().record()
    record.write(tmp_path, kept)
    assert record.read(tmp_path) == kept


def test_counts_how_the_cases_were_explained() -> None:
    verdicts = {verdict.rule: verdict for verdict in check(good_journey().record())}
    (mails,) = (verdict for rule, verdict in verdicts.items() if rule.startswith(MAILS))
    assert mails.explained == {"mailed": 1}
    assert CODE not in str(verdicts)
