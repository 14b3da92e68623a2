"""The state diagram in the docstring of `vrrp.router` shows exactly the machine's transitions."""

from __future__ import annotations

import re

import vrrp.router
from tests.unit.vrrp.router.test_rfc9568_table import LEGAL, SITUATIONS

_STATE = re.compile(r"    ([A-Z]+)")
_ARROW = re.compile(r"     \+-- ([A-Za-z]+) -+> ([A-Z]+)(?:  .*)?")


def drawn_transitions(text: str) -> list[tuple[str, str, str]]:
    """Read the states, events and following states of a diagram."""
    found = []
    state = ""
    for line in text.splitlines():
        if match := _STATE.fullmatch(line):
            state = match[1]
        elif match := _ARROW.fullmatch(line):
            found.append((state, match[1], match[2]))
    return found


def test_the_diagram_is_read_as_drawn() -> None:
    drawn = """
    BACKUP
     +-- TimerExpired ----------> ACTIVE      the active router is silent
     +-- Shutdown --------------> INITIALIZE
    """
    assert drawn_transitions(drawn) == [
        ("BACKUP", "TimerExpired", "ACTIVE"),
        ("BACKUP", "Shutdown", "INITIALIZE"),
    ]


def test_the_diagram_has_the_transitions_of_the_machine_and_no_others() -> None:
    """`LEGAL` has the transitions of a table, which another test compares with the machine."""
    assert vrrp.router.__doc__ is not None
    drawn = drawn_transitions(vrrp.router.__doc__)
    assert len(drawn) == len(set(drawn)) == 31
    assert set(drawn) == {(before, event.__name__, after) for before, event, after in LEGAL}
    assert {before for before, _, _ in drawn} == set(SITUATIONS)


def test_every_arrow_of_the_diagram_is_read() -> None:
    assert vrrp.router.__doc__ is not None
    assert vrrp.router.__doc__.count("+--") == len(drawn_transitions(vrrp.router.__doc__))
