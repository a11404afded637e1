"""Child processes that never outlive us."""

import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any


def start(
    command: Sequence[str], *, signal_if_we_die: str = "TERM", **options: Any
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C reaches only us and we stop our children in order.

    On Linux the kernel signals it when the thread that called this ends, be it by `kill -9`: so call it from the
    main thread, or from one that lives as long.
    """
    bind = _bind_to_us(signal_if_we_die)
    return subprocess.Popen([*bind, *command], stdin=subprocess.DEVNULL, start_new_session=True, **options)


def stop(process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Ask the process to end, wait, and insist. One that is gone already is fine."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def pause(process: subprocess.Popen[bytes]) -> None:
    """Let a child hang with all its threads, until `resume`; it has stopped when this returns."""
    process.send_signal(signal.SIGSTOP)
    # The signal only asks: each thread runs on until it gets to the kernel, and may answer somebody before.
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


def resume(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGCONT)


def interrupt_on_signals() -> None:
    """Raise KeyboardInterrupt once, whichever signal asks us to end; what comes after it cannot disturb the end."""
    asking = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        asking.append(signal.SIGHUP)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for each in asking:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in asking:
        signal.signal(each, interrupt)


@functools.cache
def _bind_to_us(signal_name: str) -> tuple[str, ...]:
    """Return what to put before a command; `setpriv` becomes the command, so the process id is the command's own."""
    bind = ("setpriv", "--pdeathsig", signal_name, "--")
    if sys.platform != "linux" or not shutil.which("setpriv"):
        return ()
    understood = subprocess.run([*bind, "true"], capture_output=True, check=False)
    return bind if understood.returncode == 0 else ()
