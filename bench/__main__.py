"""`python -m bench` measures whole journeys; `python -m bench --help` tells of the rest."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict

import click

from bench import answers as answers_bench
from bench import growth as growth_bench
from bench import journey_aims, journey_page, report
from bench import journeys as journeys_bench
from bench import mails as mails_bench
from bench import micro as micro_bench
from bench import overload as overload_bench
from bench import purge as purge_bench
from bench import replicas as replicas_bench
from bench import soak as soak_bench
from bench import start as start_bench
from bench import statements as statements_bench
from bench.aims import Missed, insist, kept, show
from bench.contenders import contenders
from bench.figures import Spread, short, table
from bench.journeys import Contest, Load
from bench.stage import Broken, Stage
from tools import processes
from tools.private_redis import NoRedis
from tools.server_distribution import NoServer

SECONDS = click.FloatRange(0.5, 300)


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure the service on this machine, with a database and a mail provider that are thrown away.

    Without a command: journeys, start and micro, one after the other.
    """
    if context.invoked_subcommand is None:
        missed = []
        for command in (journeys, start, micro):
            print(f"\n=== {command.name}", flush=True)
            try:
                context.invoke(command)
            except Missed as miss:
                missed.append(miss.message)
        if missed:
            raise Missed("\n".join(missed))


@main.command()
@click.option(
    "--cost", "costs", type=click.IntRange(4, 16), multiple=True, default=(12, 4), show_default=True
)
@click.option("--callers", type=click.IntRange(1, 500), help="By default 32, and 16 from cost 10 on.")
@click.option("--seconds", type=SECONDS, default=10.0, show_default=True, help="Of each measurement.")
@click.option("--warm-up", type=SECONDS, default=3.0, show_default=True, help="Seconds before each.")
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option("--peers/--no-peers", default=True, show_default=True, help="Compare with other services.")
def journeys(
    costs: tuple[int, ...], callers: int | None, seconds: float, warm_up: float, rounds: int, *, peers: bool
) -> None:
    """Whole journeys (register, read the code, activate) by callers that begin anew when they have ended."""
    contests = [
        Contest(
            cost,
            Load(callers or (16 if cost >= 10 else 32), warm_up, seconds),
            contenders(cost, with_peers=peers),
        )
        for cost in costs
    ]
    with _stage() as stage:
        measured = journeys_bench.measure(stage, contests, rounds, click.echo)
        counted = statements_bench.measure(stage)
        database = stage.probe.version
    for cost in costs:
        print(f"\n{table([f'cost {cost}', *measured[cost]], journey_page.rows(measured[cost]))}")
        print("failures:", "; ".join(journey_page.failures(measured[cost])) or "none")
    aims = journey_aims.aims(measured)
    print()
    show(aims)
    settings = {
        "rounds": rounds,
        "warm_up_seconds": warm_up,
        "seconds": seconds,
        "callers": {contest.cost: contest.load.callers for contest in contests},
    }
    results = {
        "aims": kept(aims),
        "statements": asdict(counted.statements),
        "round_trips": asdict(counted.round_trips),
        "commits": asdict(counted.commits),
        **{
            f"cost {cost}": {
                name: [{**each.figures, "failures": each.failures} for each in found]
                for name, found in by_name.items()
            }
            for cost, by_name in measured.items()
        },
    }
    about = report.about(database)
    report.write_text("journeys.md", journey_page.page(about, measured, counted, aims, settings))
    report.write_text("journeys.svg", journey_page.picture(about, measured, rounds))
    _wrote("journeys", database, settings, results)
    insist(aims)


