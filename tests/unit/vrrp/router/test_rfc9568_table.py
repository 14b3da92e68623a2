"""The whole machine as one table: the state after every event in every situation.

The situations are the states of RFC 9568 6.4 and four phases of them: READY, a BACKUP router whose
Active_Down_Timer has expired and that waits for its sync group; HANDOVER, an ACTIVE router that
hands over; SEEKING, an ACTIVE router that hands over to a better peer only; STOPPING, an ACTIVE
router that hands over and stops afterwards. No sequence of events
may lead to another transition than the table has.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vrrp.router.builders import US, USUAL, advert
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.router.event import (
    AcquireAddresses,
    Action,
    ActiveRouterDied,
    AddressAnnounced,
    BetterPeerSought,
    ConfigurationChanged,
    Event,
    GroupBecomesActive,
    GroupBecomesBackup,
    HandoverRequested,
    HandoverUndone,
    OwnAddressChanged,
    PriorityChanged,
    ReleaseAddresses,
    SendAdvertisement,
    Shutdown,
    Startup,
    StateChanged,
    StopRequested,
    TimerExpired,
)
from vrrp.router.machine import Router

HIGHER_ADDRESS = IPv4Address("10.99.0.3")
OTHER = msgspec.structs.replace(USUAL, priority=90, advert_interval=0.5)

# Priority 100, one advertisement a second, every situation entered at 1000. A dot is no change.
TABLE = """
                                INITIALIZE BACKUP     READY      ACTIVE     HANDOVER   SEEKING    STOPPING
