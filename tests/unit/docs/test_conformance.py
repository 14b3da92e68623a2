"""docs/conformance.md has a row for every requirement, and names tests that exist."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "conformance.md"
NUMBERS = {"P": 32, "S": 28, "A": 8, "I": 9}


class Row(NamedTuple):
    identity: str
    section: str
    level: str
    behavior: str
    covered_by: str
    status: str


def rows() -> list[Row]:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    cells = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|")
    return [Row(*cell) for cell in cells if cell[0] not in ("id", "---")]


def functions_of_the_tests() -> set[str]:
    """``file::function`` of every test; the file is a path below tests/."""
    return {
        f"{path.relative_to(ROOT / 'tests')}::{node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_requirement_has_one_row_in_order() -> None:
    wanted = [f"{letter}{at:02}" for letter, last in NUMBERS.items() for at in range(1, last + 1)]
    assert [row.identity for row in rows()] == wanted


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.identity)
def test_a_row_has_a_behavior_and_a_test_or_a_reason(row: Row) -> None:
    """`yes` needs a test, anything else a reason."""
    assert all((row.section, row.level, row.behavior, row.status))
    state, _, reason = row.status.partition(": ")
    assert state in ("yes", "deviation", "not yet")
    assert bool(reason) is (state != "yes")
    assert row.covered_by or state != "yes"


def test_every_test_named_exists() -> None:
    named = {test for row in rows() for test in row.covered_by.split(", ") if test}
    assert named - functions_of_the_tests() == set()
