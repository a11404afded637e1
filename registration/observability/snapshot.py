from collections import Counter

from registration.observability.metrics import REGISTRY


class Snapshot:
    """This process's metrics as they are now, to be shown to people."""

    def __init__(self) -> None:
        self._samples = [sample for family in REGISTRY.collect() for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the series of that name with these labels, whatever others they have; 0 if there is none."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def by(self, label: str, name: str, **labels: str) -> dict[str, int]:
        """The same for each value of the label that has been counted, the most frequent first."""
        sums = Counter[str]()
        for sample in self._samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                sums[sample.labels[label]] += int(sample.value)
        return dict(sums.most_common())
