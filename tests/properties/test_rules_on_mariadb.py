import contextlib

from hypothesis.stateful import run_state_machine_as_test

from tests.properties.budget import budget
from tests.properties.machine import RegistrationMachine
from tests.properties.persistence import Persistence, on_mariadb


def test_the_rules_hold_whatever_happens(database_url: str) -> None:
    class MariaDB(RegistrationMachine):
        def open_persistence(self) -> contextlib.AbstractAsyncContextManager[Persistence]:
            return on_mariadb(database_url)

    run_state_machine_as_test(MariaDB, settings=budget(examples=12, examples_of_a_search=500))
