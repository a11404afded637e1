"""Somebody who asks for next to nothing while others load the service.

A process of its own, so that it waits for nothing but the service: `python -m bench.bystander` prints what it saw as
JSON when it is told to end.
"""

import http.client
import json
import signal
import sys
import time
from types import FrameType

import click

from tools.addresses import LOOPBACK

PERIOD_SECONDS = 0.02
MAX_SECONDS = 900


class _Enough(Exception):
    pass


def watch(port: int) -> list[tuple[float, float]]:
    """When each answer came, and after how many milliseconds.

    They count from the moment when the request was due, if the answer before was still out then; else a service that
    stands still for a second would have one slow answer, not fifty. That we overslept is not held against it.
    """
    answers: list[tuple[float, float]] = []
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    began_at = answered_at = time.monotonic()
    try:
        for number in range(int(MAX_SECONDS / PERIOD_SECONDS)):
            due_at = began_at + number * PERIOD_SECONDS
            time.sleep(max(due_at - time.monotonic(), 0))
            counted_from = due_at if answered_at > due_at else time.monotonic()
            connection.request("GET", "/health/live")
            connection.getresponse().read()
            answered_at = time.monotonic()
            answers.append((answered_at, (answered_at - counted_from) * 1000))
    except _Enough:
        pass
    return answers


def _enough(_number: int, _frame: FrameType | None) -> None:
    raise _Enough


@click.command()
@click.option("--port", type=int, required=True)
def main(port: int) -> None:
    """Ask for the liveness every 20 ms, until told to end."""
    signal.signal(signal.SIGTERM, _enough)
    json.dump(watch(port), sys.stdout)


if __name__ == "__main__":
    main()
