"""Prometheus's own word on what it is given. Only its promtool is run; no Prometheus is started."""

import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from tests.private_database import ROOT
from tools import promtool
from tools.promtool import NoPromtool

CONFIG = ROOT / "config" / "prometheus"
ALERTS = CONFIG / "alerts.yml"
TRIALS = sorted(Path(__file__).parent.glob("*_test.yml"))


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        return promtool.find()
    except NoPromtool as error:
        pytest.skip(str(error))


def ask(program: Path, *arguments: str | Path) -> tuple[int, str]:
    """Return its exit status, and all that it said."""
    done = subprocess.run(
        [program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_alerts_are_understood(program: Path) -> None:
    status, said = ask(program, "check", "rules", "--lint=all", "--lint-fatal", ALERTS)
    assert status == 0, said


def test_the_example_is_understood_with_all_that_it_names(program: Path) -> None:
    status, said = ask(program, "check", "config", CONFIG / "prometheus.yml")
    assert status == 0, said
    assert "1 rule files found" in said


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.stem)
def test_every_alert_fires_when_it_should_and_says_what_it_should(program: Path, trial: Path) -> None:
    status, said = ask(program, "test", "rules", trial)
    assert status == 0, said


def test_every_alert_is_tried_with_what_makes_it_fire_and_with_what_does_not() -> None:
    tried = defaultdict(set)
    for trial in TRIALS:
        for group in yaml.safe_load(trial.read_text("utf-8"))["tests"]:
            for expected in group["alert_rule_test"]:
                tried[expected["alertname"]].add(bool(expected["exp_alerts"]))

    [rules] = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    assert tried == {rule["alert"]: {True, False} for rule in rules["rules"]}
