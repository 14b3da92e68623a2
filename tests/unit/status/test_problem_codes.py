"""Every code of a problem is documented with its level."""

from __future__ import annotations

import re
from pathlib import Path

from hadirector.status.verdict import Level
from tests.unit.status.pair_cases import OF_THE_PAIR
from tests.unit.status.test_verdict import FOUND

PAGE = Path(__file__).parents[3] / "docs/operations.md"


def test_each_code_is_documented_with_its_level() -> None:
    section = PAGE.read_text().split("## Verdict and problems\n")[1].split("\n## ")[0]
    documented = {
        code: row.split("|")[2].strip()
        for row in section.splitlines()
        if row.startswith("| `")
        for code in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    words = {Level.OK: "note"}
    found = {code: level for _, level, code, _ in FOUND.values()} | OF_THE_PAIR
    for code, level in found.items():
        assert words.get(level, level) in documented[code]
    assert documented.keys() == found.keys()
