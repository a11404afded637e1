"""`python -m bench` measures whole journeys; `python -m bench --help` tells of the rest."""

import contextlib
import sys
from collections.abc import Iterator, Mapping

import click

from bench import answers as answers_bench
from bench import journeys as journeys_bench
from bench import mails as mails_bench
from bench import overload as overload_bench
from bench import purge as purge_bench
from bench import report
from bench import soak as soak_bench
from bench import statements as statements_bench
from bench.figures import short, spreads, table
from bench.journeys import Load
from bench.stage import Broken, Stage
from tools import processes
from tools.server_distribution import NoServer

SECONDS = click.FloatRange(0.5, 300)


class Missed(click.ClickException):
    """What was measured is not what is aimed at; the message says what."""


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure the service on this machine, with a database and a mail provider that are thrown away.

    Without a command: journeys.
    """
    if context.invoked_subcommand is None:
        context.invoke(journeys)


@main.command()
@click.option(
    "--cost", "costs", type=click.IntRange(4, 16), multiple=True, default=(4, 12), show_default=True
)
@click.option("--callers", type=click.IntRange(1, 500), help="By default 32, and 16 from cost 10 on.")
@click.option("--seconds", type=SECONDS, default=10.0, show_default=True, help="Of each measurement.")
@click.option("--warm-up", type=SECONDS, default=3.0, show_default=True, help="Seconds before each.")
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True)
def journeys(
    costs: tuple[int, ...], callers: int | None, seconds: float, warm_up: float, rounds: int
) -> None:
    """Whole journeys (register, read the code, activate) by callers that begin anew when they have ended."""

    def load(cost: int) -> Load:
        return Load(callers or (16 if cost >= 10 else 32), warm_up, seconds)

    with _stage() as stage:
        measured = journeys_bench.measure(stage, costs, load, rounds, click.echo)
        database = stage.probe.version
    columns = {cost: spreads([each.figures for each in measured[cost]]) for cost in costs}
    names = columns[costs[0]]
    print()
    print(
        table(
            [f"median of {rounds} (least to most)", *(f"cost {cost}" for cost in costs)],
            [[_title(name), *(str(columns[cost].get(name, "")) for cost in costs)] for name in names],
        )
    )
    for cost in costs:
        failures = [dict(each.failures) for each in measured[cost] if each.failures]
        print(f"failures at cost {cost}: {failures or 'none'}")
    settings = {
        "rounds": rounds,
        "warm_up_seconds": warm_up,
        "seconds": seconds,
        "callers": {cost: load(cost).callers for cost in costs},
    }
    results = {
        f"cost {cost}": [{**each.figures, "failures": each.failures} for each in measured[cost]]
        for cost in costs
    }
    _wrote("journeys", database, settings, results)


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
            print(table([title, ""], [[_title(name), short(value)] for name, value in figures.items()]), "\n")
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
    """Which statements a journey is made of, and how often each is run; nothing is kept."""
    with _stage() as stage:
        count, found = statements_bench.measure(stage)
    print(f"{count} journeys by one caller; statements per journey, the sweeps' among them:")
    for statement, times in found:
        print(f"{times:7.2f}  {statement[:150]}")
    print(f"{sum(times for _, times in found):7.2f}  in all")


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
    print(table(["", ""], [[_title(name), short(value)] for name, value in outcome.figures.items()]))
    print(f"failures: {dict(outcome.failures) or 'none'}\n")
    print(
        table(
            ["aim", "found", ""],
            [[aim.wanted, aim.found, "pass" if aim.is_met else "FAIL"] for aim in outcome.aims],
        )
    )
    results = {
        "figures": outcome.figures,
        "failures": outcome.failures,
        "aims": [{"aim": aim.wanted, "found": aim.found, "is_met": aim.is_met} for aim in outcome.aims],
    }
    _wrote("overload", database, {"cost": cost, "seconds": seconds}, results)
    missed = [aim.wanted for aim in outcome.aims if not aim.is_met]
    if missed:
        raise Missed(f"missed: {'; '.join(missed)}")


@main.command()
@click.option("--mails", "count", type=click.IntRange(1000, 5_000_000), default=5_000_000, show_default=True)
@click.option("--rate", type=click.FloatRange(0.5, 100), default=10.0, show_default=True)
@click.option("--seconds", type=SECONDS, default=30.0, show_default=True, help="Of registering before.")
def purge(count: int, rate: float, seconds: float) -> None:
    """Millions of old rows are purged while people register: how fast, and what the people notice."""
    with _stage() as stage:
        outcome = purge_bench.measure(stage, count, rate, seconds, click.echo)
        database = stage.probe.version
    print(table(["", ""], [[_title(name), short(value)] for name, value in outcome.figures.items()]))
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
    print(table(["", ""], [[_title(name), short(value)] for name, value in outcome.figures.items()]))
    print(f"failures: {dict(outcome.failures) or 'none'}")
    results = {"figures": outcome.figures, "failures": outcome.failures, "memory_mb": outcome.memory_mb}
    settings = {"cost": cost, "minutes": minutes, "callers": soak_bench.CALLERS}
    _wrote("soak", database, settings, results)
    if outcome.missed:
        raise Missed("; ".join(outcome.missed))


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


def _title(name: str) -> str:
    """`service_ms_per_journey` is `service ms per journey`."""
    return name.replace("_", " ")


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
    except (Broken, NoServer) as error:
        sys.exit(str(error))
