import importlib
import pkgutil

import registration.commands
import registration.queries
from registration.messaging.command_bus import Command, Query
from tests.world import World


def test_every_command_and_query_is_bound() -> None:
    for package in (registration.commands, registration.queries):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    known = {
        message.__qualname__
        for base in (Command, Query)
        for message in base.__subclasses__()
        if message.__module__.startswith("registration.")
    }
    assert known
    assert {message.__qualname__ for message in World().bus.bound} == known
