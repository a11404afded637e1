"""All that a real installation has, on this machine: Galera, HAProxy twice, replicas of the service, the sandbox.

    with open_cluster(folder, replicas=2) as cluster: ...   # logs go to the folder
    python -m tools.cluster                                 # by hand: prints where everything is, until Ctrl-C

Callers ask HAProxy, which asks a replica; replicas ask another HAProxy, which asks a node. Both HAProxy and the nodes
run the files in config/ that operators are given. Every part can be killed, frozen, stopped and started again.
"""

import argparse
import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import haproxy, processes
from tools.addresses import LOOPBACK, Address, AddressTaken, free_port
from tools.environment import PYTHON, ROOT
from tools.galera import SIZE, GaleraCluster
from tools.galera_node import GaleraNode
from tools.haproxy import Balancer, NoHAProxy
from tools.program import Program
from tools.server_distribution import NoServer

READY_SECONDS = 60
RESTART_SECONDS = 5
REPLICAS = range(2, 5)
"""How many config/haproxy/service.cfg has room for."""


class HasEnded(Exception):
    """Something that should run does not; the message says what."""


class Replica(Program):
    """One process of the service, with its private port."""

    def __init__(self, name: str, log: Path, settings: Mapping[str, str]) -> None:
        port, admin_port = free_port(), free_port()
        own = {
            "REGISTRATION_HOST": LOOPBACK,
            "REGISTRATION_PORT": str(port),
            "REGISTRATION_ADMIN_PORT": str(admin_port),
        }
        super().__init__(name, [str(PYTHON), "-m", "registration", "serve"], log, {**settings, **own})
        self.address = f"{LOOPBACK}:{port}"
        self.url = f"http://{self.address}"
        """Past HAProxy."""
        self.status_url = f"http://{LOOPBACK}:{admin_port}/status"


@dataclass(frozen=True, slots=True)
class Cluster:
    """What runs."""

    galera: GaleraCluster
    database_balancer: Balancer
    service_balancer: Balancer
    replicas: Sequence[Replica]
    sandbox: Program
    url: str
    """The service as callers have it: through HAProxy."""
    sandbox_url: str
    """The mail provider's API, and the inbox page."""
    database_url: str
    """The database as the replicas have it: through HAProxy."""
    settings: Mapping[str, str]
    """The environment of the replicas, but for their ports: what `python -m registration` needs for any command."""

    @property
    def nodes(self) -> Sequence[GaleraNode]:
        return self.galera.nodes

    @property
    def programs(self) -> Sequence[Program]:
        """All but the nodes."""
        return [self.sandbox, self.database_balancer, *self.replicas, self.service_balancer]

    def writer(self) -> GaleraNode | None:
        """The node that HAProxy has written to last; None before the first connection."""
        names = re.findall(r"server_key=(\w+)", self.database_balancer.ask("show table galera"))
        return next((node for node in self.nodes if node.name in names), None)

    def is_ready(self) -> bool:
        """Whether callers are served by all that there is: every replica, every node."""
        servers = {
            **self.service_balancer.servers("ready"),
            **self.database_balancer.servers("galera"),
        }
        return len(servers) == len(self.replicas) + len(self.nodes) and set(servers.values()) == {"UP"}

    def wait_until(self, is_true: Callable[[], bool], what: str, seconds: float = READY_SECONDS) -> None:
        """Wait for it. Raises HasEnded if it takes longer."""
        deadline = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > deadline:
                raise HasEnded(f"It was not so within {seconds:.0f} s: {what}")
            time.sleep(0.05)


@contextlib.contextmanager
def open_cluster(
    folder: Path,
    replicas: int = REPLICAS.start,
    settings: Mapping[str, str] | None = None,
    ports: Mapping[str, int] | None = None,
) -> Iterator[Cluster]:
    """Start it all, and stop it at the end, with its data; what has died meanwhile is no obstacle.

    `folder`: for the logs. `settings`: more of the environment for the replicas. `ports`: of `service` and `sandbox`, if
    they are not to be any. Raises NoServer, NoHAProxy, AddressTaken or HasEnded.
    """
    program = haproxy.find()
    places = {"service": free_port(), "sandbox": free_port(), **(ports or {})}
    with contextlib.ExitStack() as stack:
        sockets = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-"))
        )  # their paths are short
        galera = stack.enter_context(GaleraCluster())
        addresses = {
            f"GALERA_{number}": node.sql_address for number, node in enumerate(galera.nodes, start=1)
        }
        database = Balancer(
            "database", program, sockets, folder, {**addresses, "DATABASE_LISTEN": _free_address()}
        )
        sandbox_url = f"http://{LOOPBACK}:{places['sandbox']}"
        environment = _settings(
            galera.nodes[0].url_through(database.addresses["DATABASE_LISTEN"]), sandbox_url, settings or {}
        )
        sandbox = Program(
            "sandbox",
            [str(PYTHON), "-m", "registration", "sandbox", "--port", str(places["sandbox"])],
            folder / "sandbox.log",
            environment,
        )
        runs = [
            Replica(f"replica{number}", folder / f"replica{number}.log", environment)
            for number in range(1, replicas + 1)
        ]
        addresses = {f"REPLICA_{number}": replica.address for number, replica in enumerate(runs, start=1)}
        listen = f"{LOOPBACK}:{places['service']}"
        service = Balancer("service", program, sockets, folder, {**addresses, "SERVICE_LISTEN": listen})
        cluster = Cluster(
            galera=galera,
            database_balancer=database,
            service_balancer=service,
            replicas=runs,
            sandbox=sandbox,
            url=f"http://{listen}",
            sandbox_url=sandbox_url,
            database_url=environment["REGISTRATION_DATABASE_URL"],
            settings=environment,
        )
        _migrate(galera.nodes[0].url(), environment)
        stack.callback(_stop, cluster)
        for each in cluster.programs:
            each.start()
            if each is database:  # without it the service would not start
                cluster.wait_until(
                    lambda: "UP" in database.servers("galera").values(), "the database answers"
                )
        cluster.wait_until(cluster.is_ready, f"all are ready; see {folder}")
        yield cluster


