"""Who is measured, and beside whom: this service, others that do the like, and the least that a journey can cost."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench import peer_environment
from bench.dialects import FASTAPI_USERS, OURS, Dialect
from bench.stage import Provider, Service, Stage, answers, environment_of, wait
from tools import private_redis
from tools.addresses import free_port
from tools.private_redis import throwaway_redis

Start = Callable[[Stage, Provider, int], AbstractContextManager[Service]]
"""At a bcrypt cost, on an empty database."""


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    dialect: Dialect
    start: Start


def _serve(stage: Stage, provider: Provider, cost: int) -> AbstractContextManager[Service]:
    return stage.service(bcrypt_cost=cost, database_url=stage.new_database(), mail_api_url=provider.url)


@contextlib.contextmanager
def _serve_with_two_workers(stage: Stage, provider: Provider, cost: int) -> Iterator[Service]:
    """They share what they count by Redis, whose time is not in the figures."""
    with (
        throwaway_redis(private_redis.find()) as redis,
        stage.service(
            "--workers",
            2,
            bcrypt_cost=cost,
            database_url=stage.new_database(),
            mail_api_url=provider.url,
            rate_limit_storage=redis.url,
        ) as service,
    ):
        yield service


def _peer(module: str) -> Start:
    @contextlib.contextmanager
    def start(stage: Stage, provider: Provider, cost: int) -> Iterator[Service]:
        port = free_port()
        settings = {
            "PEER_DATABASE_URL": stage.empty_database(),
            "PEER_MAIL_API_URL": provider.url,
            "PEER_BCRYPT_COST": str(cost),
        }
        with stage.running(
            module,
            "--port",
            port,
            environment=environment_of({}) | settings,
            python=peer_environment.prepare(),
            signal_if_we_die="TERM",  # it has worker processes, which it then takes with it
        ) as program:
            wait(program, lambda: answers(port, "/health/live"))
            yield Service(program, port)

    return start


@contextlib.contextmanager
def _hash(stage: Stage, provider: Provider, cost: int) -> Iterator[Service]:
    port = free_port()
    options = ("--port", port, "--mail-api-url", provider.url, "--cost", cost)
    with stage.running("bench.ceiling", *options) as program:
        wait(program, lambda: answers(port, "/health/live"))
        yield Service(program, port)


SERVICE = Contender("this service", OURS, _serve)
SERVICE_OF_TWO = Contender("this service, 2 workers", OURS, _serve_with_two_workers)
NAIVE = Contender("naive, 2 workers", OURS, _peer("bench.peers.naive"))
LIBRARY = Contender("fastapi-users, 2 workers", FASTAPI_USERS, _peer("bench.peers.fastapi_users"))
CEILING = Contender("nothing but hashes", OURS, _hash)


def contenders(cost: int, *, with_peers: bool) -> Sequence[Contender]:
    """Where hashing is all, one process of ours has work for every processor; elsewhere it is one processor's."""
    peers = [NAIVE, LIBRARY] if with_peers else []
    if cost >= 10:
        return [SERVICE, *peers, CEILING]
    return [SERVICE, SERVICE_OF_TWO, *peers]