@main.command()
@click.option("--rate", type=click.FloatRange(0.5, 100), default=10.0, show_default=True)
@click.option("--seconds", type=SECONDS, default=20.0, show_default=True, help="Of each part.")
@click.option("--backlog", type=click.IntRange(100, 100_000), default=10_000, show_default=True)
@click.option("--waiting", type=click.IntRange(100, 1_000_000), default=100_000, show_default=True)
@click.option("--settled", type=click.IntRange(0, 5_000_000), default=200_000, show_default=True)
def mails(rate: float, seconds: float, backlog: int, waiting: int, settled: int) -> None:
    """Mails: how soon one leaves, how fast a backlog does, and what it costs when many wait."""
    results: dict[str, mails_bench.Figures] = {}
    with _stage() as stage:
        for title, figures in mails_bench.measure(stage, rate, seconds, backlog, waiting, settled):
            print(
                table(
                    [title, ""], [[journey_page.title(name), short(value)] for name, value in figures.items()]
                ),
                "\n",
            )
            results[title] = figures
        database = stage.probe.version
    settings = {
        "rate": rate,
        "seconds": seconds,
        "backlog": backlog,
        "waiting": waiting,
        "settled": settled,
        "cost": mails_bench.COST,
    }
    _wrote("mails", database, settings, results)


@main.command()
def statements() -> None:
    """Which statements a registration and an activation are made of, and how often each is run; nothing is kept."""
    with _stage() as stage:
        counted = statements_bench.measure(stage)
    print(f"{counted.journeys} journeys by one caller; round trips for each, the sweeps' among them:")
    print("register  activate")
    for shape, each in [
        *counted.by_text,
        ("round trips in all", counted.round_trips),
        ("statements that they bring", counted.statements),
        ("commits that wrote something", counted.commits),
    ]:
        print(f"{each.register:8.2f}  {each.activate:8.2f}  {shape[:150]}")


@main.command()
@click.option("--answers", "count", type=click.IntRange(10, 100_000), default=1000, show_default=True)
@click.option("--cost", type=click.IntRange(8, 16), default=8, show_default=True)
@click.option("--stored-cost", type=click.IntRange(4, 16), help="Of hashes from before; by default the same.")
@click.option(
    "--path",
    "paths",
    type=click.Choice([path.name for path in answers_bench.PATHS]),
    multiple=True,
    help="By default all.",
)
def answers(count: int, cost: int, stored_cost: int | None, paths: tuple[str, ...]) -> None:
    """What somebody with a stop-watch learns: answers for unknown, pending, taken and active addresses."""
    names = paths or tuple(path.name for path in answers_bench.PATHS)
    with _stage() as stage:
        found = answers_bench.measure(stage, count, cost, stored_cost or cost, names, click.echo)
        database = stage.probe.version
    for title, column in (("median, ms", _medians), ("chance to take longer", _chances)):
        headings = list(dict.fromkeys(name for times in found for name in column(times)))
        rows = [
            [f"{times.path}, {times.timed}", *(column(times).get(name, "") for name in headings)]
            for times in found
        ]
        print(f"\n{table([title, *headings], rows)}")
    settings = {"answers": count, "cost": cost, "stored_cost": stored_cost or cost, "paths": names}
    results = [
        {"path": times.path, "timed": times.timed, "median_ms": times.medians, "chances": times.chances}
        for times in found
    ]
    older = [f"of-cost-{stored_cost}"] if stored_cost else []
    _wrote("-".join(["answers", *older, *paths]), database, settings, results)
    telling = [f"{times.path}, {times.timed}: {pair}" for times in found for pair in times.telling]
    if telling:
        raise Missed(
            f"can be told from each other ({answers_bench.TOLERANCE:g} from 0.5 is allowed):\n  "
            + "\n  ".join(telling)
        )


