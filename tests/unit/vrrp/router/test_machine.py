"""The virtual router beyond the RFC: delays, stalls, changes of the configuration."""

from __future__ import annotations

import ast
import inspect
import itertools
from ipaddress import IPv4Address

import pytest

from tests.builders import an_instance
from tests.unit.vrrp.router.builders import PEER, RESIGN, US, USUAL, advert, router_in, to
from vrrp.model.report import State
from vrrp.router import machine as router_module
from vrrp.router.event import (
    AcquireAddresses,
    Action,
    ActiveRouterDied,
    AddressAnnounced,
    AnnounceAddresses,
    BetterPeerSought,
    ConfigurationChanged,
    Event,
    GroupBecomesActive,
    GroupBecomesBackup,
    HandoverBegan,
    HandoverRequested,
    HandoverUndone,
    OwnAddressChanged,
    PriorityChanged,
    ReleaseAddresses,
    SendAdvertisement,
    Shutdown,
    Startup,
    StopRequested,
    TimerExpired,
)
from vrrp.router.machine import Router

HIGHER_PEER = IPv4Address("10.99.0.3")


INITIALIZE, BACKUP, ACTIVE = State.INITIALIZE, State.BACKUP, State.ACTIVE
TAKE_OVER: list[Action] = [SendAdvertisement(100), AcquireAddresses(), AnnounceAddresses()]
OTHER_ADDRESS = an_instance(virtual_addresses=("10.99.0.200/32",))


# Every state with every event at 1002: what is done, and the next state.
PRODUCT: list[tuple[State, Event, list[Action], State]] = [
    (INITIALIZE, Startup(), [to(INITIALIZE, BACKUP, "started")], BACKUP),
    (INITIALIZE, Startup(True), [*TAKE_OVER, to(INITIALIZE, ACTIVE, "resumed")], ACTIVE),
    (INITIALIZE, Shutdown("s"), [], INITIALIZE),
    (INITIALIZE, StopRequested("s"), [], INITIALIZE),
    (INITIALIZE, advert(200), [], INITIALIZE),
    (INITIALIZE, advert(0), [], INITIALIZE),
    (INITIALIZE, TimerExpired(), [], INITIALIZE),
    (INITIALIZE, HandoverRequested(), [], INITIALIZE),
    (INITIALIZE, BetterPeerSought(), [], INITIALIZE),
    (INITIALIZE, HandoverUndone(), [], INITIALIZE),
    (INITIALIZE, ConfigurationChanged(OTHER_ADDRESS), [], INITIALIZE),
    (INITIALIZE, PriorityChanged(150), [], INITIALIZE),
    (INITIALIZE, GroupBecomesActive(), [], INITIALIZE),
    (INITIALIZE, GroupBecomesBackup("s"), [], INITIALIZE),
    (INITIALIZE, OwnAddressChanged(PEER), [], INITIALIZE),
    (INITIALIZE, AddressAnnounced(PEER), [], INITIALIZE),
    (INITIALIZE, ActiveRouterDied(PEER), [], INITIALIZE),
    (BACKUP, Startup(), [], BACKUP),
    (BACKUP, Startup(True), [], BACKUP),
    (BACKUP, Shutdown("s"), [to(BACKUP, INITIALIZE, "s")], INITIALIZE),
    (BACKUP, StopRequested("s"), [to(BACKUP, INITIALIZE, "s")], INITIALIZE),
    (BACKUP, advert(200), [], BACKUP),
    (BACKUP, advert(50), [], BACKUP),
    (BACKUP, advert(0), [], BACKUP),
    (BACKUP, TimerExpired(), [], BACKUP),  # too early
    (BACKUP, HandoverRequested(), [], BACKUP),
    (BACKUP, BetterPeerSought(), [], BACKUP),
    (BACKUP, HandoverUndone(), [], BACKUP),
    (BACKUP, ConfigurationChanged(OTHER_ADDRESS), [], BACKUP),
    (BACKUP, PriorityChanged(150), [], BACKUP),
    (BACKUP, GroupBecomesActive(), [], BACKUP),  # not wanted yet
    (BACKUP, GroupBecomesBackup("s"), [], BACKUP),
    (BACKUP, OwnAddressChanged(PEER), [], BACKUP),
    (BACKUP, AddressAnnounced(PEER), [], BACKUP),
    (BACKUP, ActiveRouterDied(PEER), [], BACKUP),
    (ACTIVE, Startup(), [], ACTIVE),
    (ACTIVE, Startup(True), [], ACTIVE),
    (
        ACTIVE,
        Shutdown("s"),
        [SendAdvertisement(0), ReleaseAddresses(), to(ACTIVE, INITIALIZE, "s")],
        INITIALIZE,
    ),
    (ACTIVE, StopRequested("s"), RESIGN, ACTIVE),
    (
        ACTIVE,
        advert(200),
        [
            SendAdvertisement(100),
            ReleaseAddresses(),
            to(ACTIVE, BACKUP, "a peer has a higher priority"),
        ],
        BACKUP,
    ),
    (ACTIVE, advert(50), [SendAdvertisement(100), AnnounceAddresses()], ACTIVE),
    (ACTIVE, advert(0), [SendAdvertisement(100), AnnounceAddresses()], ACTIVE),
    (ACTIVE, TimerExpired(), [SendAdvertisement(100)], ACTIVE),
    (ACTIVE, HandoverRequested(), RESIGN, ACTIVE),
    (
        ACTIVE,
        BetterPeerSought(),
        [HandoverBegan("a peer may serve better: the priority is lowered"), *RESIGN],
        ACTIVE,
    ),
    (ACTIVE, HandoverUndone(), [], ACTIVE),
    (
        ACTIVE,
        ConfigurationChanged(OTHER_ADDRESS),
        [AcquireAddresses(), AnnounceAddresses()],
        ACTIVE,
    ),
    (ACTIVE, PriorityChanged(150), [], ACTIVE),
    (ACTIVE, GroupBecomesActive(), [], ACTIVE),
    (
        ACTIVE,
        GroupBecomesBackup("s"),
        [SendAdvertisement(0), ReleaseAddresses(), to(ACTIVE, BACKUP, "s")],
        BACKUP,
    ),
    (ACTIVE, OwnAddressChanged(PEER), [], ACTIVE),
    (ACTIVE, AddressAnnounced(PEER), [], ACTIVE),
    (ACTIVE, ActiveRouterDied(PEER), [], ACTIVE),
]


