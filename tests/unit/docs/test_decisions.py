"""The decision records in docs/decisions share one form and are numbered without gaps."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

RECORDS = sorted((Path(__file__).parents[3] / "docs" / "decisions").glob("*.md"))
HEAD = re.compile(
    r"# (?P<number>\d{4}): \S[^\n]+\n\n"
    r"Date: (?P<date>\d{4}-\d\d-\d\d)\n\n"
    r"Status: (?P<status>accepted|superseded by (?P<successor>\d{4}))(?: \([^\n]+\))?\n\n"
)
SECTIONS = ["Context", "Decision", "Consequences"]


def read_head(record: Path) -> re.Match[str]:
    match = HEAD.match(record.read_text(encoding="utf-8"))
    assert match is not None, f"{record.name}: the head has another form"
    return match


def test_the_numbers_have_no_gaps() -> None:
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert numbers == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_has_number_date_and_status(record: Path) -> None:
    head = read_head(record)
    assert head["number"] == record.name[:4]
    assert date.fromisoformat(head["date"]) >= date(2026, 11, 23)
    if head["successor"] is not None:
        assert int(head["number"]) < int(head["successor"]) <= len(RECORDS)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_has_the_three_sections_and_each_has_a_text(record: Path) -> None:
    text = record.read_text(encoding="utf-8")[read_head(record).end() :]
    before, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    assert before == ""
    assert [section.partition("\n")[0] for section in sections] == SECTIONS
    assert all(section.partition("\n")[2].strip() for section in sections)
