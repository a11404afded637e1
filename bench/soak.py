"""Memory, idle and through an hour under full load."""

import contextlib
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.callers import make_journeys
from bench.probes import peak_memory_mb, resident_mb
from bench.stage import Provider, Service, Stage
from tools.addresses import LOOPBACK

CALLERS = 32
LAP_SECONDS = 300.0
"""The load generator keeps what it saw; so it begins anew now and then."""

IDLE_SECONDS = 10.0
SAMPLE_SECONDS = 1.0

IDLE_MB = 110
PEAK_MB = 160
GROWTH_MB = 5
"""Between the third and the last quarter: what is bounded has reached its bound before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    figures: Mapping[str, float]
    failures: Mapping[str, int]
    memory_mb: Sequence[float]
    """The most in each minute."""

    @property
    def missed(self) -> Sequence[str]:
        """What is more than it should be."""
        limits = {"idle_mb": IDLE_MB, "peak_mb": PEAK_MB, "growth_mb": GROWTH_MB}
        return [f"{name} is over {most}" for name, most in limits.items() if self.figures[name] > most]


def measure(stage: Stage, cost: int, minutes: float, say: Callable[[str], None]) -> Outcome:
    """One service, with every limit on; each journey comes from another client, so that each is remembered."""
    settings = {
        "bcrypt_cost": cost,
        "database_url": stage.new_database(),
        "client_limits": "register=30/minute,auth=120/minute,wrong-codes=30/day",
        "trusted_proxies": LOOPBACK,
    }
    with (
        stage.provider() as provider,
        stage.service(**settings, mail_api_url=provider.url) as service,
        _sampling(service) as samples,
    ):
        time.sleep(IDLE_SECONDS)
        idle = max(samples)
        say(f"idle: {idle:.1f} MB")
        began_at, journeys, failures = time.monotonic(), 0, Counter[str]()
        while (left := minutes * 60 - (time.monotonic() - began_at)) > 0:
            lap = _lap(stage, service, provider, min(left, LAP_SECONDS))
            journeys += lap[0]
            failures += lap[1]
            say(
                f"{(time.monotonic() - began_at) / 60:5.1f} min: {journeys} journeys, {samples[-1]:.1f} MB now,"
                f" {max(samples):.1f} MB at most"
            )
        lasted = time.monotonic() - began_at
        peak = peak_memory_mb(service.pid)
    loaded = samples[int(IDLE_SECONDS / SAMPLE_SECONDS) :]
    quarter = len(loaded) // 4
    return Outcome(
        {
            "minutes": lasted / 60,
            "journeys": journeys,
            "journeys_per_second": journeys / lasted,
            "idle_mb": idle,
            "peak_mb": peak,
            "growth_mb": statistics.median(loaded[-quarter:])
            - statistics.median(loaded[2 * quarter : 3 * quarter]),
        },
        failures,
        [max(loaded[at : at + 60]) for at in range(0, len(loaded), 60)],
    )


def _lap(stage: Stage, service: Service, provider: Provider, seconds: float) -> tuple[int, Counter[str]]:
    seen = make_journeys(stage, service, provider, CALLERS, seconds, each_a_client=True)
    return len(seen["journeys_ended_at"]), Counter(seen["failures"])


@contextlib.contextmanager
def _sampling(service: Service) -> Iterator[list[float]]:
    """The service's memory, a sample a second for as long as the block runs."""
    samples: list[float] = []
    is_over = threading.Event()

    def sample() -> None:
        while not is_over.wait(SAMPLE_SECONDS):
            samples.append(resident_mb(service.pid))

    sampler = threading.Thread(target=sample, name="sampler")
    sampler.start()
    try:
        yield samples
    finally:
        is_over.set()
        sampler.join()
