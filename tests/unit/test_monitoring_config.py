"""What operators give Prometheus and Grafana: it asks for figures that there are, and leads to help that there is."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.test_metrics_document import registered, values_of
from tests.unit.test_security_doc import slug

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")

ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((CONFIG / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((CONFIG / "grafana" / "registration.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]

PROMETHEUS_OWN = {"up": {"job", "instance"}, "ALERTS": {"job", "instance", "alertname", "alertstate"}}
EVERYWHERE = {"job", "instance"}
LISTED_NOWHERE = {*EVERYWHERE, "alertstate", "le", "status"}
"""Labels whose values docs/metrics.md does not list."""
WORDS = {
    *("sum", "min", "max", "count", "by", "and", "or", "on", "offset", "vector", "time", "absent", "changes"),
    *("rate", "increase", "histogram_quantile"),
}
GRAFANAS_OWN = re.compile(r"\$(?:__rate_interval|job|instance)")


def queries() -> list[str]:
    """All that is asked of Prometheus."""
    variables = [variable["query"]["query"] for variable in DASHBOARD["templating"]["list"][1:]]
    selectors = [re.fullmatch(r"label_values\((.+), \w+\)", variable)[1] for variable in variables]  # type: ignore[index] # there is no other kind
    targets = [target["expr"] for panel in PANELS for target in panel.get("targets", [])]
    return [*(alert["expr"] for alert in ALERTS), *targets, *selectors]


def labels_of(series: str) -> set[str] | None:
    """The labels that a series can have; None if there is none of this name."""
    if series in PROMETHEUS_OWN:
        return PROMETHEUS_OWN[series]
    metrics = registered()
    name = re.sub(r"_(bucket|sum|count)$", "", series)
    if name != series and name in metrics and metrics[name].type == "histogram":
        return {*metrics[name].labels, *EVERYWHERE, *(["le"] if series.endswith("_bucket") else [])}
    return {*metrics[series].labels, *EVERYWHERE} if series in metrics else None


def selectors_of(query: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Each series that is asked for, with the labels and values that it is chosen by."""
    without_grouping = re.sub(r"\bby \([^)]*\)", "", GRAFANAS_OWN.sub("1m", query))
    without_spans = re.sub(r"\[[^]]*\]|\b\d+[smhd]\b|\b\d+e\d+\b", "", without_grouping)
    for name, matchers in re.findall(r"([A-Za-z_]\w*)\s*(\{[^}]*\})?", without_spans):
        if name not in WORDS:
            yield name, re.findall(r'(\w+)(?:=~|!~|!=|=)"([^"]*)"', matchers)


@pytest.mark.parametrize("query", sorted(set(queries())))
def test_what_is_asked_for_exists(query: str) -> None:
    asked = list(selectors_of(query))

    assert asked
    for series, chosen_by in asked:
        labels = labels_of(series)
        assert labels is not None, f"there is no {series}"
        assert {label for label, _ in chosen_by} <= labels, series
        for label, pattern in chosen_by:
            if label not in LISTED_NOWHERE:
                values = values_of(label, re.sub(r"_(bucket|sum|count)$", "", series))
                unknown = [
                    each
                    for each in pattern.split("|")
                    if not any(re.fullmatch(each, value) for value in values)
                ]
                assert unknown == [], f"{label} of {series}"


@pytest.mark.parametrize("query", sorted(set(queries())))
def test_what_is_grouped_by_is_a_label_of_all_that_is_grouped(query: str) -> None:
    for grouping, grouped in re.findall(
        r"\bby \(([^)]*)\) \((?:\w+ by \([^)]*\) \()?(?:rate\(|increase\()?(\w+)", query
    ):
        labels = labels_of(grouped)
        assert labels is not None, grouped
        assert set(grouping.split(", ")) <= labels, grouped