@pytest.mark.parametrize(("state", "event", "actions", "following"), PRODUCT)
def test_every_event_has_its_answer_in_every_state(
    state: State, event: Event, actions: list[Action], following: State
) -> None:
    router = router_in(state)
    assert router.handle(event, 1002.0) == actions
    assert router.state is following


def test_the_product_above_is_complete() -> None:
    kinds = set(Event.__args__)
    assert {(state, type(event)) for state, event, _, _ in PRODUCT} == {
        (state, kind) for state in State for kind in kinds
    }


def test_only_the_become_methods_assign_the_state() -> None:
    tree = ast.parse(inspect.getsource(router_module))
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    writers = {
        method.name
        for method in methods
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute) and node.attr == "state"
        if isinstance(node.ctx, ast.Store)
    }
    assert writers == {"__init__", "_become_initialize", "_become_backup", "_become_active"}


def test_a_takeover_has_a_reason() -> None:
    silent = router_in(BACKUP)
    assert silent.handle(TimerExpired(), 1004.0)[-1] == to(BACKUP, ACTIVE, "no active router")
    crashed = router_in(BACKUP)
    crashed.handle(advert(200), 1001.0)
    assert crashed.following.address == PEER
    assert crashed.handle(TimerExpired(), 1005.0)[-1] == to(
        BACKUP, ACTIVE, "the active router stopped advertising"
    )
    resigned = router_in(BACKUP)
    resigned.handle(advert(0), 1001.0)
    assert resigned.handle(TimerExpired(), 1002.0)[-1] == to(
        BACKUP, ACTIVE, "the active router sent priority 0"
    )
    preempting = router_in(BACKUP)
    preempting.handle(advert(50), 1001.0)
    assert preempting.handle(TimerExpired(), 1004.0)[-1] == to(
        BACKUP, ACTIVE, "the active router has a lower priority"
    )


def test_announcements_caused_by_peers_are_limited_to_one_a_second() -> None:
    router = router_in(ACTIVE)
    assert AnnounceAddresses() in router.handle(advert(50), 1000.1)
    assert router.handle(advert(50), 1000.2) == [SendAdvertisement(100)]
    assert AnnounceAddresses() in router.handle(advert(50), 1001.1)


