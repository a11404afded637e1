"""`python -m tools.chaos run` breaks a cluster and checks what came of it; `check FOLDER` checks a record again."""

import argparse
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools import haproxy, processes
from tools.addresses import AddressTaken
from tools.chaos import network, record
from tools.chaos.check import check
from tools.chaos.faults import NAMES, find_fake_clock
from tools.chaos.picture import draw
from tools.chaos.record import Record
from tools.chaos.recovery import recoveries
from tools.chaos.report import report
from tools.chaos.run import Outcome, Plan, run
from tools.cluster import REPLICAS, HasEnded
from tools.environment import ROOT
from tools.galera_distribution import find_galera
from tools.haproxy import NoHAProxy
from tools.server_distribution import NoServer

DOCUMENT = ROOT / "docs" / "chaos.md"
PICTURE = ROOT / "docs" / "chaos.svg"
SHORT = ("replica-killed", "node-killed", "provider-refuses")
KEPT_BELOW = "<!-- What follows is written by `make chaos ARGS=--keep`. -->\n"


def main() -> None:
    arguments = _parse()
    is_good = _check(arguments.folder) if arguments.command == "check" else _run(arguments)
    sys.exit(0 if is_good else 1)


def _run(arguments: argparse.Namespace) -> bool:
    find_galera()
    haproxy.find()
    fake_clock = find_fake_clock()
    network.enter()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(exist_ok=True)
    plan = _plan(arguments)
    print(f"The seed is {plan.seed}; the record goes to {folder}", flush=True)
    outcome = run(plan, folder, fake_clock, has_own_network=network.is_ours())
    title = _title(plan)
    text = _tell(outcome.record, title, _asides(outcome))
    picture = draw(outcome.record.calls, outcome.record.incidents, outcome.began_at, title)
    (folder / "report.md").write_text(text)
    (folder / "picture.svg").write_text(picture)
    print(f"\n{text}")
    is_good = outcome.nodes_agree and _keeps_the_rules(outcome.record)
    is_good = is_good and (plan.spread or _answers_came_again(outcome.record))
    print(f"{'PASS' if is_good else 'FAIL'}; the record, the report and the picture are in {folder}")
    if is_good and arguments.keep:
        _keep(text, picture)
    return is_good


def _title(plan: Plan) -> str:
    how = ", each on a node of its own" if plan.spread else ""
    return f"Seed {plan.seed}, {plan.replicas} replicas{how}, {time.strftime('%Y-%m-%d', time.gmtime())}"


def _asides(outcome: Outcome) -> list[str]:
    return [
        "The nodes have the same tables." if outcome.nodes_agree else "**The nodes' tables differ.**",
        f"{outcome.given_up} journeys came to no end; {outcome.turned_away} did not begin, as too many were under way.",
    ]


def _plan(arguments: argparse.Namespace) -> Plan:
    faults = arguments.faults or list(SHORT if arguments.short else NAMES)
    random.Random(arguments.seed).shuffle(faults)  # noqa: S311 - it guards nothing
    return Plan(
        seed=arguments.seed,
        faults=faults,
        replicas=arguments.replicas or (2 if arguments.short else 3),
        per_second=arguments.per_second,
        attacks=0.08,
        dawdlers=0.0 if arguments.short else 0.05,
        lingering_seconds=1.0 if arguments.short else 15.0,
        held=(2.5, 3.5) if arguments.short else (6.0, 10.0),
        calm=1.5 if arguments.short else 5.0,
        spread=arguments.spread,
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="break a cluster under load, and check the history")
    running.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    running.add_argument(
        "--faults", nargs="+", choices=NAMES, metavar="FAULT", help=f"by default all: {', '.join(NAMES)}"
    )
    running.add_argument("--replicas", type=int, choices=REPLICAS, help="by default 3, in a short run 2")
    running.add_argument("--per-second", type=float, default=4.0, help="journeys and attacks that begin")
    running.add_argument(
        "--short", action="store_true", help="three faults of three seconds, and nobody lingers"
    )
    running.add_argument(
        "--spread",
        action="store_true",
        help="a node for each replica, and any replica for each request, past HAProxy; no aim for its answers",
    )
    running.add_argument("--folder", type=Path, help="for the record; by default a new one")
    running.add_argument(
        "--keep", action="store_true", help="write the report of a good run into docs/chaos.md"
    )
    checking = commands.add_parser("check", help="check a record again")
    checking.add_argument("folder", type=Path)
    return parser.parse_args()


def _check(folder: Path) -> bool:
    try:
        found = record.read(folder)
    except (OSError, ValueError, TypeError) as error:
        sys.exit(f"There is no record that could be read in {folder}: {error}")
    print(_tell(found, f"The record in {folder}", []))
    return _keeps_the_rules(found)


def _tell(found: Record, title: str, asides: Sequence[str]) -> str:
    times = recoveries(found.calls, found.handed_in, found.incidents)
    return report(title, found, times, check(found), asides)


def _keeps_the_rules(found: Record) -> bool:
    return not any(verdict.broken for verdict in check(found))


def _answers_came_again(found: Record) -> bool:
    """Whether they did in time, after each fault."""
    times = recoveries(found.calls, found.handed_in, found.incidents)
    return all(each.is_as_aimed for each in times)


def _keep(text: str, picture: str) -> None:
    written, marker, _ = DOCUMENT.read_text().partition(KEPT_BELOW)
    DOCUMENT.write_text(f"{written}{marker}\n{text}")
    PICTURE.write_text(picture)


if __name__ == "__main__":
    processes.interrupt_on_signals()
    try:
        main()
    except KeyboardInterrupt:
        print("Stopped.")
        sys.exit(130)
    except (AddressTaken, NoServer, NoHAProxy, HasEnded) as error:
        sys.exit(str(error))