class TestAlerts:
    def test_have_names_of_their_own(self) -> None:
        assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS) > 20

    @pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
    def test_say_how_urgent_they_are_what_is_the_matter_and_where_help_is(
        self, alert: dict[str, Any]
    ) -> None:
        section = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", alert["alert"]).lower()

        assert alert["labels"]["severity"] in {"critical", "warning"}
        assert alert["annotations"]["summary"].endswith(".")
        assert alert["annotations"]["runbook_url"] == (
            f"{{{{ $externalLabels.runbooks }}}}docs/operations.md#{section}"
        )
        assert section in sections_of_alerts()

    def test_have_sections_that_are_of_nothing_else(self) -> None:
        assert len(sections_of_alerts()) == len(ALERTS)

    def test_are_what_the_example_for_prometheus_loads(self) -> None:
        example = yaml.safe_load((CONFIG / "prometheus" / "prometheus.yml").read_text("utf-8"))

        assert example["rule_files"] == ["alerts.yml"]
        assert example["global"]["external_labels"]["runbooks"].endswith("/")
        assert [job["job_name"] for job in example["scrape_configs"]] == ["registration"]


def sections_of_alerts() -> list[str]:
    alerts = OPERATIONS.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    return [slug(heading) for heading in re.findall(r"^### (.+)$", alerts, re.MULTILINE)]


class TestDashboard:
    def test_is_told_by_the_same_identifier_for_ever(self) -> None:
        assert DASHBOARD["uid"] == "registration"
        assert "id" not in DASHBOARD

    def test_is_of_no_particular_data_source(self) -> None:
        variable = DASHBOARD["templating"]["list"][0]
        assert (variable["name"], variable["type"], variable["query"]) == (
            "datasource",
            "datasource",
            "prometheus",
        )
        for asking in [*DASHBOARD["templating"]["list"][1:], *panels_with_figures(), *targets()]:
            assert asking["datasource"] == {"type": "prometheus", "uid": "${datasource}"}

    def test_has_panels_that_are_told_apart(self) -> None:
        ids = [panel["id"] for panel in PANELS]
        assert len(set(ids)) == len(ids)
        for panel in panels_with_figures():
            names = [target["refId"] for target in panel["targets"]]
            assert len(set(names)) == len(names) > 0

    def test_has_panels_that_lie_beside_each_other(self) -> None:
        places = [(panel["title"], panel["gridPos"]) for panel in PANELS]
        for title, place in places:
            assert place["x"] >= 0
            assert place["x"] + place["w"] <= 24, title
        for (one, a), (other, b) in itertools.combinations(places, 2):
            apart = (
                a["x"] + a["w"] <= b["x"]
                or b["x"] + b["w"] <= a["x"]
                or a["y"] + a["h"] <= b["y"]
                or b["y"] + b["h"] <= a["y"]
            )
            assert apart, f"{one} lies on {other}"

    def test_names_its_lines_by_labels_that_they_have(self) -> None:
        for target in targets():
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                groupings = re.findall(r"by \(([^)]*)\)", target["expr"])
                aggregated = re.match(r"(?:\d+ \* )?(?:sum|max|min|histogram_quantile)", target["expr"])
                has = (
                    set(", ".join(groupings).split(", "))
                    if aggregated
                    else labels_of(next(selectors_of(target["expr"]))[0])
                )
                assert has is not None
                assert label in has, target["expr"]

    def test_shows_every_metric_that_is_not_there_to_explain_another(self) -> None:
        shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name, _ in asked_by_panels()}
        assert set(registered()) - shown == {"process_virtual_memory_bytes", "process_max_fds"}


def panels_with_figures() -> list[dict[str, Any]]:
    return [panel for panel in PANELS if panel["type"] != "row"]


def targets() -> list[dict[str, Any]]:
    return [target for panel in panels_with_figures() for target in panel["targets"]]


def asked_by_panels() -> list[tuple[str, list[tuple[str, str]]]]:
    return [selector for target in targets() for selector in selectors_of(target["expr"])]
