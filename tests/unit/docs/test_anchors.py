"""Each event, metric, problem, finding and condition has one stable place in the documents."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from hadirector.api.problems import Code
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.events.alerts.alert import Alert
from hadirector.events.alerts.message import Sender, write_message
from hadirector.events.alerts.outbox import Batch
from hadirector.events.event_log import EVENT_NAMES
from hadirector.model.alerts import CONDITIONS
from hadirector.pair.peers import Reach
from hadirector.pair.problems import MEANINGS
from hadirector.status.verdict import Level, Problem
from tests.reference.anchors import TABLES, Table, render

ROOT = Path(__file__).parents[3]
PLACES = {
    "event": "operations.md",
    "problem": "operations.md",
    "finding": "operations.md",
    "metric": "metrics.md",
    "condition": "configuration.md",
}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_each_row_has_its_anchors(table: Table) -> None:
    page = (ROOT / "docs" / table.page).read_text(encoding="utf-8")
    assert page == render(table, page), "run `make tables`"


def anchors(page: str, kind: str = "") -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf'<a id="({kind}[\w-]+)"></a>', text)


def names(kind: str) -> set[str]:
    """Return the names with an anchor of this kind."""
    return {anchor.removeprefix(f"{kind}-") for anchor in anchors(PLACES[kind], f"{kind}-")}


def codes_in(package: str, class_name: str) -> set[str]:
    """Return the literal codes of the problems or findings that a package makes."""
    return {
        str(argument.value.value)
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == class_name
        for argument in node.keywords
        if argument.arg == "code" and isinstance(argument.value, ast.Constant)
    }


def test_each_name_has_an_anchor() -> None:
    assert names("event") == EVENT_NAMES
    assert names("condition") == set(CONDITIONS)
    problems = codes_in("hadirector/status", "Problem")
    assert len(problems) > 20
    assert problems <= names("problem")
    findings = codes_in("hadirector/doctor", "Finding")
    assert len(findings) > 20
    pair = codes_in("hadirector/pair", "Finding")
    pair |= {meaning.code for meaning in MEANINGS.values()}
    pair |= {f"pair_peer_{reach}" for reach in Reach if reach is not Reach.REACHED}
    assert findings | pair == names("finding")


def test_each_metric_of_the_page_has_an_anchor() -> None:
    """tests/unit/status/test_metrics.py compares the rows of the page with the metrics."""
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    described = text.partition("## Names of keepalived-exporter")[0]
    rows = re.findall(r"^\| `(\w+)` <a id=\"metric-(\w+)\"></a> \|", described, re.MULTILINE)
    assert len(rows) > 50
    assert all(metric == anchor for metric, anchor in rows)
    assert len(rows) == len(re.findall(r"^\| `", described, re.MULTILINE))


@pytest.mark.parametrize("page", sorted(set(PLACES.values())))
def test_no_anchor_occurs_twice(page: str) -> None:
    assert [anchor for anchor, count in Counter(anchors(page)).items() if count > 1] == []


def test_what_a_message_names_exists() -> None:
    problem = Problem(level=Level.OK, code="blind", object="director", reason="", remedy="")
    finding = Finding(severity=Severity.NOTE, code="no_route", what="", remedy="")
    alert = Alert("pool_down", "web", "quorum lost", 0.0)
    message = write_message(Batch("m", (alert,), (), (), 1), Sender("lb1", "h", "1"), 0.0)
    [named] = re.findall(rb'"see":"([^"]+)"', message.body)
    for see in (problem.see, finding.see, named.decode()):
        page, _, anchor = see.partition("#")
        assert anchor in anchors(page.removeprefix("docs/"))


def test_each_code_of_the_api_has_a_heading() -> None:
    """The type of a problem is /problems/CODE, where the director describes it."""
    text = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    assert {code.value for code in Code} == set(
        re.findall(r"^### ([\w-]+)$", text.partition("## Problems")[2], re.MULTILINE)
    )
