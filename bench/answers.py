"""What somebody with a stop-watch learns: whether answers take another time where an address has an account."""

import contextlib
import itertools
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from bench import probes
from bench.auc import auc
from bench.stage import SETTINGS, Service, Stage
from bench.stopwatch import Stopwatch, request
from bench.victims import Kind, Victim, put, victims

TOLERANCE = 0.05
"""How far from a half the chance may be that an answer of one kind takes longer than one of another."""

WARM_UP = 10
"""Of each kind, thrown away."""

IDLE_SECONDS = 0.003
CODE_DIGITS = 8
"""So that a code that is guessed is wrong."""

WRONG_CODE = "0" * CODE_DIGITS

ANSWER, NEXT = "answer", "next"
"""What is timed: the answer itself, and that to a cheap request that is sent when it has come."""


@dataclass(frozen=True, slots=True)
class Path:
    """A request that is sent for addresses of several kinds, and the one status that all of them are answered with."""

    name: str
    kinds: Sequence[Kind]
    request: Callable[[Victim], bytes]
    status: int


def _with_credentials(method: str, path: str, document: object = None) -> Callable[[Victim], bytes]:
    return lambda victim: request(method, path, document, (victim.email, victim.password))


def _register(victim: Victim) -> bytes:
    return request("POST", "/v1/users", {"email": victim.email, "password": victim.password})


_look = _with_credentials("GET", "/v1/users/me")
_activate = _with_credentials("POST", "/v1/users/activation", {"code": WRONG_CODE})
_new_code = _with_credentials("POST", "/v1/users/activation-code")
_erase = _with_credentials("DELETE", "/v1/users/me")

_ALL = tuple(Kind)
_OWN = (Kind.PENDING, Kind.DECOY)

STRANGERS = (
    Path("activate", _ALL, _activate, 401),
    Path("new-code", _ALL, _new_code, 401),
    Path("look", _ALL, _look, 401),
    Path("erase", _ALL, _erase, 401),
    Path("register", _ALL, _register, 202),
)
"""With a password that is not the address's. The last changes what kind an address is."""

OWNERS = (
    Path("own-look", _OWN, _look, 200),
    Path("own-look-again", _OWN, _look, 200),
    Path("own-guess", _OWN, _activate, 422),
    Path("own-new-code", _OWN, _new_code, 202),
    Path("own-erase", _OWN, _erase, 204),
)
"""With the password that somebody has chosen for an address, and in this order: the first proves it, with a hash, the
last leaves nothing."""

PATHS = STRANGERS + OWNERS


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds by kind, of one path and of what is timed there."""

    path: str
    timed: str
    by_kind: Mapping[Kind, list[float]] = field(default_factory=lambda: {kind: [] for kind in Kind})

    @property
    def medians(self) -> dict[str, float]:
        return {kind.value: statistics.median(values) for kind, values in self.by_kind.items() if values}

    @property
    def chances(self) -> dict[str, float]:
        """For each two kinds that one of the first takes longer than one of the second."""
        measured = [kind for kind in Kind if self.by_kind[kind]]
        return {
            f"{one} {other}": auc(self.by_kind[one], self.by_kind[other])
            for one, other in itertools.combinations(measured, 2)
        }

    @property
    def telling(self) -> list[str]:
        """The pairs that can be told from each other."""
        return [pair for pair, chance in self.chances.items() if abs(chance - 0.5) > TOLERANCE]


def measure(
    stage: Stage, count: int, cost: int, stored_cost: int, names: Sequence[str], say: Callable[[str], None]
) -> list[Times]:
    """So many answers of each kind on each of the paths; hashes that were stored before have a cost of their own."""
    # A stranger's paths one after another, each for all; the others' one after another for each.
    strangers = [[path] for path in STRANGERS if path.name in names]
    owners = [[path for path in OWNERS if path.name in names]]
    database_url = stage.new_database()
    write = partial(put, database_url, str(SETTINGS["secret_key"]), stored_cost)
    found = []
    with (
        stage.provider() as provider,
        stage.service(
            bcrypt_cost=cost,
            database_url=database_url,
            mail_api_url=provider.url,
            mail_cooldown_seconds=0,
            code_digits=CODE_DIGITS,
            code_ttl_seconds=600,
        ) as service,
    ):
        for kinds, groups in ((_ALL, strangers), (_OWN, owners)):
            if not any(groups):
                continue
            series = _Series.of(kinds, count)
            write(series.everyone, passwords_fit=kinds is _OWN)
            with contextlib.closing(Stopwatch(service.port)) as stopwatch:
                attacker = Attacker(service, stopwatch)
                for paths in groups:
                    say(f"{', '.join(path.name for path in paths)} …")
                    found += attacker.attack(paths, series)
    return found


@dataclass(frozen=True, slots=True)
class _Series:
    warm_up: Sequence[Victim]
    measured: Sequence[Victim]

    @classmethod
    def of(cls, kinds: Sequence[Kind], count: int) -> Self:
        return cls(victims(kinds, WARM_UP), victims(kinds, count))

    @property
    def everyone(self) -> list[Victim]:
        return [*self.warm_up, *self.measured]


class Attacker:
    """Somebody who looks at the time of an answer, and at that of a cheap request sent straight after it."""

    def __init__(self, service: Service, stopwatch: Stopwatch) -> None:
        self._service = service
        self._stopwatch = stopwatch
        # A registration of their own, whose password the process remembers: looking at it takes no hash.
        (self._own,) = victims([Kind.PENDING], 1)
        stopwatch.time(_register(self._own), 202)

    def attack(self, paths: Sequence[Path], series: _Series) -> list[Times]:
        """Send the requests of all paths, in order, for one victim after another."""
        self._attack(paths, series.warm_up)
        return self._attack(paths, series.measured)

    def _attack(self, paths: Sequence[Path], them: Sequence[Victim]) -> list[Times]:
        found = {path: (Times(path.name, ANSWER), Times(path.name, NEXT)) for path in paths}
        for victim in random.sample(them, len(them)):
            for path, (answers, nexts) in found.items():
                asked, asked_next = path.request(victim), _look(self._own)
                self._wait_until_idle()
                answers.by_kind[victim.kind].append(self._stopwatch.time(asked, path.status))
                nexts.by_kind[victim.kind].append(self._stopwatch.time(asked_next, 200))
        return [times for pair in found.values() for times in pair]

    def _wait_until_idle(self) -> None:
        """What one request leaves to be done is not to disturb the next: noise would hide what is looked for."""
        pid, spent = self._service.pid, -1
        while spent != (spent := probes.running_nanoseconds(pid)) or probes.wants_a_processor(pid):
            time.sleep(IDLE_SECONDS)
