import itertools

from registration.courier.route import Route
from registration.domain.mail import MailKind
from registration.observability.metrics import REGISTRY
from registration.ports import Message, Outcome, Verdict


class Untried:
    name = "untried"
    recognises_repetitions = False

    async def send(self, message: Message) -> Outcome:
        raise NotImplementedError


def test_the_first_attempt_of_each_kind_will_show_as_an_increase() -> None:
    Route(Untried())

    for kind, verdict in itertools.product(MailKind, Verdict):
        labels = {"provider": "untried", "kind": kind.value, "outcome": verdict.value}
        assert REGISTRY.get_sample_value("registration_mail_attempts_total", labels) == 0