startup                         BACKUP     .          .          .          .          .          .
startup as owner                ACTIVE     .          .          .          .          .          .
startup to resume               ACTIVE     .          .          .          .          .          .
shutdown                        .          INITIALIZE INITIALIZE INITIALIZE INITIALIZE INITIALIZE INITIALIZE
stop                            .          INITIALIZE INITIALIZE STOPPING   STOPPING   STOPPING   .
handover                        .          .          .          HANDOVER   .          HANDOVER   .
better peer sought              .          .          .          SEEKING    .          .          .
undo                            .          .          .          .          ACTIVE     ACTIVE     .
timer before it is due          .          .          .          .          .          .          .
timer when due                  .          ACTIVE     .          .          .          .          .
timer when due, in a group      .          READY      .          .          .          .          .
timer 10 s late                 .          .          .          BACKUP     BACKUP     BACKUP     INITIALIZE
timer when no peer took over    .          .          .          .          ACTIVE     ACTIVE     INITIALIZE
successor advertised before     .          .          .          .          BACKUP     ACTIVE     INITIALIZE
successor announced before      .          .          .          .          BACKUP     ACTIVE     INITIALIZE
priority 0                      .          .          BACKUP     .          .          .          .
lower priority                  .          .          .          .          .          ACTIVE     .
equal, from a lower address     .          .          BACKUP     .          .          ACTIVE     .
equal, from a higher address    .          .          BACKUP     BACKUP     .          .          .
higher priority                 .          .          BACKUP     BACKUP     .          .          .
any priority, 10 s late         .          .          .          BACKUP     .          ACTIVE     .
configuration                   .          .          .          .          .          .          .
own address                     .          .          .          .          .          .          .
the active router died          .          .          .          .          .          .          .
the group becomes active        .          .          ACTIVE     .          .          .          .
the group becomes backup        .          .          .          BACKUP     .          .          .
priority changed                .          .          .          .          .          .          .
"""  # noqa: E501 - one row for each event


Moment = float | Literal["due", "late"]
EVENTS: dict[str, list[tuple[Event, Moment]]] = {
    "startup": [(Startup(), 1000.1)],
    "startup as owner": [(Startup(), 1000.1)],
    "startup to resume": [(Startup(resume=True), 1000.1)],
    "shutdown": [(Shutdown("stopped"), 1000.1)],
    "stop": [(StopRequested("stopped"), 1000.1)],
    "handover": [(HandoverRequested(), 1000.1)],
    "better peer sought": [(BetterPeerSought(), 1000.1)],
    "undo": [(HandoverUndone(), 1000.1)],
    "timer before it is due": [(TimerExpired(), 1000.1)],
    "timer when due": [(TimerExpired(), "due")],
    "timer when due, in a group": [(TimerExpired(), "due")],
    "timer 10 s late": [(TimerExpired(), "late")],
    "timer when no peer took over": [(TimerExpired(), 1002.2)],
    "successor advertised before": [(advert(50), 1000.1), (TimerExpired(), 1000.31)],
    "successor announced before": [
        (advert(50), 1000.1),
        (AddressAnnounced(IPv4Address("10.99.0.100")), 1000.1),
        (TimerExpired(), 1000.13),
    ],
    "priority 0": [(advert(0), 1000.1)],
    "lower priority": [(advert(50), 1000.1)],
    "equal, from a lower address": [(advert(100), 1000.1)],
    "equal, from a higher address": [(advert(100, HIGHER_ADDRESS), 1000.1)],
    "higher priority": [(advert(200), 1000.1)],
    "any priority, 10 s late": [(advert(50), "late")],
    "configuration": [(ConfigurationChanged(OTHER), 1000.1)],
    "own address": [(OwnAddressChanged(HIGHER_ADDRESS), 1000.1)],
    "the active router died": [(ActiveRouterDied(HIGHER_ADDRESS), 1000.1)],
    "the group becomes active": [(GroupBecomesActive(), 1000.1)],
    "the group becomes backup": [(GroupBecomesBackup("another member is BACKUP"), 1000.1)],
    "priority changed": [(PriorityChanged(50), 1000.1)],
}


def cells() -> list[tuple[str, str, str]]:
    """Return row, situation and following situation of each cell."""
    header, *lines = TABLE.strip("\n").splitlines()
    situations = header.split()
    found = []
    for line in lines:
        follows = line[32:].split()
        for situation, following in zip(situations, follows, strict=True):
            after = situation if following == "." else following
            found.append((line[:32].strip(), situation, after))
    return found


def situation_of(router: Router) -> str:
    if router._handover is None:
        return "READY" if router.ready else router.state.value
    assert router.state is State.ACTIVE
    if router._handover.stop_reason is not None:
        return "STOPPING"
    return "HANDOVER" if router._handover.yields else "SEEKING"


def router_in(situation: str, configuration: InstanceConfiguration) -> Router:
    router = Router(configuration, US)
    if situation == "READY":
        router.handle(Startup(), 996.0)
        router.handle(TimerExpired(), 999.7)
    elif situation != "INITIALIZE":
        router.handle(Startup(resume=situation != "BACKUP"), 1000.0)
    if situation == "HANDOVER":
        router.handle(HandoverRequested(), 1000.0)
    if situation == "SEEKING":
        router.handle(BetterPeerSought(), 1000.0)
    if situation == "STOPPING":
        router.handle(StopRequested("stopped"), 1000.0)
    return router


def at(moment: Moment, router: Router) -> float:
    if isinstance(moment, float):
        return moment
    due = 1000.1 if router.deadline is None else router.deadline
    return due if moment == "due" else due + 10.0


@pytest.mark.parametrize(("row", "situation", "after"), cells())
def test_every_event_leads_where_the_table_says(row: str, situation: str, after: str) -> None:
    configuration = USUAL
    if row == "startup as owner" and situation == "INITIALIZE":
        configuration = msgspec.structs.replace(USUAL, priority=255)
    if "group" in row or situation == "READY":
        configuration = msgspec.structs.replace(USUAL, sync_group="both")
    router = router_in(situation, configuration)
    assert situation_of(router) == situation
    for event, moment in EVENTS[row]:
        router.handle(event, at(moment, router))
    assert situation_of(router) == after


def test_the_table_has_every_event() -> None:
    assert list(EVENTS) == list(dict.fromkeys(row for row, _, _ in cells()))
    assert {type(event) for steps in EVENTS.values() for event, _ in steps} == set(Event.__args__)


SITUATIONS = list(dict.fromkeys(situation for _, situation, _ in cells()))
LEGAL = {
    (situation, type(EVENTS[row][-1][0]), after)
    for row, situation, after in cells()
    if after != situation
}


def check_transition(before: State, router: Router, actions: list[Action], held: bool) -> bool:
    """Check the actions of one step; return whether the addresses are held after it."""
    changes = [action for action in actions if isinstance(action, StateChanged)]
    assert len(changes) == (before is not router.state)
    for change in changes:
        assert (change.previous, change.state) == (before, router.state)
        assert actions[-1] == change
    for action in actions:
        if isinstance(action, AcquireAddresses):
            held = True
        if isinstance(action, ReleaseAddresses):
            held = False
        if isinstance(action, SendAdvertisement):
            assert State.ACTIVE in (before, router.state)
            assert action.priority in (0, router.priority)
    assert held is (router.state is State.ACTIVE)
    timeless = router.state is State.INITIALIZE or router.ready
    assert (router.deadline is None) is timeless
    return held


ANY_EVENT = st.sampled_from([event for steps in EVENTS.values() for event, _ in steps])
ANY_STEP = st.tuples(ANY_EVENT, st.floats(0.0, 5.0) | st.sampled_from(["due", "late"]))


@given(
    priority=st.sampled_from([1, 100, 254, 255]),
    preempt=st.booleans(),
    group=st.sampled_from([None, "both"]),
    steps=st.lists(ANY_STEP, max_size=40),
)
def test_no_sequence_of_events_makes_another_transition(
    priority: int, preempt: bool, group: str | None, steps: list[tuple[Event, Moment]]
) -> None:
    """The addresses are held in ACTIVE only, and a timer runs in ACTIVE and BACKUP."""
    configuration = msgspec.structs.replace(
        USUAL, priority=priority, preempt=preempt, sync_group=group
    )
    router = Router(configuration, US)
    now, held = 1000.0, False
    for event, moment in steps:
        before, situation = router.state, situation_of(router)
        now = max(now, now + moment if isinstance(moment, float) else at(moment, router))
        actions = router.handle(event, now)
        held = check_transition(before, router, actions, held)
        after = situation_of(router)
        assert after == situation or (situation, type(event), after) in LEGAL
