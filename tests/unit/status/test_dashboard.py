"""The dashboard for Grafana shows metrics and labels that exist, and is the generated one."""

from __future__ import annotations

import json
import re

from tests.reference.dashboard import FILE, expressions, render
from tests.unit.status.test_metrics import documented


def test_the_committed_dashboard_is_the_generated_one() -> None:
    assert FILE.read_text("utf-8") == render(), "run `make tables`"


def test_the_dashboard_uses_metrics_and_labels_that_exist() -> None:
    known = {name: labels | {"instance"} for name, (_, labels) in documented().items()}
    used = [
        (name.removesuffix("_bucket"), set(re.findall(r"(\w+)[=!]", labels)))
        for expression in expressions()
        for name, labels in re.findall(r"(hadirector_\w+)(?:\{([^}]*)\})?", expression)
    ]
    assert len(used) == 19
    assert [each for each in used if not each[1] <= known.get(each[0], set())] == []
    assert [name for name, _ in used if name not in known] == []


def test_a_legend_names_labels_that_exist() -> None:
    labels = {"instance"}.union(*(labels for _, labels in documented().values()))
    named = set(re.findall(r"\{\{(\w+)\}\}", FILE.read_text("utf-8")))
    assert named == {
        *("code", "direction", "instance", "level", "real_server"),
        *("reason", "virtual_server", "vrrp_instance"),
    }
    assert named <= labels


def test_no_panel_covers_another_one() -> None:
    taken: set[tuple[int, int]] = set()
    panels = json.loads(FILE.read_text("utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) == 17
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
