"""Writes the dashboard for Grafana: configs/grafana/hadirector.json.

The layout is Grafana's JSON model of a dashboard, schema 36 (Grafana 9 and later).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

FILE: Final = Path(__file__).parents[2] / "configs/grafana/hadirector.json"
COLUMNS: Final = 24
HEIGHT: Final = 7
_DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_DIRECTOR: Final = 'instance=~"$director"'
_POOL: Final = f'{_DIRECTOR},virtual_server=~"$virtual_server"'


class Panel(NamedTuple):
    """A panel: its title, its expressions with the text of their legends, and its form."""

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    width: int = 12
    kind: str = "timeseries"


ROWS: Final[Sequence[tuple[str, Sequence[Panel]]]] = (
    (
        "Directors",
        (
            Panel(
                "Verdict",
                [(f"hadirector_verdict{{{_DIRECTOR}}} == 1", "{{instance}}: {{level}}")],
                kind="stat",
            ),
            Panel(
                "Problems",
                [(f'hadirector_problems{{{_DIRECTOR},level!="OK"}}', "{{instance}}: {{code}}")],
                kind="stat",
            ),
            Panel(
                "Not fit, blind, paused",
                [
                    (f"1 - hadirector_fit{{{_DIRECTOR}}}", "{{instance}}: not fit"),
                    (f"hadirector_blind{{{_DIRECTOR}}}", "{{instance}}: blind"),
                    (
                        f'hadirector_paused{{{_DIRECTOR},scope="verdicts"}}',
                        "{{instance}}: paused",
                    ),
                ],
            ),
            Panel(
                "Lateness of probes (99 %)",
                [
                    (
                        "histogram_quantile(0.99, sum by (instance, le) "
                        f"(rate(hadirector_probe_lateness_seconds_bucket{{{_DIRECTOR}}}[5m])))",
                        "{{instance}}",
                    )
                ],
                unit="s",
            ),
        ),
    ),
    (
        "VRRP instances",
        (
            Panel(
                "ACTIVE",
                [
                    (
                        f'hadirector_vrrp_state{{{_DIRECTOR},state="ACTIVE"}}',
                        "{{vrrp_instance}} on {{instance}}",
                    )
                ],
            ),
            Panel(
                "Priority",
                [(f"hadirector_vrrp_priority{{{_DIRECTOR}}}", "{{vrrp_instance}} on {{instance}}")],
            ),
            Panel(
                "Dropped advertisements",
                [
                    (
                        f"rate(hadirector_vrrp_advertisements_dropped_total{{{_DIRECTOR}}}[5m])",
                        "{{vrrp_instance}} on {{instance}}: {{reason}}",
                    )
                ],
                unit="pps",
            ),
            Panel(
                "Lateness of advertisements (99.9 %)",
                [
                    (
                        "histogram_quantile(0.999, sum by (instance, le) (rate("
                        f"hadirector_vrrp_advertisement_lateness_seconds_bucket{{{_DIRECTOR}}}"
                        "[5m])))",
                        "{{instance}}",
                    )
                ],
                unit="s",
            ),
        ),
    ),
    (
        "Virtual servers",
        (
            Panel(
                "Passing weight and quorum",
                [
                    (
                        f"hadirector_virtual_server_passing_weight{{{_POOL}}}",
                        "{{virtual_server}} on {{instance}}",
                    ),
                    (
                        f"hadirector_virtual_server_quorum_weight{{{_POOL}}}",
                        "{{virtual_server}} on {{instance}}: quorum",
                    ),
                ],
            ),
            Panel(
                "Failing real servers",
                [
                    (
                        "count by (instance, virtual_server) "
                        f"(hadirector_real_server_up{{{_POOL}}} == 0)",
                        "{{virtual_server}} on {{instance}}",
                    )
                ],
            ),
            Panel(
                "Active connections",
                [
                    (
                        "sum by (virtual_server, real_server) "
                        f"(hadirector_real_server_active_connections{{{_POOL}}})",
                        "{{virtual_server}}/{{real_server}}",
                    )
                ],
            ),
            Panel(
                "New connections",
                [
                    (
                        "sum by (virtual_server, real_server) "
                        f"(rate(hadirector_real_server_connections_total{{{_POOL}}}[5m]))",
                        "{{virtual_server}}/{{real_server}}",
                    )
                ],
                unit="cps",
            ),
            Panel(
                "Traffic to real servers",
                [
                    (
                        "sum by (virtual_server, direction) "
                        f"(rate(hadirector_real_server_bytes_total{{{_POOL}}}[5m]))",
                        "{{virtual_server}}: {{direction}}",
                    )
                ],
                unit="Bps",
            ),
            Panel(
                "Weight in the table",
                [
                    (
                        f"hadirector_real_server_weight{{{_POOL}}}",
                        "{{virtual_server}}/{{real_server}} on {{instance}}",
                    )
                ],
            ),
        ),
    ),
)


def render() -> str:
    """Return the text of the dashboard."""
    dashboard = {
        "uid": "hadirector",
        "title": "hadirector",
        "schemaVersion": 36,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": list(_variables())},
        "panels": list(_panels()),
    }
    return json.dumps(dashboard, indent=2) + "\n"


def expressions() -> Iterator[str]:
    """Yield the expressions that the committed dashboard evaluates, of panels and of variables."""
    dashboard = json.loads(FILE.read_text("utf-8"))
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]


def _variables() -> Iterator[dict[str, Any]]:
    yield {
        "name": "datasource",
        "label": "data source",
        "type": "datasource",
        "query": "prometheus",
    }
    for name, label, query in (
        ("director", "director", "label_values(hadirector_build_info, instance)"),
        (
            "virtual_server",
            "virtual server",
            "label_values(hadirector_virtual_server_present, virtual_server)",
        ),
    ):
        yield {
            "name": name,
            "label": label,
            "type": "query",
            "datasource": _DATASOURCE,
            "query": query,
            "refresh": 2,  # at each change of the time range
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
        }


def _panels() -> Iterator[dict[str, Any]]:
    """Yield the panels row by row, from left to right."""
    number, top = 0, 0
    for title, panels in ROWS:
        number += 1
        place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": title, "gridPos": place, "panels": []}
        top, left = top + 1, 0
        for panel in panels:
            number += 1
            if left + panel.width > COLUMNS:
                top, left = top + HEIGHT, 0
            place = {"x": left, "y": top, "w": panel.width, "h": HEIGHT}
            yield _panel(number, panel, place)
            left += panel.width
        top += HEIGHT


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    options = {"textMode": "name"} if panel.kind == "stat" else {}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": _DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": options,
        "targets": [
            {"refId": chr(ord("A") + index), "expr": expression, "legendFormat": legend}
            for index, (expression, legend) in enumerate(panel.queries)
        ],
    }
