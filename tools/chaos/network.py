"""A network of our own, in which a node can be cut off from the others and nobody else is reached."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from tools.galera_node import GaleraNode

INSIDE = "CHAOS_HAS_ITS_OWN_NETWORK"


def is_ours() -> bool:
    return INSIDE in os.environ


def enter() -> None:
    """Begin this program anew in a network of its own, where that is possible: only root may."""
    if is_ours():
        return
    programs = ("unshare", "ip", "iptables")
    if os.geteuid() != 0 or not all(shutil.which(program) for program in programs):
        return
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode != 0:
        return
    os.environ[INSIDE] = "yes"
    again = [sys.executable, "-m", "tools.chaos", *sys.argv[1:]]
    os.execvp(  # noqa: S606 - the program is this one
        "unshare", ["unshare", "-n", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *again]
    )


def cut_off(node: GaleraNode, others: Sequence[GaleraNode]) -> None:
    """Drop whatever the node and the others send each other. Clients still reach it."""
    for other in others:
        for one, another in ((node, other), (other, node)):
            _iptables("--append", "INPUT", "-s", one.address, "-d", another.address, "-j", "DROP")


def rejoin() -> None:
    _iptables("--flush", "INPUT")


def _iptables(*arguments: str) -> None:
    subprocess.run(["iptables", "--wait", *arguments], capture_output=True, check=True)
