"""All of a sync group are ACTIVE, or none: what must happen to whom, as a table."""

from __future__ import annotations

import pytest

from vrrp.event import Event, Shutdown, Startup, StepBack, TakeOver
from vrrp.report import State
from vrrp.sync_group import Member, decide

INITIALIZE, BACKUP, ACTIVE = State.INITIALIZE, State.BACKUP, State.ACTIVE


def web(state: State, **facts: object) -> Member:
    return Member("web", state, **facts)  # type: ignore[arg-type] # a test's short form


def mail(state: State, **facts: object) -> Member:
    return Member("mail", state, **facts)  # type: ignore[arg-type] # a test's short form


NOT_ACTIVE = "mail of the same sync group is not active"

TABLE: list[tuple[str, list[Member], dict[str, Event]]] = [
    ("one alone begins", [web(INITIALIZE)], {"web": Startup()}),
    ("one alone goes on", [web(INITIALIZE, resume=True)], {"web": Startup(resume=True)}),
    ("one alone waits", [web(INITIALIZE, unready="u")], {}),
    ("one alone is left alone", [web(BACKUP)], {}),
    ("one alone has a fault", [web(ACTIVE, obstacle="o")], {"web": Shutdown("o")}),
    ("a fault that has been acted on", [web(INITIALIZE, obstacle="o")], {}),
    ("what is unknown stops nobody", [web(ACTIVE, unready="u")], {}),
    ("both begin", [web(INITIALIZE), mail(INITIALIZE)], {"web": Startup(), "mail": Startup()}),
    ("both wait for one", [web(INITIALIZE), mail(INITIALIZE, unready="u")], {}),
    ("one joins", [web(ACTIVE), mail(INITIALIZE)], {"mail": Startup()}),
    (
        "a fault in one stops all",
        [web(ACTIVE), mail(ACTIVE, obstacle="o")],
        {"web": Shutdown("o (mail of the same sync group)"), "mail": Shutdown("o")},
    ),
    (
        "each has its own fault",
        [web(BACKUP, obstacle="a"), mail(BACKUP, obstacle="b")],
        {"web": Shutdown("a"), "mail": Shutdown("b")},
    ),
    ("a fault keeps all out", [web(INITIALIZE), mail(INITIALIZE, obstacle="o")], {}),
    ("one wants", [web(BACKUP, wants_active=True), mail(BACKUP)], {}),
    (
        "all want",
        [web(BACKUP, wants_active=True), mail(BACKUP, wants_active=True)],
        {"web": TakeOver(), "mail": TakeOver()},
    ),
    ("one has lost", [web(ACTIVE), mail(BACKUP)], {"web": StepBack(NOT_ACTIVE)}),
    (
        "one has lost and wants again",
        [web(ACTIVE), mail(BACKUP, wants_active=True)],
        {"web": StepBack(NOT_ACTIVE)},
    ),
    ("one has handed over, one is about to", [web(ACTIVE, departing=True), mail(BACKUP)], {}),
    ("both active", [web(ACTIVE), mail(ACTIVE)], {}),
    ("nobody", [], {}),
]


@pytest.mark.parametrize(
    ("members", "events"), [each[1:] for each in TABLE], ids=[e[0] for e in TABLE]
)
def test_what_happens_to_whom(members: list[Member], events: dict[str, Event]) -> None:
    assert decide(members) == events
