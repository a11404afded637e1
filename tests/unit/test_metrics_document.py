"""docs/metrics.md names every metric as it is, and nothing else."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from registration.adapters.mail.providers import PROVIDERS
from registration.api.app import create_api
from registration.api.request_boundary import _METHODS
from registration.domain.errors import Refusal, RefusedForNow
from registration.domain.mail import MailKind
from registration.observability.metrics import OTHER, REGISTRY
from registration.ports import Verdict
from tests.unit.api.support import Recorder
from tests.world import World

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
CODE = re.compile(r"`([^`]+)`")
SUFFIXES = ("_total", "_seconds", "_bucket", "_sum", "_count", "_{}")


class Metric(NamedTuple):
    type: str
    labels: frozenset[str]


def rows(first_cell: str) -> list[list[str]]:
    """The cells of the tables' rows that begin so."""
    lines = [line for line in DOCUMENT.splitlines() if re.match(rf"\| `{first_cell}", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def documented() -> dict[str, Metric]:
    cells = rows("(?:registration|process)_")
    return {
        CODE.findall(name)[0]: Metric(kind, frozenset(CODE.findall(labels)))
        for name, kind, labels, *_ in cells
    }


def registered() -> dict[str, Metric]:
    collectors = {
        name: getattr(collector, "_labelnames", ())
        for collector, names in REGISTRY._collector_to_names.items()
        for name in names[:1]
    }
    return {
        family.name + ("_total" if family.type == "counter" else ""): Metric(
            family.type, frozenset(collectors.get(family.name, ()))
        )
        for family in REGISTRY.collect()
    }


def values_of(label: str, metric: str) -> set[str]:
    """What the document says that the metric's label can be."""
    [values] = [values for name, of, values in rows(label) if metric in CODE.findall(of)]
    return set(CODE.findall(values))


def test_the_document_and_the_registry_have_the_same_metrics_with_the_same_types_and_labels() -> None:
    assert documented() == registered()


def test_every_label_of_every_metric_is_explained() -> None:
    for name, metric in documented().items():
        for label in metric.labels:
            assert values_of(label, name)


def test_every_metric_that_is_mentioned_exists() -> None:
    known = documented()
    for mentioned in re.findall(r"registration_[a-z_]+[a-z]", DOCUMENT.replace("registration_outbox_…", "")):
        base = re.sub(r"_(bucket|sum|count)$", "", mentioned)
        assert base in known, mentioned


def refusals(cls: type[Refusal] = Refusal) -> set[str]:
    own = {cls.code} if cls not in {Refusal, RefusedForNow} else set()
    return own.union(*(refusals(child) for child in cls.__subclasses__()))


def routes() -> set[str]:
    return {route.path_format for route in create_api(Recorder().open_services).routes}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "label, metric, values",
    [
        ("method", "registration_requests_total", {*_METHODS, OTHER}),
        ("route", "registration_requests_total", {*routes(), OTHER}),
        ("message", "registration_messages_total", {message.__name__ for message in World().bus.bound}),
        ("outcome", "registration_messages_total", {"ok", "internal-error", "caller-hung-up", *refusals()}),
        ("kind", "registration_mail_attempts_total", set(MailKind)),
        ("outcome", "registration_mail_attempts_total", set(Verdict)),
        ("provider", "registration_mail_attempts_total", {"REGISTRATION_MAIL_PROVIDER", *PROVIDERS}),
        ("outcome", "registration_mails_settled_total", {"accepted", "failed", "dropped"}),
        ("reason", "registration_database_retries_total", {"conflict", "outage"}),
    ],
)
def test_the_values_of_a_label_are_listed(label: str, metric: str, values: set[str]) -> None:
    assert values_of(label, metric) == values
