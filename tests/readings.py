"""The metrics as a test sees them: they are the process's, so what matters is how far they have moved."""

from registration.observability.metrics import REGISTRY


def reading(name: str, **labels: str) -> float:
    """What the series says now; 0 if there is none yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Readings:
    """All series as they were when this was made."""

    def __init__(self) -> None:
        self._before = _all_series()

    def moved(self, name: str, **labels: str) -> float:
        """How far the series has moved since."""
        return reading(name, **labels) - self._before.get(_key(name, labels), 0.0)

    def new(self) -> set[str]:
        """What series there are that there were not."""
        return {f"{name}{dict(labels)}" for name, labels in _all_series().keys() - self._before.keys()}


def _all_series() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        _key(sample.name, sample.labels): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
    }


def _key(name: str, labels: dict[str, str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    return name, tuple(sorted(labels.items()))
