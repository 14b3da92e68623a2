"""The alert rules name metrics, labels, problem codes and sections of docs that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.docs.test_links import anchors
from tests.unit.status.test_metrics import documented

ROOT = Path(__file__).parents[3]
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "configs/prometheus/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PAGE = ROOT / "docs/alerts.md"
SERIES = ROOT / "tests/lab/alerts/series.yaml"
OF_PROMETHEUS = {"up": frozenset[str]()}
"""Metrics that Prometheus makes itself, and their labels beside job and instance."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_uses_metrics_that_exist(rule: dict[str, Any]) -> None:
    used = set(re.findall(r"hadirector_\w+", rule["expr"]))
    assert used or "up{" in rule["expr"]
    assert used <= documented().keys()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_a_rule_has_a_severity_and_a_runbook_that_exists(rule: dict[str, Any]) -> None:
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"
    assert rule["alert"].lower() in anchors(PAGE)


def test_the_page_describes_each_alert_with_its_severity_and_no_other() -> None:
    described = re.findall(r"^### (\w+)\n\n(\w+)\.", PAGE.read_text(), re.MULTILINE)
    assert described == [(rule["alert"], rule["labels"]["severity"]) for rule in RULES]


def test_the_problem_codes_in_the_rules_exist() -> None:
    operations = (ROOT / "docs/operations.md").read_text()
    named = {
        code
        for rule in RULES
        for codes in re.findall(r'code[!=]~"([^"]+)"', rule["expr"])
        for code in codes.split("|")
    }
    assert len(named) == 31
    assert [code for code in named if f"`{code}`" not in operations] == []


def test_the_staged_series_have_the_names_and_labels_of_the_director() -> None:
    """A series with another label would stage a situation that cannot occur."""
    known = {name: labels for name, (_, labels) in documented().items()} | OF_PROMETHEUS
    staged = set(re.findall(r"(hadirector_\w+|\bup)(?:\{([^}]*)\})?'?: ", SERIES.read_text()))
    assert len(staged) > 50
    wrong = [
        (name, labels)
        for name, labels in staged
        if known.get(name) != frozenset(re.findall(r"(\w+)=", labels))
    ]
    assert wrong == []
