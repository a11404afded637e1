from uuid import uuid4

from registration.observability import metrics
from registration.observability.snapshot import Snapshot

ATTEMPTS = "registration_mail_attempts_total"


def test_it_is_of_the_moment_that_it_was_made() -> None:
    provider = uuid4().hex
    before = Snapshot()
    for kind, outcome, count in [
        ("activation-code", "accepted", 5),
        ("activation-code", "retry", 7),
        ("address-taken", "accepted", 1),
    ]:
        metrics.MAIL_ATTEMPTS.labels(provider, kind, outcome).inc(count)

    after = Snapshot()

    assert before.value(ATTEMPTS, provider=provider) == 0
    assert after.value(ATTEMPTS, provider=provider) == 13
    assert after.value(ATTEMPTS, provider=provider, outcome="accepted") == 6
    assert list(after.by("outcome", ATTEMPTS, provider=provider).items()) == [("retry", 7), ("accepted", 6)]
    assert after.by("outcome", ATTEMPTS, provider=uuid4().hex) == {}
