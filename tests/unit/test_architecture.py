"""The house's limits on size and on who may import whom, held by tests."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path for package in ("vrrp", "checks", "hadirector") for path in (ROOT / package).rglob("*.py")
)
EVERYTHING = SOURCES + sorted((ROOT / "tests").rglob("*.py"))

TOP = {
    "hadirector": {"__init__.py", "__main__.py", "log.py", "storage.py"},
    "vrrp": {"__init__.py", "__main__.py", "segment.py", "speaker.py"},
    "checks": {"__init__.py"},
}
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
FUNCTION_LINES_MEDIAN_MAX = 10


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_and_no_function_outgrows_its_limit(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES_MAX
    assert [name for name, lines in functions(path) if lines > FUNCTION_LINES_MAX] == []


def test_the_median_function_is_short() -> None:
    lengths = [lines for path in SOURCES for _, lines in functions(path)]
    assert statistics.median(lengths) <= FUNCTION_LINES_MEDIAN_MAX


def test_there_are_no_drawers() -> None:
    """Files named after nothing collect everything."""
    drawers = {"utils", "util", "common", "helpers", "helper", "misc", "manager", "base_class"}
    assert [path for path in SOURCES if path.stem in drawers] == []


def test_the_import_contracts_hold() -> None:
    """No package knows what it must not, pure modules stay pure, the vrrp process light."""
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout
    assert "8 kept, 0 broken" in linted.stdout


def test_a_module_that_says_it_is_pure_is_covered_by_the_contract() -> None:
    """Otherwise a docstring could promise a purity that no contract checks."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    covered = [
        re.compile(rf"{re.escape(source).replace(chr(92) + '*', '[a-z_]+')}(\..+)?")
        for contract in contracts["contracts"]
        if contract["name"].startswith(("pure rooms", "the bytes of IPVS"))
        for source in contract["source_modules"]
    ]
    uncovered = [
        name
        for path in SOURCES
        if re.search(r"\bPure\b", ast.get_docstring(ast.parse(path.read_text())) or "")
        and (name := ".".join(path.relative_to(ROOT).with_suffix("").parts))
        and not any(pattern.fullmatch(name) for pattern in covered)
    ]
    assert uncovered == []


def test_no_module_lies_outside_a_room() -> None:
    """DESIGN section 5: what may lie at the top of each package."""
    assert {
        package: {path.name for path in (ROOT / package).glob("*.py")} for package in TOP
    } == TOP


def test_the_vrrp_process_imports_neither_aiohttp_nor_pydantic() -> None:
    """What really is in memory counts, not only what the contract can see."""
    program = (
        "import sys, hadirector.processes.vrrp_process;"
        "heavy = {'aiohttp', 'pydantic', 'structlog', 'yaml', 'checks.script_runner.runner'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"
