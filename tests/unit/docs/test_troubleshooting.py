"""The table of docs/troubleshooting.md names existing events, log lines and tests."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from hadirector.events.event_log import EVENT_NAMES

TREE: Final = Path(__file__).parents[3]
PAGE: Final = (TREE / "docs/troubleshooting.md").read_text(encoding="utf-8")
LEVELS: Final = ("info", "warning", "error")


class Row(NamedTuple):
    """One row of the table."""

    event: str
    log: str
    status: str
    events: str
    remedy: str
    test: str


def rows() -> list[Row]:
    table = PAGE.split("## Events and remedies")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return [Row(*(cell.strip() for cell in line.strip("|").split(" | "))) for line in lines]


def names_in(cell: str) -> list[str]:
    """The names of events and log lines: words in backquotes with an underscore."""
    return re.findall(r"`([a-z]+(?:_[a-z]+)+)`", cell)


@cache
def source() -> str:
    packages = ("hadirector", "vrrp", "checks")
    return "\n".join(
        path.read_text(encoding="utf-8")
        for package in packages
        for path in sorted((TREE / package).rglob("*.py"))
    )


def test_the_table_has_all_events_of_the_bad_week() -> None:
    assert len(rows()) >= 20


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.event)
def test_the_test_of_a_row_exists(row: Row) -> None:
    file, _, name = row.test.strip("`").partition("::")
    tree = ast.parse((TREE / "tests/lab" / file).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert name in {node.name for node in tree.body if isinstance(node, functions)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.event)
def test_the_events_of_a_row_exist(row: Row) -> None:
    names = [name for name in names_in(row.events) if name != "previous_run"]
    assert names
    assert set(names) <= EVENT_NAMES


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.event)
def test_the_log_line_of_a_row_exists_and_has_a_level(row: Row) -> None:
    names = names_in(row.log)
    assert names
    assert [name for name in names if f'"{name}"' not in source() and name != "link_down"] == []
    assert any(level in row.log for level in LEVELS)


def test_every_test_of_the_bad_week_is_a_row() -> None:
    tested = {row.test.strip("`") for row in rows()}
    for file in ("test_bad_week.py", "test_bad_week_of_a_pair.py"):
        tree = ast.parse((TREE / "tests/lab" / file).read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert {f"{file}::{name}" for name in names if name.startswith("test_")} <= tested
