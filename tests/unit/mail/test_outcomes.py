from datetime import timedelta

import pytest

from registration.adapters.mail.outcomes import outcome_by_status
from registration.ports import Outcome, Verdict
from tests.unit.mail.examples import answer

VERDICTS = {
    Verdict.ACCEPTED: [200, 201, 202, 204, 299],
    Verdict.PROVIDER_REFUSED: [300, 301, 302, 304, 307, 308, 401, 402, 403, 404, 405, 406, 407],
    Verdict.RETRY: [408, 420, 421, 425, 429, 503],
    Verdict.MESSAGE_REJECTED: [400, 409, 410, 413, 415, 418, 422, 451, 499],
    Verdict.UNKNOWN: [500, 501, 502, 504, 508, 520, 599, 999],
}


@pytest.mark.parametrize(
    "status, verdict", [(status, verdict) for verdict, statuses in VERDICTS.items() for status in statuses]
)
def test_the_status_alone_tells_on_which_side_to_err(status: int, verdict: Verdict) -> None:
    assert outcome_by_status(answer(status)).verdict is verdict


def test_the_reason_is_ours() -> None:
    said = answer(418, {"message": "zoe@example.org is a teapot"})

    assert outcome_by_status(said) == Outcome(Verdict.MESSAGE_REJECTED, "status 418")


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_obeys_the_wish_to_be_left_alone_for_a_while(status: int) -> None:
    outcome = outcome_by_status(answer(status, headers={"retry-after": "20"}))

    assert outcome.retry_after == timedelta(seconds=20)
