"""Which processes match a pattern, and how events change their number."""

from __future__ import annotations

import pytest

from vrrp.model.tracked_process import ArgumentsMatch, ProcessPattern
from vrrp.tracking.process_events import Event, Exec, Exit, Fork, Rename
from vrrp.tracking.process_table import Identity, Patterns, ProcessTable, matches

HAPROXY = Identity(b"haproxy", b"/usr/sbin/haproxy\0-f\0/etc/a.cfg\0-q\0")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (ProcessPattern(name="haproxy"), True),
        (ProcessPattern(name="haprox"), False),
        (ProcessPattern(command="/usr/sbin/haproxy"), True),
        (ProcessPattern(command="haproxy"), False),
        (ProcessPattern(command="/usr/sbin/haproxy", arguments=()), False),
        (ProcessPattern(name="haproxy", arguments=("-f", "/etc/a.cfg", "-q")), True),
        (ProcessPattern(name="haproxy", arguments=("-f", "/etc/a.cfg")), False),
        (ProcessPattern(name="haproxy", arguments=("-f", "/etc/b.cfg", "-q")), False),
        (ProcessPattern(name="nginx", arguments=("-f", "/etc/a.cfg", "-q")), False),
    ],
)
def test_a_process_matches_by_its_name_its_command_and_its_arguments(
    pattern: ProcessPattern, expected: bool
) -> None:
    assert matches(pattern, HAPROXY) is expected


@pytest.mark.parametrize(
    ("arguments", "first", "prefix"),
    [
        (("-f",), True, True),
        (("-f", "/etc/a.cfg", "-q"), True, True),
        (("-f", "/etc"), False, True),
        (("-", "/etc/a.cfg"), False, False),
        (("-f", "/etc/a.cfg", "-q", "-D"), False, False),
    ],
)
def test_a_process_may_have_more_or_longer_arguments(
    arguments: tuple[str, ...], first: bool, prefix: bool
) -> None:
    def judge(match: ArgumentsMatch) -> bool:
        pattern = ProcessPattern(name="haproxy", arguments=arguments, arguments_match=match)
        return matches(pattern, HAPROXY)

    assert judge(ArgumentsMatch.FIRST) is first
    assert judge(ArgumentsMatch.PREFIX) is prefix


def test_a_process_without_arguments_matches_an_empty_list() -> None:
    pattern = ProcessPattern(command="/bin/a", arguments=())
    assert matches(pattern, Identity(b"a", b"/bin/a\0"))
    assert not matches(pattern, Identity(b"a", b"/bin/a\0\0"))
    assert not matches(pattern, Identity(b"a"))


ANY_A, A_ONE, B = (
    ProcessPattern(name="a"),
    ProcessPattern(name="a", arguments=("1",)),
    ProcessPattern(name="b"),
)


def table(*patterns: ProcessPattern) -> ProcessTable:
    made = ProcessTable(Patterns(patterns))
    made.replace({1: Identity(b"a", b"a\x001\x00"), 2: Identity(b"a", b"a\x002\x00")})
    return made


@pytest.mark.parametrize(
    ("events", "counts"),
    [
        ([], (2, 1, 0)),
        ([Exit(1)], (1, 0, 0)),
        ([Exit(7)], (2, 1, 0)),
        ([Fork(1, 3)], (3, 2, 0)),
        ([Fork(2, 3), Fork(3, 4), Exit(3)], (3, 1, 0)),
        ([Fork(9, 3)], (2, 1, 0)),
    ],
)
def test_events_change_the_numbers(events: list[Event], counts: tuple[int, int, int]) -> None:
    """Two processes have the name a, and the first one has the argument 1."""
    found = table(ANY_A, A_ONE, B)
    assert found.apply(events) == []
    assert tuple(found.counts().values()) == counts


def test_a_process_that_executes_or_takes_another_name_is_read_again() -> None:
    """A name that is not tracked, of a process that does not count, needs no reading."""
    found = table(ANY_A, A_ONE, B)
    assert found.apply([Exec(1)]) == [1]
    found.update(1, Identity(b"b"))
    assert tuple(found.counts().values()) == (1, 0, 1)
    assert found.apply([Rename(2, b"x")]) == [2]
    found.update(2, None)
    assert tuple(found.counts().values()) == (0, 0, 1)
    assert found.apply([Rename(2, b"x"), Rename(5, b"a")]) == [5]


@pytest.mark.parametrize(
    ("events", "read"),
    [
        ([Exec(5), Exit(5)], []),
        ([Exec(5), Rename(5, b"a")], [5]),
        ([Exec(1), Fork(1, 6), Fork(6, 7), Exit(6)], [1, 7]),
        ([Fork(1, 6), Exec(1), Exit(1)], []),
    ],
)
def test_the_child_of_a_process_that_must_be_read_is_read(
    events: list[Event], read: list[int]
) -> None:
    """A process that has ended in the meantime is not read."""
    assert table(ANY_A, A_ONE, B).apply(events) == read


def test_a_command_line_is_read_only_for_patterns_with_words() -> None:
    assert Patterns([ANY_A, B]).needs_command_line(b"a") is False
    assert Patterns([A_ONE, B]).needs_command_line(b"a") is True
    assert Patterns([A_ONE, B]).needs_command_line(b"b") is False
    anything = Patterns([ProcessPattern(command="a")])
    assert anything.may_match(b"z")
    assert anything.needs_command_line(b"z")
    assert not Patterns([A_ONE, B]).may_match(b"z")
