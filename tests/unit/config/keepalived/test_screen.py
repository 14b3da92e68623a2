"""Each statement of a block is translated, left out or refused as the table says."""

from __future__ import annotations

import pytest

from hadirector.config.keepalived.keywords.screen import screen
from hadirector.config.keepalived.keywords.table import Action, Keyword, Repeated, table
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Place, Statement, Word

TABLE = table(
    [
        Keyword("priority", Action.MAP),
        Keyword("notify", Action.MAP, repeated=Repeated.FIRST),
        Keyword("track_file", Action.MAP, block=True, arguments=(0, 0), repeated=Repeated.ALL),
        Keyword("linkbeat", Action.DROP_WITH_NOTE, "carrier comes from netlink", (0, 0)),
        Keyword("debug", Action.DROP),
        Keyword("net_namespace", Action.REFUSE, "start the unit in the namespace"),
    ]
)


def statement(line: int, *words: str, block: tuple[Statement, ...] | None = None) -> Statement:
    keyword, *arguments = (Word(word, Place("k.conf", line, 5)) for word in words)
    return Statement(keyword, tuple(arguments), " ".join(words), block)


def screened(*block: Statement, accepted: frozenset[str] = frozenset()) -> tuple[list[str], Report]:
    report = Report()
    options = Options("lb1", accepted)
    kept = screen(block, TABLE, "vrrp_instance VI_1", report, options)
    return [each.raw for each in kept], report


def test_the_last_or_the_first_of_repeated_keywords_counts() -> None:
    kept, report = screened(
        statement(1, "notify", "/a"),
        statement(2, "priority", "100"),
        statement(3, "track_file", block=()),
        statement(4, "priority", "90"),
        statement(5, "notify", "/b"),
        statement(6, "track_file", block=()),
    )
    assert kept == ["notify /a", "track_file", "priority 90", "track_file"]
    assert report.faults == []
    assert report.notes == []


def test_an_unknown_keyword_is_a_fault_with_a_suggestion() -> None:
    kept, report = screened(statement(7, "prioritie", "100"))
    assert kept == []
    assert [str(fault) for fault in report.faults] == [
        'k.conf:7:5: vrrp_instance VI_1: unknown keyword "prioritie"; did you mean priority?'
    ]


def test_a_refused_keyword_names_its_remedy_and_can_be_accepted() -> None:
    _, report = screened(statement(2, "net_namespace", "red"))
    assert [str(fault) for fault in report.faults] == [
        "k.conf:2:5: vrrp_instance VI_1: net_namespace: start the unit in the namespace;"
        " --accept net_namespace leaves the keyword out"
    ]
    kept, report = screened(
        statement(2, "net_namespace", "red"), accepted=frozenset({"net_namespace"})
    )
    assert (kept, report.faults) == ([], [])
    assert [note.message for note in report.notes] == [
        "vrrp_instance VI_1: net_namespace is left out, because --accept names it"
    ]


def test_a_dropped_keyword_is_noted_if_it_changes_something() -> None:
    kept, report = screened(statement(2, "linkbeat"), statement(3, "debug", "1"))
    assert (kept, report.faults) == ([], [])
    assert [(note.kind, note.message) for note in report.notes] == [
        ("linkbeat", "vrrp_instance VI_1: linkbeat: carrier comes from netlink")
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (statement(2, "priority"), "priority: 0 arguments (expected 1)"),
        (statement(2, "priority", "1", "2"), "priority: 2 arguments (expected 1)"),
        (statement(2, "priority", "1", block=()), "priority: no block expected"),
        (statement(2, "track_file"), "track_file: a block in braces expected"),
    ],
)
def test_a_keyword_in_a_wrong_form_is_a_fault(wrong: Statement, message: str) -> None:
    _, report = screened(wrong)
    assert [fault.message for fault in report.faults] == [f"vrrp_instance VI_1: {message}"]


def test_a_keyword_has_one_row_and_only_a_row_that_needs_a_text_has_one() -> None:
    with pytest.raises(ValueError, match="two rows"):
        table([Keyword("a", Action.MAP), Keyword("a", Action.DROP)])
    with pytest.raises(ValueError, match="a text belongs"):
        table([Keyword("a", Action.REFUSE)])
