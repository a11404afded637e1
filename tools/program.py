"""A program that is started, killed, frozen, stopped, and started again, with a log of its own."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools import processes
from tools.environment import ROOT

STOP_SECONDS = 20  # more than the service gives its last requests and mails


@dataclass
class Program:
    """`start` only starts it; whoever needs it asks whether it is ready."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def start(self) -> None:
        """Start it, unless it runs. Its log goes on."""
        if self.is_running:
            return
        with self.log.open("ab") as log:
            self._process = processes.start(
                self.command,
                signal_if_we_die="KILL",
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> None:
        """Ask it to end, and insist if it does not."""
        if self._process:
            self.resume()  # else one that is frozen would not hear
            processes.stop(self._process, STOP_SECONDS)
            self._process = None

    def kill(self) -> None:
        """End it as `kill -9` does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it hang, its connections too, until `resume`."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        return self._process.pid if self._process and self.is_running else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None