def _stop(cluster: Cluster) -> None:
    """In the order in which they are asked, the replicas together: one that is without a database takes its time."""
    for node in cluster.nodes:
        node.resume()
    cluster.service_balancer.stop()
    for replica in cluster.replicas:
        replica.resume()
        replica.signal(signal.SIGTERM)
    for each in reversed(cluster.programs):
        each.stop()


def _settings(database_url: str, sandbox_url: str, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a replica, with nothing of ours but what is said here."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRATION_")}
    return {
        **others,
        "REGISTRATION_DATABASE_URL": database_url,
        "REGISTRATION_SECRET_KEY": secrets.token_hex(32),
        "REGISTRATION_MAIL_PROVIDER": "mailpit",
        "REGISTRATION_MAIL_API_URL": sandbox_url,
        "REGISTRATION_MAIL_FROM": "Registration <registration@example.com>",
        "REGISTRATION_TRUSTED_PROXIES": LOOPBACK,
        **more,
    }


def _migrate(database_url: str, settings: Mapping[str, str]) -> None:
    """As one job, on a node itself, as operators are told to."""
    result = subprocess.run(
        [str(PYTHON), "-m", "registration", "migrate"],
        cwd=ROOT,
        env={**settings, "REGISTRATION_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise HasEnded(f"{result.stdout}{result.stderr}The database could not be migrated.")


class _Caretaker:
    """Starts again what has ended, as systemd does, but late enough to see how the rest goes on without it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ended_at: dict[str, float] = {}

    def look(self) -> None:
        parts: list[Program | GaleraNode] = [*self._cluster.programs, *self._cluster.nodes]
        for part in parts:
            if part.is_running:
                self._ended_at.pop(part.name, None)
            elif part.name not in self._ended_at:
                self._ended_at[part.name] = time.monotonic()
                print(f"{part.name} has ended; it is started again in {RESTART_SECONDS} s.", flush=True)
            elif time.monotonic() > self._ended_at[part.name] + RESTART_SECONDS:
                print(f"Starting {part.name} again", flush=True)
                self._start(part)

    def _start(self, part: Program | GaleraNode) -> None:
        if isinstance(part, Program):
            part.start()
        else:
            self._cluster.galera.start_again(part)


def main() -> None:
    """Start all that a real installation has, print where everything is, and run until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tools.cluster", description=main.__doc__)
    parser.add_argument("--replicas", type=int, choices=REPLICAS, default=REPLICAS.start)
    replicas = parser.parse_args().replicas
    ports = {
        "service": Address.of("service", LOOPBACK, "REGISTRATION_PORT", 8000).port,
        "sandbox": Address.of("sandbox", LOOPBACK, "REGISTRATION_SANDBOX_PORT", 8025).port,
    }
    parent = os.getppid()
    given = {name: value for name, value in os.environ.items() if name.startswith("REGISTRATION_") and value}
    print(
        f"Starting {SIZE} nodes of Galera, {replicas} replicas, HAProxy before each, and the sandbox",
        flush=True,
    )
    with (
        tempfile.TemporaryDirectory(prefix="cluster-logs-") as logs,
        open_cluster(Path(logs), replicas, given, ports) as cluster,
    ):
        print(_where_everything_is(cluster, Path(logs)), flush=True)
        caretaker = _Caretaker(cluster)
        while "MAKELEVEL" not in os.environ or os.getppid() == parent:  # make may be killed, too
            caretaker.look()
            time.sleep(0.2)


def _where_everything_is(cluster: Cluster, logs: Path) -> str:
    json = "-H 'Content-Type: application/json' -d"
    service, database = cluster.service_balancer, cluster.database_balancer
    lines = [
        ("service", cluster.url, "through HAProxy", service.pid),
        ("", service.stats_url, "HAProxy's page", None),
        *((each.name, each.url, each.status_url, each.pid) for each in cluster.replicas),
        ("database", database.addresses["DATABASE_LISTEN"], "through HAProxy", database.pid),
        ("", database.stats_url, "HAProxy's page", None),
        *((node.name, node.sql_address, str(node.log), node.pid) for node in cluster.nodes),
        ("inbox", cluster.sandbox_url, "", cluster.sandbox.pid),
        ("logs", str(logs), "", None),
    ]
    table = "\n".join(f"  {a:<9} {b:<40} {c:<45} {d or ''}".rstrip() for a, b, c, d in lines)
    return f"""
{table}

  Register, find the code in the inbox, and show it within a minute:

  curl -i {cluster.url}/v1/users {json} '{{"email":"ada@example.com","password":"correct horse"}}'
  curl -i {cluster.url}/v1/users/activation -u 'ada@example.com:correct horse' {json} '{{"code":"1234"}}'

  The last column is for `kill -9` and `kill -STOP`; what is killed is started again after {RESTART_SECONDS} s.
  Ctrl-C stops it all.
"""


def _free_address() -> str:
    return f"{LOOPBACK}:{free_port()}"


if __name__ == "__main__":
    processes.interrupt_on_signals()
    try:
        main()
    except KeyboardInterrupt:
        print("Stopped.")
    except (AddressTaken, NoServer, NoHAProxy, HasEnded) as error:
        sys.exit(str(error))
