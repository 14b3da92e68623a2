"""The anchors of the rows that messages name: events, problems, findings, metrics, conditions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

DOCS: Final = Path(__file__).parents[2] / "docs"


class Table(NamedTuple):
    """The rows of one kind: their page, and the text before and after their tables."""

    kind: str
    page: str
    begin: str
    end: str


TABLES: Final = (
    Table("finding", "operations.md", "## Check a host and its network\n", "\n### "),
    Table("event", "operations.md", "\n## Events\n", "\n## "),
    Table("problem", "operations.md", "\n## Verdict and problems\n", "\n## "),
    Table("metric", "metrics.md", "\n## The director\n", "\n## Names of keepalived-exporter"),
    Table("condition", "configuration.md", "\n### Conditions of alerts\n", "\n## "),
)
_ANCHORS: Final = re.compile(r' ?(?:<a id="[\w-]+"></a>)+')
_ROW: Final = re.compile(r"^\| (`[^|]*`)[^|`]* \|", re.MULTILINE)


def render(table: Table, text: str) -> str:
    """Return the page with an anchor for each name in the first cells of the tables."""
    start = text.index(table.begin)
    end = text.index(table.end, start + len(table.begin))
    return (
        text[:start] + _ROW.sub(lambda row: _anchored(table, row[1]), text[start:end]) + text[end:]
    )


def _anchored(table: Table, cell: str) -> str:
    """Return a first cell with its anchors, which stand after its names."""
    names = _ANCHORS.sub("", cell)
    anchors = "".join(f'<a id="{table.kind}-{name}"></a>' for name in re.findall(r"`(\w+)`", names))
    return f"| {names} {anchors} |"


def write() -> None:
    """Write the anchors into the pages."""
    for table in TABLES:
        page = DOCS / table.page
        page.write_text(render(table, page.read_text("utf-8")), encoding="utf-8")