@main.command()
@click.option("--cost", type=click.IntRange(4, 16), default=12, show_default=True)
@click.option("--seconds", type=SECONDS, default=30.0, show_default=True)
def overload(cost: int, seconds: float) -> None:
    """Ten times as many registrations as there is capacity for, and what becomes of everybody else."""
    with _stage() as stage:
        outcome = overload_bench.measure(stage, cost, seconds, click.echo)
        database = stage.probe.version
    print(
        table(["", ""], [[journey_page.title(name), short(value)] for name, value in outcome.figures.items()])
    )
    print(f"failures: {dict(outcome.failures) or 'none'}\n")
    show(outcome.aims)
    results = {
        "figures": outcome.figures,
        "failures": outcome.failures,
        "aims": kept(outcome.aims),
    }
    _wrote("overload", database, {"cost": cost, "seconds": seconds}, results)
    insist(outcome.aims)


@main.command()
@click.option("--mails", "count", type=click.IntRange(1000, 5_000_000), default=5_000_000, show_default=True)
@click.option("--rate", type=click.FloatRange(0.5, 100), default=10.0, show_default=True)
@click.option("--seconds", type=SECONDS, default=30.0, show_default=True, help="Of registering before.")
def purge(count: int, rate: float, seconds: float) -> None:
    """Millions of old rows are purged while people register: how fast, and what the people notice."""
    with _stage() as stage:
        outcome = purge_bench.measure(stage, count, rate, seconds, click.echo)
        database = stage.probe.version
    print(
        table(["", ""], [[journey_page.title(name), short(value)] for name, value in outcome.figures.items()])
    )
    print(f"failures: {dict(outcome.failures) or 'none'}")
    settings = {
        "mails": count,
        "rate": rate,
        "seconds": seconds,
        "cost": purge_bench.COST,
        "buffer_pool_mb": purge_bench.BUFFER_POOL_MB,
        "redo_log_mb": purge_bench.REDO_LOG_MB,
    }
    _wrote("purge", database, settings, {"figures": outcome.figures, "failures": outcome.failures})


@main.command()
@click.option("--cost", type=click.IntRange(4, 16), default=4, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.2, 600), default=60.0, show_default=True)
def soak(cost: int, minutes: float) -> None:
    """Memory, idle and under full load, where every journey comes from another client."""
    with _stage() as stage:
        outcome = soak_bench.measure(stage, cost, minutes, click.echo)
        database = stage.probe.version
    print(
        table(["", ""], [[journey_page.title(name), short(value)] for name, value in outcome.figures.items()])
    )
    print(f"failures: {dict(outcome.failures) or 'none'}")
    results = {"figures": outcome.figures, "failures": outcome.failures, "memory_mb": outcome.memory_mb}
    settings = {"cost": cost, "minutes": minutes, "callers": soak_bench.CALLERS}
    _wrote("soak", database, settings, results)
    if outcome.missed:
        raise Missed("; ".join(outcome.missed))


@main.command()
@click.option("--users", type=click.IntRange(10_000, 20_000_000), default=5_000_000, show_default=True)
@click.option("--mails", "count", type=click.IntRange(1000, 5_000_000), default=1_000_000, show_default=True)
@click.option("--seconds", type=SECONDS, default=8.0, show_default=True, help="Of each measurement.")
@click.option("--rounds", type=click.IntRange(1, 50), default=7, show_default=True)
def growth(users: int, count: int, seconds: float, rounds: int) -> None:
    """Whether a journey costs as much with millions of users and old mails as with a thousand users."""
    with _stage() as stage:
        outcome = growth_bench.measure(stage, users, count, seconds, rounds, click.echo)
        database = stage.probe.version
    names = list(next(iter(outcome.columns.values())))
    print(
        table(
            ["median (least to most)", *outcome.columns],
            [
                [journey_page.title(name), *(str(figures[name]) for figures in outcome.columns.values())]
                for name in names
            ],
        )
    )
    print(f"failures: {dict(outcome.failures) or 'none'}\n")
    show(outcome.aims)
    settings = {
        "users": users,
        "mails": count,
        "seconds": seconds,
        "rounds": rounds,
        "cost": growth_bench.COST,
        "callers": growth_bench.CALLERS,
        "buffer_pool_mb": growth_bench.BUFFER_POOL_MB,
    }
    results = {
        "seconds_to_fill": outcome.seconds_to_fill,
        "rounds": outcome.rounds,
        "failures": outcome.failures,
        "aims": kept(outcome.aims),
    }
    _wrote("growth", database, settings, results)
    insist(outcome.aims)


