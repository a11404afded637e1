"""A Galera cluster of our own: real MariaDB nodes on the loopback interface, thrown away when they stop.

    with GaleraCluster() as cluster: ...            # three nodes, each with a URL of its own
    python -m tools.galera                          # by hand: prints the URLs, runs until interrupted

Every node takes writes to the one database that they share.
"""

import argparse
import contextlib
import fcntl
import os
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tools import processes
from tools.galera_distribution import find_galera
from tools.galera_node import GaleraNode
from tools.server_distribution import NoServer

SIZE = 3
PREFIX = "throwaway-cluster-"
AGREE_SECONDS = 15


class GaleraCluster:
    """Nodes that are ready when entered and gone when left, with their data."""

    def __init__(self, size: int = SIZE) -> None:
        self._distribution = find_galera()
        self._size = size
        self._folder: Path | None = None
        self._lock: int | None = None
        self.nodes: list[GaleraNode] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except (
            NoServer
        ):  # somebody may listen on one of the ports on every address of loopback for a moment: once more
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        """One after another, each when the rest have agreed on the smaller group: else the last one can hang."""
        try:
            for node in self.nodes:
                node.resume()  # the rest would wait for one that is frozen
            for number in reversed(range(self._size)):
                self.nodes[number].stop()
                with contextlib.suppress(NoServer):
                    _wait_until_agreed([node for node in self.nodes if node.is_running])
        finally:
            self._throw_away()

    def start_again(self, node: GaleraNode) -> None:
        """Start a node that has ended; do not wait until it is Synced. If none runs, it has to be the first of all."""
        if any(each.is_running for each in self.nodes):
            node.begin_to_start(self.nodes, bootstraps=False)
        else:
            self.start_all_again()

    def start_all_again(self) -> None:
        """After a full stop, clean or not: begin with the node that has got furthest. Raises NoServer."""
        first = max(self.nodes, key=lambda node: node.last_transaction())
        first.bootstrap_again(self.nodes)
        for node in self.nodes:
            if node is not first:
                node.start(self.nodes, bootstraps=False)

    def _start(self) -> None:
        try:
            self._make_nodes()
            self._start_nodes()
        except BaseException:
            self._throw_away()
            raise

    def _make_nodes(self) -> None:
        user = self._distribution.user
        for abandoned in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            _remove_if_abandoned(abandoned)
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        shutil.chown(self._folder, user)
        password = secrets.token_hex(16)
        for number, address in enumerate(_addresses(self._size), start=1):
            own = self._folder / f"node{number}"
            for each in (own, own / "data", own / "tmp"):
                each.mkdir(mode=0o700)
                shutil.chown(each, user)
            self.nodes.append(GaleraNode(f"node{number}", own, address, password, self._distribution))

    def _start_nodes(self) -> None:
        """One after another: each is given the database by those before it."""
        self.nodes[0].initialise()
        for number, node in enumerate(self.nodes, start=1):
            node.start(self.nodes, bootstraps=number == 1)
            _wait_until_agreed(self.nodes[:number])

    def _throw_away(self) -> None:
        for node in self.nodes:
            node.kill()
        self.nodes.clear()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _wait_until_agreed(nodes: Sequence[GaleraNode]) -> None:
    """Wait until each knows of these and no others. Raises NoServer."""
    deadline = time.monotonic() + AGREE_SECONDS
    while any(node.group_size() != len(nodes) for node in nodes):
        if time.monotonic() > deadline:
            raise NoServer(f"The cluster's nodes do not agree on a group of {len(nodes)}.")
        time.sleep(0.05)


def _remove_if_abandoned(folder: Path) -> None:
    """Remove what a cluster has left whose process was killed: nobody holds its lock."""
    with contextlib.suppress(OSError):
        lock = os.open(folder / "lock", os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)


def _addresses(nodes: int) -> list[str]:
    """Addresses of loopback that nobody else uses: so each node has the usual ports, and the settings of a real one."""
    network = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}"  # noqa: S311 - it guards nothing
    return [f"{network}.{number}" for number in range(1, nodes + 1)]


def main() -> None:
    """Start a cluster, print the URL of its database at each node, and run until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tools.galera", description=main.__doc__)
    parser.add_argument("--nodes", type=int, default=SIZE)
    arguments = parser.parse_args()
    processes.interrupt_on_signals()
    with contextlib.suppress(KeyboardInterrupt), GaleraCluster(arguments.nodes) as cluster:
        for node in cluster.nodes:
            print(node.url(), flush=True)
        while all(node.is_running for node in cluster.nodes):
            time.sleep(0.2)
        sys.exit("A node of the cluster has ended.")


if __name__ == "__main__":
    try:
        main()
    except NoServer as error:
        sys.exit(str(error))