def test_ties_are_decided_by_the_current_address() -> None:
    router = router_in(ACTIVE)
    router.handle(OwnAddressChanged(IPv4Address("10.99.0.9")), 1000.1)
    router.handle(advert(100, HIGHER_PEER), 1000.2)
    assert router.state is ACTIVE


class TestPreemptionDelay:
    """A BACKUP router waits for the delay, and then lets the Active_Down_Timer run."""

    def test_the_delay_starts_with_the_first_lower_priority(self) -> None:
        router = router_in(BACKUP, an_instance(preempt_delay=30.0))
        router.handle(advert(50), 1001.0)
        assert router.deadline == 1004.609375
        router.handle(advert(50), 1030.5)
        assert router.deadline == 1034.109375
        router.handle(advert(50), 1031.0)
        assert router.deadline == 1034.109375

    def test_a_silent_active_router_is_replaced_within_the_delay(self) -> None:
        router = router_in(BACKUP, an_instance(preempt_delay=30.0))
        router.handle(advert(50), 1001.0)
        router.handle(TimerExpired(), 1004.609375)
        assert router.state is ACTIVE

    def test_a_higher_priority_ends_the_delay(self) -> None:
        router = router_in(BACKUP, an_instance(preempt_delay=30.0))
        router.handle(advert(50), 1001.0)
        router.handle(advert(200), 1002.0)
        router.handle(advert(50), 1031.5)
        assert router.deadline == 1035.109375

    def test_every_time_as_backup_has_its_own_delay(self) -> None:
        router = router_in(BACKUP, an_instance(preempt_delay=30.0))
        router.handle(advert(50), 1001.0)
        router.handle(TimerExpired(), 1005.0)
        router.handle(advert(200), 1005.5)
        router.handle(advert(50), 1032.0)
        assert router.deadline == 1035.609375


class TestStall:
    """A router whose process was stalled listens before it becomes ACTIVE again.

    A peer that took over answers priority 0, and announces the addresses again.
    """

    def test_a_stalled_active_router_sends_priority_0_and_listens(self) -> None:
        router = router_in(ACTIVE)
        actions = router.handle(TimerExpired(), 1004.1)  # due at 1001, 3 s allowed
        assert actions == [
            SendAdvertisement(0),
            ReleaseAddresses(),
            to(ACTIVE, BACKUP, "the process was stalled"),
        ]
        assert router.deadline == 1005.709375

    def test_a_slightly_late_router_stays_active(self) -> None:
        router = router_in(ACTIVE)
        assert router.handle(TimerExpired(), 1003.9) == [SendAdvertisement(100)]

    def test_no_lifetime_ends_before_the_router_listens(self) -> None:
        """At 10 s and priority 1 the lifetime is 41 s.

        The lifetime was renewed at 1000 s at the latest, the time of the last advertisement.
        """
        router = router_in(ACTIVE, an_instance(advert_interval=10.0, priority=1))
        assert router.deadline == 1010.0
        assert SendAdvertisement(0) in router.handle(TimerExpired(), 1041.0)

    def test_after_a_short_stall_a_router_wins_against_a_lower_priority(self) -> None:
        """The stall was too short to become BACKUP. The advertisement waited in the socket."""
        router = router_in(ACTIVE)
        actions = router.handle(advert(50), 1003.9)
        assert actions == [SendAdvertisement(100), AnnounceAddresses()]

    def test_without_preemption_a_stalled_router_follows_a_lower_priority(self) -> None:
        router = router_in(ACTIVE, an_instance(preempt=False))
        router.handle(advert(50), 1010.0)
        assert router.state is BACKUP
        assert router.deadline == 1013.609375

    def test_a_late_backup_listens_once_then_takes_over(self) -> None:
        router = router_in(BACKUP)
        assert router.handle(TimerExpired(), 1008.0) == []
        assert router.deadline == 1009.609375
        router.handle(TimerExpired(), 1009.61)
        assert router.state is ACTIVE


