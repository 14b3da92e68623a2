"""A text has the words that keepalived 2.2.7 reads in it, or is a fault at its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.unit.config.keepalived.syntax.reading import read
from tests.unit.config.keepalived.syntax.seen_cases import (
    ADDRESS,
    CASES,
    MISUNDERSTOOD,
    REFUSED,
    Case,
    whole_text,
)


def words(tree: Sequence[object]) -> Iterator[str]:
    """Yield the words behind the addresses."""
    for item in tree:
        if isinstance(item, list):
            yield from words(item)
        elif isinstance(item, str) and item.startswith(f"{ADDRESS}|"):
            yield from item.split("|")[1:]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.before}{case.lines}")
def test_a_text_has_the_words_that_keepalived_reads(case: Case) -> None:
    found = read(whole_text(case))
    assert found.faults == []
    assert list(words(found.tree)) == case.words


@pytest.mark.parametrize("text", REFUSED)
def test_a_line_that_keepalived_drops_is_a_fault(text: str) -> None:
    assert read(whole_text(Case(text, []))).faults == [f"k:{REFUSED[text]}"]


@pytest.mark.parametrize("text", MISUNDERSTOOD)
def test_a_line_that_keepalived_misunderstands_is_a_fault(text: str) -> None:
    assert read(whole_text(Case(text, []))).faults == [f"k:{MISUNDERSTOOD[text][1]}"]


def test_there_is_a_case_for_each_sentence_about_the_grammar() -> None:
    assert len(CASES) + len(REFUSED) + len(MISUNDERSTOOD) > 120
