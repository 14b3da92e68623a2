"""The alert rules in Prometheus: each fires in its situation, and no other alert does."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.reference.dashboard import expressions

RULES = Path(__file__).parents[2] / "configs/prometheus/alerts.yaml"
STAGED = yaml.safe_load((Path(__file__).parent / "alerts/series.yaml").read_text("utf-8"))
DIRECTORS = ("lb1", "lb2")

Situation = Mapping[str, Any]


def in_notation_of_promtool(name: str, healthy: Situation, situation: Situation) -> dict[str, Any]:
    """Return one test of promtool: the series of a situation, and the alerts that fire."""
    fires = [
        {"labels": f'ALERTS{{alertstate="firing", {labels}}}', "value": 1}
        for labels in situation["fires"]
    ]
    return {
        "name": name,
        "interval": "1m",
        "input_series": [] if situation.get("no_target") else input_series(healthy, situation),
        "promql_expr_test": [
            {
                "expr": 'ALERTS{alertstate="firing"}',
                "eval_time": f"{situation['minutes']}m",
                "exp_samples": fires,
            }
        ],
    }


def input_series(healthy: Situation, situation: Situation) -> list[dict[str, str]]:
    """Return the series of both directors in a situation."""
    found = []
    for director in DIRECTORS:
        values: dict[str, str | int | None] = {}
        if director not in situation.get("only_up", ()):
            values |= healthy["both"] | healthy[director]
        values |= situation.get("both", {}) | situation.get(director, {})
        place = f'job="hadirector", instance="{director}:9470"'
        for series, value in values.items():
            if value is not None:
                metric, _, labels = series.rstrip("}").partition("{")
                named = f"{metric}{{{', '.join(filter(None, [place, labels]))}}}"
                constant = f"{value}+0x{situation['minutes']}"
                found.append(
                    {"series": named, "values": constant if isinstance(value, int) else value}
                )
    return found


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    return subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.promtool
def test_prometheus_accepts_the_rules() -> None:
    found = promtool("check", "rules", str(RULES))
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.promtool
def test_prometheus_accepts_the_expressions_of_the_dashboard(tmp_path: Path) -> None:
    panels = [each for each in expressions() if not each.startswith("label_values(")]
    rules = [{"record": f"panel_{number}", "expr": each} for number, each in enumerate(panels)]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    found = promtool("check", "rules", str(file))
    assert found.returncode == 0, found.stdout + found.stderr
    assert "17 rules found" in found.stdout


@pytest.mark.promtool
@pytest.mark.parametrize("name", STAGED["situations"])
def test_a_situation_fires_its_alerts_and_no_other(tmp_path: Path, name: str) -> None:
    test = in_notation_of_promtool(name, STAGED["healthy"], STAGED["situations"][name])
    file = tmp_path / "tests.yaml"
    file.write_text(
        json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}),
        encoding="utf-8",
    )
    found = promtool("test", "rules", str(file))
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_alert_has_a_situation() -> None:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    situations = STAGED["situations"].values()
    staged = {labels.split('"')[1] for situation in situations for labels in situation["fires"]}
    assert staged == alerts