class TestConfigurationChanged:
    """The state stays, and the timers are adjusted to the new configuration."""

    def test_a_backup_shifts_its_timer_by_the_difference(self) -> None:
        router = router_in(BACKUP)
        router.handle(ConfigurationChanged(an_instance(priority=228)), 1001.0)
        assert router.deadline == 1003.109375
        router.handle(ConfigurationChanged(an_instance(advert_interval=0.1)), 1002.0)
        assert router.deadline == 1002.0

    def test_a_learned_interval_stays_learned(self) -> None:
        router = router_in(BACKUP)
        router.handle(advert(200, centiseconds=200), 1001.0)
        router.handle(ConfigurationChanged(an_instance(advert_interval=0.1)), 1002.0)
        assert router.active_down_interval == 7.21875

    def test_an_active_router_sends_no_later_than_either_interval_asks(self) -> None:
        router = router_in(ACTIVE)
        router.handle(ConfigurationChanged(an_instance(advert_interval=0.5)), 1000.2)
        assert router.deadline == 1000.7
        router.handle(ConfigurationChanged(an_instance(advert_interval=9.0)), 1000.3)
        assert router.deadline == 1000.7

    def test_the_next_advertisement_has_a_changed_priority(self) -> None:
        router = router_in(ACTIVE)
        assert router.handle(ConfigurationChanged(an_instance(priority=90)), 1000.2) == []
        assert router.handle(TimerExpired(), 1001.0) == [SendAdvertisement(90)]

    def test_another_virtual_router_is_not_a_change(self) -> None:
        with pytest.raises(AssertionError):
            router_in(BACKUP).handle(
                ConfigurationChanged(an_instance(virtual_router_id=52)), 1001.0
            )


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([], "<Router 'web': VRID 51 INITIALIZE, priority 100, no deadline>"),
        ([Startup()], "<Router 'web': VRID 51 BACKUP, priority 100, deadline 1003.609>"),
        ([Startup(True)], "<Router 'web': VRID 51 ACTIVE, priority 100, deadline 1001.000>"),
        (
            [Startup(True), HandoverRequested()],
            "<Router 'web': VRID 51 ACTIVE (handing over), priority 100, deadline 1001.100>",
        ),
        (
            [HandoverRequested(), Startup()],
            "<Router 'web': VRID 51 BACKUP, priority 1, deadline 1003.996>",
        ),
    ],
)
def test_the_repr_of_a_router_is_its_state_in_one_line(events: list[Event], text: str) -> None:
    router = Router(USUAL, US)
    for event in events:
        router.handle(event, 1000.0)
    assert repr(router) == text


def test_the_repr_of_a_router_that_waits_for_its_group() -> None:
    router = Router(an_instance(sync_group="both"), US)
    router.handle(Startup(), 1000.0)
    router.handle(TimerExpired(), 1003.7)
    assert repr(router) == "<Router 'web': VRID 51 BACKUP (ready), priority 100, no deadline>"


def test_a_flood_is_answered_at_most_ten_times_in_an_interval() -> None:
    """The first advertisement is answered at once, the last one within a tenth of the interval."""
    router = router_in(ACTIVE)
    sent = []
    now = 1000.1
    while now < 1001.0:
        answer = router.handle(advert(50), now)
        sent += [now] * answer.count(SendAdvertisement(100))
        now += 0.001
    assert 9 <= len(sent) <= 10
    assert sent[0] == 1000.1
    assert min(later - earlier for earlier, later in itertools.pairwise(sent)) > 0.099
    assert router.deadline is not None
    assert router.deadline - sent[-1] < 0.101


def test_a_flood_of_priority_0_does_not_put_off_the_advertisement() -> None:
    """The Adver_Timer is reset only when an answer was really sent."""
    router = router_in(ACTIVE)
    assert SendAdvertisement(100) in router.handle(advert(0), 1000.5)
    assert router.deadline == 1001.5
    assert SendAdvertisement(100) not in router.handle(advert(0), 1000.55)
    assert router.deadline == 1000.6
    assert router.handle(TimerExpired(), 1000.6) == [SendAdvertisement(100)]


def test_a_due_advertisement_goes_before_the_packets_of_others() -> None:
    """The timer has expired while packets were handled. That is no stall."""
    router = router_in(ACTIVE)
    for number in range(100):
        actions = router.handle(advert(50), 1001.0 + number * 0.11)
        assert SendAdvertisement(100) in actions
    assert router.state is ACTIVE
