"""The whole machine as one table: every situation with every event, and what follows.

RFC 9568 6.4, a BACKUP that has waited its time and now waits for its sync group, an ACTIVE router
that hands over, and one that hands over and leaves. Then any sequence of events is held to it, and
to what every transition must do.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.protocol.packet import Advertisement
from vrrp.router.event import (
    AcquireAddresses,
    Action,
    AddressAnnounced,
    AdvertisementReceived,
    ConfigurationChanged,
    Event,
    HandOver,
    HandOverUndone,
    Leave,
    OwnAddressChanged,
    PriorityChanged,
    ReleaseAddresses,
    SendAdvertisement,
    Shutdown,
    Startup,
    StateChanged,
    StepBack,
    TakeOver,
    TimerExpired,
)
from vrrp.router.machine import Router

US = IPv4Address("10.99.0.2")
LOWER_ADDRESS = IPv4Address("10.99.0.1")
HIGHER_ADDRESS = IPv4Address("10.99.0.3")
USUAL = InstanceConfiguration(
    name="web",
    interface="eth0",
    virtual_router_id=51,
    virtual_addresses=("10.99.0.100/32",),
)
OTHER = msgspec.structs.replace(USUAL, priority=90, advert_interval=0.5)

# Priority 100, one advertisement a second, every situation entered at 1000. A dot: no change.
TABLE = """
                                INITIALIZE BACKUP     WAITING    ACTIVE     HANDOVER   LEAVING
startup                         BACKUP     .          .          .          .          .
startup as owner                ACTIVE     .          .          .          .          .
startup to resume               ACTIVE     .          .          .          .          .
shutdown                        .          INITIALIZE INITIALIZE INITIALIZE INITIALIZE INITIALIZE
leave                           .          INITIALIZE INITIALIZE LEAVING    LEAVING    .
hand over                       .          .          .          HANDOVER   .          .
undo                            .          .          .          .          ACTIVE     .
timer before it is due          .          .          .          .          .          .
timer when due                  .          ACTIVE     .          .          .          .
timer when due, in a group      .          WAITING    .          .          .          .
timer 10 s late                 .          .          .          BACKUP     BACKUP     INITIALIZE
timer when patience is over     .          .          .          .          ACTIVE     INITIALIZE
successor heard, its time over  .          .          .          .          BACKUP     INITIALIZE
it announces, a moment later    .          .          .          .          BACKUP     INITIALIZE
priority 0                      .          .          BACKUP     .          .          .
lower priority                  .          .          .          .          .          .
equal, from a lower address     .          .          BACKUP     .          .          .
equal, from a higher address    .          .          BACKUP     BACKUP     .          .
higher priority                 .          .          BACKUP     BACKUP     .          .
any priority, 10 s late         .          .          .          BACKUP     .          .
configuration                   .          .          .          .          .          .
own address                     .          .          .          .          .          .
the group takes over            .          .          ACTIVE     .          .          .
the group steps back            .          .          .          BACKUP     .          .
priority moved                  .          .          .          .          .          .
"""


def advert(priority: int, source: IPv4Address = LOWER_ADDRESS) -> AdvertisementReceived:
    advertisement = Advertisement(
        version=3,
        virtual_router_id=51,
        priority=priority,
        advert_interval_centiseconds=100,
        addresses=(IPv4Address("10.99.0.100"),),
        checksum_form="rfc5798",
    )
    return AdvertisementReceived(advertisement, source)


Moment = float | Literal["due", "late"]
EVENTS: dict[str, list[tuple[Event, Moment]]] = {
    "startup": [(Startup(), 1000.1)],
    "startup as owner": [(Startup(), 1000.1)],
    "startup to resume": [(Startup(resume=True), 1000.1)],
    "shutdown": [(Shutdown("stopped"), 1000.1)],
    "leave": [(Leave("stopped"), 1000.1)],
    "hand over": [(HandOver(), 1000.1)],
    "undo": [(HandOverUndone(), 1000.1)],
    "timer before it is due": [(TimerExpired(), 1000.1)],
    "timer when due": [(TimerExpired(), "due")],
    "timer when due, in a group": [(TimerExpired(), "due")],
    "timer 10 s late": [(TimerExpired(), "late")],
    "timer when patience is over": [(TimerExpired(), 1002.2)],
    "successor heard, its time over": [(advert(50), 1000.1), (TimerExpired(), 1000.31)],
    "it announces, a moment later": [
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
    "the group takes over": [(TakeOver(), 1000.1)],
    "the group steps back": [(StepBack("another one is BACKUP"), 1000.1)],
    "priority moved": [(PriorityChanged(50), 1000.1)],
}


def cells() -> list[tuple[str, str, str]]:
    """Row, situation and what follows."""
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
    if router._departure is None:
        return "WAITING" if router.wants_active else router.state.value
    assert router.state is State.ACTIVE
    return "HANDOVER" if router._departure.stop_reason is None else "LEAVING"


def router_in(situation: str, configuration: InstanceConfiguration) -> Router:
    router = Router(configuration, US)
    if situation == "WAITING":
        router.handle(Startup(), 996.0)
        router.handle(TimerExpired(), 999.7)
    elif situation != "INITIALIZE":
        router.handle(Startup(resume=situation != "BACKUP"), 1000.0)
    if situation == "HANDOVER":
        router.handle(HandOver(), 1000.0)
    if situation == "LEAVING":
        router.handle(Leave("stopped"), 1000.0)
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
    if "group" in row or situation == "WAITING":
        configuration = msgspec.structs.replace(USUAL, sync_group="both")
    router = router_in(situation, configuration)
    assert situation_of(router) == situation
    for event, moment in EVENTS[row]:
        router.handle(event, at(moment, router))
    assert situation_of(router) == after


def test_the_table_has_every_event() -> None:
    assert list(EVENTS) == list(dict.fromkeys(row for row, _, _ in cells()))
    assert {type(event) for steps in EVENTS.values() for event, _ in steps} == set(Event.__args__)


LEGAL = {
    (situation, type(EVENTS[row][-1][0]), after)
    for row, situation, after in cells()
    if after != situation
}


def check_transition(before: State, router: Router, actions: list[Action], held: bool) -> bool:
    """What must go with every step; returns whether the addresses are held after it."""
    changes = [each for each in actions if isinstance(each, StateChanged)]
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
    timeless = router.state is State.INITIALIZE or router.wants_active
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
    """And the addresses are held in ACTIVE alone, whose timer always runs."""
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
