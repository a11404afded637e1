"""A supervisor's promises, with workers that do whatever a worker may do. Each supervisor is a process of its own."""

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from registration.cli.workers import hash_threads

ROOT = Path(__file__).parents[3]
SECONDS = 60

PROGRAM = """
import os, select, signal, socket, sys, time
from pathlib import Path
from registration.cli import workers
from registration.observability.logs import configure_logging

folder = Path(sys.argv[1])
workers.PAUSES = (0.0, 0.01, 0.01)
workers.STOP_SECONDS = 2.0

def until_told(lifeline):
    "What the server does: end well at SIGTERM, or when the parent is gone."
    asked, asking = os.pipe()
    os.set_blocking(asking, False)
    signal.set_wakeup_fd(asking)  # a handler in Python would wait for the end of a select that had not begun
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    select.select([asked, lifeline], [], [])
    return True

def count(what):
    "How often that has been counted, by whichever process, this time among them."
    with (folder / what).open("ab") as file:
        file.write(b".")
        return file.tell()

def tell_parent_to_stop():
    os.kill(os.getppid(), signal.SIGTERM)

{serve_as}

configure_logging("console", "info")
with socket.create_server(("127.0.0.1", 0)) as listener:
    try:
        workers.Supervisor(2, serve_as, listener).run()
    except workers.WorkersFailed as fault:
        sys.exit(f"failed: {{fault}}")
"""


def supervise(folder: Path, serve_as: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end; that comes only when the last of the workers has closed the standard output."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(serve_as=dedent(serve_as)), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def events(done: subprocess.CompletedProcess[str], event: str) -> int:
    return len(re.findall(rf"\b{event}\b", done.stderr))


def test_all_stop_when_the_parent_is_told_to_and_that_is_a_success(tmp_path: Path) -> None:
    done = supervise(
        tmp_path,
        """
        def serve_as(number, lifeline):
            if count("begun") == 2:
                tell_parent_to_stop()
            until_told(lifeline)
            count(f"ended-{number}")
            return True
        """,
    )
    assert (done.returncode, events(done, "worker_started"), events(done, "worker_ended")) == (0, 2, 0)
    assert [(tmp_path / f"ended-{number}").read_bytes() for number in (1, 2)] == [b".", b"."]


def test_one_that_cannot_start_stops_all_and_that_is_a_failure(tmp_path: Path) -> None:
    done = supervise(
        tmp_path,
        """
        def serve_as(number, lifeline):
            return number == 1 and until_told(lifeline)
        """,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "failed: worker 2 cannot start; see the log"
    assert events(done, "worker_started") == 2


def test_one_that_dies_is_replaced_and_the_other_left_alone(tmp_path: Path) -> None:
    done = supervise(
        tmp_path,
        """
        def serve_as(number, lifeline):
            if number == 2 and count("lives") < 3:
                os.kill(os.getpid(), signal.SIGKILL)
            if number == 2:
                tell_parent_to_stop()
            return until_told(lifeline)
        """,
    )
    assert (done.returncode, events(done, "worker_started"), events(done, "worker_ended")) == (0, 4, 2)
    assert set(re.findall(r"worker_ended.* status=(\S+)", done.stderr)) == {"-9"}
    assert set(re.findall(r"worker_ended.* worker=(\S+)", done.stderr)) == {"2"}


def test_a_replacement_that_cannot_start_is_tried_again(tmp_path: Path) -> None:
    """What it needs may be away for a moment, while the others go on."""
    done = supervise(
        tmp_path,
        """
        def serve_as(number, lifeline):
            if number == 1:
                return until_told(lifeline)
            life = count("lives")
            if life == 1:
                os._exit(1)
            if life == 2:
                return False
            tell_parent_to_stop()
            return until_told(lifeline)
        """,
    )
    assert (done.returncode, events(done, "worker_started"), events(done, "worker_ended")) == (0, 4, 2)


def test_one_that_dies_again_and_again_stops_all_and_that_is_a_failure(tmp_path: Path) -> None:
    done = supervise(
        tmp_path,
        """
        def serve_as(number, lifeline):
            if number == 2:
                os._exit(1)
            return until_told(lifeline)
        """,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "failed: worker 2 ended 4 times, soon after its start; see the log"
    assert events(done, "worker_started") == 5


def test_one_that_lived_long_before_is_replaced_as_if_for_the_first_time(tmp_path: Path) -> None:
    done = supervise(
        tmp_path,
        """
        workers.SHORT_LIFE_SECONDS = 0.0

        def serve_as(number, lifeline):
            if number == 2 and count("lives") <= 6:
                os._exit(1)
            if number == 2:
                tell_parent_to_stop()
            return until_told(lifeline)
        """,
    )
    assert (done.returncode, events(done, "worker_ended")) == (0, 6)


def test_one_that_does_not_stop_is_killed_and_that_is_a_failure(tmp_path: Path) -> None:
    done = supervise(
        tmp_path,
        """
        workers.STOP_SECONDS = 0.1

        def serve_as(number, lifeline):
            if number == 1:
                return until_told(lifeline)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            tell_parent_to_stop()
            while True:
                time.sleep(60)
        """,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "failed: a worker did not stop in time and was killed"
    assert events(done, "worker_killed") == 1


def test_a_parent_that_is_killed_takes_its_workers_along(tmp_path: Path) -> None:
    done = supervise(
        tmp_path,
        """
        def serve_as(number, lifeline):
            if count("begun") == 2:
                os.kill(os.getppid(), signal.SIGKILL)
            until_told(lifeline)
            count("ended")
            return True
        """,
    )
    assert done.returncode == -9
    assert (tmp_path / "ended").read_bytes() == b".."


def test_nobody_can_connect_while_the_workers_stop(tmp_path: Path) -> None:
    """Once they have closed their copies of the listener, that is: the parent holds none that nobody accepts from."""
    done = supervise(
        tmp_path,
        """
        def serve_as(number, lifeline):
            address = listener.getsockname()
            if number == 1:
                until_told(lifeline)
                listener.close()
                count("closed")
                return True
            tell_parent_to_stop()
            until_told(lifeline)
            listener.close()
            while not (folder / "closed").exists():
                time.sleep(0.01)
            refused = socket.socket().connect_ex(address)
            count("refused" if refused else "accepted")
            return True
        """,
    )
    assert done.returncode == 0
    assert (tmp_path / "refused").exists()


@pytest.mark.parametrize("count, processors", [(1, 4), (2, 4), (3, 4), (4, 4), (3, 40), (7, 64)])
def test_together_they_hash_on_every_processor_once(count: int, processors: int) -> None:
    threads = [hash_threads(number, count, processors) for number in range(1, count + 1)]
    assert sum(threads) == processors
    assert max(threads) - min(threads) <= 1


def test_more_workers_than_processors_hash_on_one_each() -> None:
    assert [hash_threads(number, 3, 2) for number in (1, 2, 3)] == [1, 1, 1]
