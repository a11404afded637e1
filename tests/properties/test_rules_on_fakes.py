import contextlib

from hypothesis.stateful import run_state_machine_as_test

from tests.properties.budget import budget
from tests.properties.machine import RegistrationMachine
from tests.properties.persistence import Persistence, in_memory


class Fakes(RegistrationMachine):
    def open_persistence(self) -> contextlib.AbstractAsyncContextManager[Persistence]:
        return in_memory()


def test_the_rules_hold_whatever_happens() -> None:
    run_state_machine_as_test(Fakes, settings=budget(examples=80, examples_of_a_search=3000))