@main.command()
@click.option("--callers", type=click.IntRange(6, 600), default=48, show_default=True, help="In all.")
@click.option("--seconds", type=SECONDS, default=10.0, show_default=True, help="Of each measurement.")
@click.option("--warm-up", type=SECONDS, default=3.0, show_default=True, help="Seconds before each.")
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True)
def replicas(callers: int, seconds: float, warm_up: float, rounds: int) -> None:
    """One, two and three replicas on one database: what they make, and which resource is full."""
    with _stage() as stage:
        outcome = replicas_bench.measure(stage, callers, warm_up, seconds, rounds, click.echo)
        database = stage.probe.version
    names = list(next(iter(outcome.columns.values())))
    headings = [f"{count} replicas" if count > 1 else "1 replica" for count in outcome.columns]
    print(
        table(
            ["median (least to most)", *headings],
            [
                [journey_page.title(name), *(str(figures[name]) for figures in outcome.columns.values())]
                for name in names
            ],
        )
    )
    for heading, full in zip(headings, outcome.full.values(), strict=True):
        print(f"full with {heading}: {full}")
    settings = {
        "callers": callers,
        "warm_up_seconds": warm_up,
        "seconds": seconds,
        "rounds": rounds,
        "cost": replicas_bench.COST,
    }
    results = {
        "full": outcome.full,
        "rounds": {
            count: [{**each.figures, "failures": each.failures} for each in found]
            for count, found in outcome.rounds.items()
        },
    }
    _wrote("replicas", database, settings, results)


@main.command()
@click.option("--times", type=click.IntRange(1, 100), default=7, show_default=True)
def start(times: int) -> None:
    """How long `serve` takes from its exec until it answers, and how long `--help` takes."""
    with _stage() as stage:
        outcome = start_bench.measure(stage, times)
        database = stage.probe.version
    spreads = {name: str(Spread.of(seconds)) for name, seconds in outcome.seconds.items()}
    print(
        table([f"seconds, median of {times} (least to most)", ""], [list(each) for each in spreads.items()])
    )
    print()
    show(outcome.aims)
    _wrote("start", database, {"times": times}, {"seconds": outcome.seconds, "aims": kept(outcome.aims)})
    insist(outcome.aims)


@main.command()
def micro() -> None:
    """What is done so often that it must stay cheap, one piece at a time."""
    found = micro_bench.measure()
    rows = [[piece.name, short(piece.median), short(piece.low), short(piece.high)] for piece in found]
    print(table(["microseconds", "median", "p25", "p75"], rows))
    _wrote(
        "micro",
        "none",
        {},
        {
            piece.name: {"median_us": piece.median, "p25_us": piece.low, "p75_us": piece.high}
            for piece in found
        },
    )


def _medians(times: answers_bench.Times) -> dict[str, str]:
    return {kind: f"{milliseconds:.2f}" for kind, milliseconds in times.medians.items()}


def _chances(times: answers_bench.Times) -> dict[str, str]:
    return {
        pair: f"{'!' if pair in times.telling else ''}{chance:.3f}" for pair, chance in times.chances.items()
    }


@contextlib.contextmanager
def _stage() -> Iterator[Stage]:
    processes.interrupt_on_signals()
    with Stage.open() as stage:
        yield stage


def _wrote(name: str, database: str, settings: Mapping[str, object], results: object) -> None:
    file = report.write(name, database, settings, results)
    machine = report.machine()
    print(f"\n{machine['processor']}, {machine['cores']} cores; MariaDB {database}. Kept in {file}")


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit("Interrupted; everything has been stopped.")
    except (Broken, NoRedis, NoServer) as error:
        sys.exit(str(error))
