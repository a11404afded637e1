"""How a trial is run: within a time, with a folder for the services' logs that is kept only if something was wrong."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools import processes
from tools.addresses import AddressTaken
from tools.server_distribution import NoServer
from tools.trials.report import Report

ASKING_TO_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_to_its_end(report: Report, seconds: float, trial: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the trial; that it could not go on, or took too long, is a broken promise like any other."""
    try:
        asyncio.run(_interruptible(seconds, trial))
    except TimeoutError:
        report.check(f"the trial comes to its end within {seconds:.0f} s", kept=False)
    except AssertionError as error:
        report.check("the trial comes to its end", kept=False, seen=error)
    except asyncio.CancelledError:
        for number in ASKING_TO_END:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt from None
    processes.interrupt_on_signals()  # the loop has taken the signals' handlers away


async def _interruptible(seconds: float, trial: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Cancel the trial at the first signal: an exception out of nowhere would end the loop and not what runs on it."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def interrupt() -> None:
        for number in ASKING_TO_END:
            loop.add_signal_handler(number, lambda: None)
        if task:
            task.cancel()

    for number in ASKING_TO_END:
        loop.add_signal_handler(number, interrupt)
    async with asyncio.timeout(seconds):
        await trial()


@contextmanager
def log_folder(report: Report) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="trial-"))
    try:
        yield folder
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise
    if report.is_good:
        shutil.rmtree(folder)
    else:
        print(f"\nThe logs of the services and the sandbox are in {folder}.", flush=True)


def as_a_program(main: Callable[[], None]) -> None:
    """Run `main`; what keeps it from starting, and being interrupted, is said in one line."""
    processes.interrupt_on_signals()
    try:
        main()
    except KeyboardInterrupt:
        print("Stopped.")
        sys.exit(130)
    except (AddressTaken, NoServer) as error:
        sys.exit(str(error))
