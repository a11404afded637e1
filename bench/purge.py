"""Millions of old rows are purged while people register: how fast that goes, and what the people notice."""

import os
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench import rows
from bench.callers import make_registrations
from bench.figures import percentiles
from bench.probes import DatabaseProbe, processor_seconds
from bench.stage import Broken, Stage

COST = 4
"""Hashing is not what is measured."""

BUFFER_POOL_MB, REDO_LOG_MB = 1024, 512
"""Of a server for so many rows; what the private server has usually is for tests."""

SLOW_SECONDS = 0.05
"""Quicker statements are not looked at one by one."""

WARM_UP_SECONDS = 3.0

_OF_THE_PURGE = (
    "(sql_text LIKE 'DELETE%' OR sql_text LIKE '%FORCE INDEX (retention)%' OR sql_text LIKE '%newest%')"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures by name; failures of the registrations by status."""

    figures: Mapping[str, float]
    failures: Mapping[str, int]


def measure(stage: Stage, mails: int, rate: float, seconds: float, say: Callable[[str], None]) -> Outcome:
    """Registrations at a rate, for so many seconds with nothing beside them, and then for as long as the purge takes."""
    database_url = stage.new_database()
    stage.probe.query(f"SET GLOBAL innodb_buffer_pool_size = {BUFFER_POOL_MB} * 1024 * 1024")
    stage.probe.query(f"SET GLOBAL innodb_log_file_size = {REDO_LOG_MB} * 1024 * 1024")
    say(f"Writing {mails} old mails, and what belongs to them")
    rows.add_old_rows(database_url, mails)
    rows.postpone_purges(database_url)
    with (
        stage.provider() as provider,
        stage.service(bcrypt_cost=COST, database_url=database_url, mail_api_url=provider.url) as service,
    ):

        def register(for_seconds: float) -> Any:
            return make_registrations(stage, service, provider, rate, for_seconds)

        say("Registering")
        register(WARM_UP_SECONDS)
        before = [register(seconds)]
        say("Registering and purging")
        watch = _Watch(stage.probe)
        during = []
        with (
            stage.running("registration", "purge", environment=_environment(database_url)) as purge,
            ThreadPoolExecutor(1) as waiting,
        ):
            ended_at = waiting.submit(lambda: (purge.process.wait(), time.monotonic())[1])
            while not ended_at.done():
                during.append(register(seconds))
        if purge.process.returncode:
            raise Broken(purge.complaint())
        took = ended_at.result() - watch.began_at
    removed = re.findall(r"(\d+) ([a-z ]+)", purge.output.read_text())
    return Outcome(
        {
            **{f"removed_{kind.replace(' ', '_')}": float(count) for count, kind in removed},
            "purge_seconds": took,
            "rows_per_second": sum(int(count) for count, _ in removed) / took,
            **watch.figures(),
            **_registrations("before", before),
            **_registrations("during", during),
        },
        _failures([*before, *during]),
    )


class _Watch:
    """On what the server does from now on."""

    def __init__(self, probe: DatabaseProbe) -> None:
        self.began_at = time.monotonic()
        self._probe = probe
        self._status = self._read_status()
        self._processor = processor_seconds(probe.pid)
        probe.query("SET GLOBAL log_output = 'TABLE'")
        probe.query("SET GLOBAL long_query_time = %s", SLOW_SECONDS)
        probe.query("SET GLOBAL slow_query_log = ON")

    def figures(self) -> dict[str, float]:
        now = self._read_status()
        lasted = time.monotonic() - self.began_at
        return {
            "database_share_of_a_processor": (processor_seconds(self._probe.pid) - self._processor) / lasted,
            "longest_statement_of_the_purge_ms": self._longest(_OF_THE_PURGE),
            "longest_other_statement_ms": self._longest(f"NOT {_OF_THE_PURGE}"),
            "row_lock_waits": now["Innodb_row_lock_waits"] - self._status["Innodb_row_lock_waits"],
            "longest_row_lock_wait_ms": now["Innodb_row_lock_time_max"],
            "deadlocks": now["Innodb_deadlocks"] - self._status["Innodb_deadlocks"],
        }

    def _read_status(self) -> dict[str, int]:
        return {
            name: int(value) for name, value in self._probe.query("SHOW GLOBAL STATUS LIKE 'Innodb\\_%lock%'")
        }

    def _longest(self, which: str) -> float:
        """SLOW_SECONDS, if none took longer."""
        ((milliseconds,),) = self._probe.query(
            f"SELECT MAX(TIME_TO_SEC(query_time)) * 1000 FROM mysql.slow_log WHERE {which}"  # noqa: S608 - our own
        )
        return float(milliseconds or SLOW_SECONDS * 1000)


def _environment(database_url: str) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRATION_")}
    return others | {"REGISTRATION_DATABASE_URL": database_url}


def _registrations(when: str, parts: list[Any]) -> dict[str, float]:
    milliseconds = [each for part in parts for each in part["register_ms"]]
    return {
        f"registrations_{when}": len(milliseconds),
        **{f"register_{when}_{which}_ms": value for which, value in percentiles(milliseconds).items()},
        f"register_{when}_max_ms": max(milliseconds),
    }


def _failures(parts: list[Any]) -> dict[str, int]:
    failures: dict[str, int] = {}
    for part in parts:
        for what, count in part["failures"].items():
            failures[what] = failures.get(what, 0) + count
    return failures
