"""Whether a director is fit to serve, and whether its elections may begin."""

from __future__ import annotations

from typing import Any

import pytest

from hadirector.dataplane.condition import TableCondition
from hadirector.election.fitness import Fitness, Situation, decide_fitness

GOOD = TableCondition(wanted=2, present=2)
ERROR = "add service tcp 192.0.2.10:80 (rr): No such file or directory"


def situation(**fields: Any) -> Situation:
    """Return a director that is ready: its table is made, and every target has a verdict."""
    usual: dict[str, Any] = {
        "table": GOOD,
        "settled": True,
        "without_verdict": 0,
        "undecided": (),
        "overdue": False,
    }
    return Situation(**(usual | fields))


def part(present: int, failing: int = 1) -> TableCondition:
    return TableCondition(failing=failing, error=ERROR, wanted=2, present=present)


UNREADABLE = TableCondition(error="Connection reset by peer", wanted=2, present=2)
UNREADABLE_REASON = "the table cannot be read: Connection reset by peer"
MISSING = f"no virtual service could be added to the table: {ERROR}"
PARTLY = f"1 operation on the table fails: {ERROR}"
UNKNOWN = "the state of the real servers is not known: web"

TABLE: list[tuple[Situation, Fitness]] = [
    (situation(), Fitness()),
    # Without virtual servers there is no table, so its faults do not matter.
    (situation(table=TableCondition(error="broken"), settled=False), Fitness()),
    # Elections wait for the first verdicts and for the table.
    (situation(without_verdict=1), Fitness((), "1 target has no verdict yet")),
    (situation(without_verdict=2), Fitness((), "2 targets have no verdict yet")),
    (
        situation(table=None, settled=False),
        Fitness((), "the table does not have the virtual servers yet"),
    ),
    (situation(settled=False), Fitness((), "the table does not have the virtual servers yet")),
    # A pool that comes from a discovery source waits for its first list.
    (
        situation(undecided=("web",)),
        Fitness((), "no source has named the real servers yet: web"),
    ),
    # A verdict that is overdue delays nothing, unless it decides about a quorum.
    (situation(without_verdict=1, overdue=True), Fitness()),
    (situation(without_verdict=1, undecided=["web"], overdue=True), Fitness((UNKNOWN,))),
    (
        situation(undecided=["a", "b", "c", "d"], overdue=True),
        Fitness(
            ("the state of the real servers is not known: a, b, c and 1 more virtual servers",)
        ),
    ),
    # A director without any service is held out. One that has a part of its table serves last.
    (situation(table=part(0)), Fitness((MISSING,), MISSING)),
    (situation(table=part(0), overdue=True, settled=False), Fitness((MISSING,), MISSING)),
    (situation(table=part(1)), Fitness((PARTLY,))),
    (
        situation(table=part(1, failing=2)),
        Fitness((f"2 operations on the table fail: {ERROR}",)),
    ),
    (situation(table=UNREADABLE), Fitness((UNREADABLE_REASON,))),
    (
        situation(table=UNREADABLE, settled=False),
        Fitness((UNREADABLE_REASON,), UNREADABLE_REASON),
    ),
]


@pytest.mark.parametrize(("facts", "expected"), TABLE)
def test_fitness_of_each_situation(facts: Situation, expected: Fitness) -> None:
    assert decide_fitness(facts) == expected
    assert expected.fit is not bool(expected.reasons)
