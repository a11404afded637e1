import sys
import time


class Report:
    """What a trial says while it runs: what it does, what it measured, and whether each promise was kept."""

    def __init__(self) -> None:
        self._began_at = time.monotonic()
        self._checks = 0
        self._broken: list[str] = []

    def does(self, what: str) -> None:
        print(f"\n[{time.monotonic() - self._began_at:5.1f} s] {what}", flush=True)

    def measured(self, what: str, figure: object) -> None:
        print(f"          {what}: {figure}", flush=True)

    def check(self, promise: str, *, kept: bool, seen: object = "") -> None:
        self._checks += 1
        if not kept:
            self._broken.append(promise)
        detail = f" ({seen})" if seen != "" else ""
        print(f"  {'pass' if kept else 'FAIL'}    {promise}{detail}", flush=True)

    @property
    def is_good(self) -> bool:
        return self._checks > 0 and not self._broken

    def conclude(self) -> None:
        """Sum up, and end the program with a status that says the same."""
        took = f"{time.monotonic() - self._began_at:.0f} s"
        if not self.is_good:
            broken = "".join(f"\n  {promise}" for promise in self._broken) or " nothing was checked"
            sys.exit(f"\nFAIL, {len(self._broken)} of {self._checks} checks, {took}:{broken}")
        print(f"\nPASS, {self._checks} checks, {took}")
