"""An ACTIVE router that is impaired hands over to a peer that wins, and stays ACTIVE otherwise."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from msgspec.structs import replace

from tests.unit.vrrp.router.builders import PEER, RESIGN, US, USUAL, advert, router_in, to
from vrrp.model.report import State
from vrrp.router.better_peer import BetterPeer, Peer
from vrrp.router.event import (
    AnnounceAddresses,
    BetterPeerSought,
    HandoverAbandoned,
    HandoverBegan,
    HandoverRequested,
    PriorityChanged,
    ReleaseAddresses,
    SendAdvertisement,
    TimerExpired,
)
from vrrp.router.machine import Router
from vrrp.router.priority import Impairment
from vrrp.router.sync_group import MemberStatus, decide

ACTIVE, BACKUP = State.ACTIVE, State.BACKUP
HIGHER_ADDRESS = IPv4Address("10.99.0.3")
LOWERED, UNFIT = Impairment.LOWERED, Impairment.UNFIT


def is_sought(router: Router, now: float) -> bool:
    return router.better_peer.is_sought(router.priority, router.own_address, now)


def impaired(impairment: Impairment, priority: int = 50) -> Router:
    """Return an ACTIVE router whose priority was just changed at 1000."""
    router = router_in(ACTIVE)
    router.handle(PriorityChanged(priority, impairment), 1000.0)
    return router


def seeking(impairment: Impairment = UNFIT, priority: int = 50) -> Router:
    """Return a router that began a handover at 1000."""
    router = impaired(impairment, priority)
    router.handle(BetterPeerSought(), 1000.0)
    return router


@pytest.mark.parametrize(
    ("impairment", "peer", "sought"),
    [
        (Impairment.NONE, Peer(200, PEER), False),
        (LOWERED, None, True),
        (LOWERED, Peer(51, PEER), True),
        (LOWERED, Peer(50, HIGHER_ADDRESS), True),
        (LOWERED, Peer(50, IPv4Address("10.99.0.0")), False),
        (LOWERED, Peer(49, HIGHER_ADDRESS), False),
        (UNFIT, None, True),
        (UNFIT, Peer(49, PEER), True),  # its priority may have risen since
    ],
)
def test_a_better_peer_is_sought_if_it_may_win(
    impairment: Impairment, peer: Peer | None, sought: bool
) -> None:
    """The priority of this router is 50."""
    assert BetterPeer(impairment, peer).is_sought(50, US, 1000.0) is sought


def test_the_handover_keeps_the_addresses_until_the_successor_is_there() -> None:
    router = impaired(UNFIT)
    began = HandoverBegan("a peer may serve better: not fit to serve")
    assert router.handle(BetterPeerSought(), 1000.0) == [began, *RESIGN]
    assert router.handle(advert(100), 1000.6) == []
    assert router.handle(TimerExpired(), 1000.81) == [
        ReleaseAddresses(),
        to(ACTIVE, BACKUP, "handed over to a better peer"),
    ]
    assert (router.yielding, router.priority) == (False, 50)


def test_without_a_successor_the_router_stays_active_and_tries_again_after_30_s() -> None:
    router = seeking()
    assert router.handle(TimerExpired(), 1001.1) == [SendAdvertisement(0)]
    assert router.handle(TimerExpired(), 1002.21) == [
        SendAdvertisement(50),
        AnnounceAddresses(),
        HandoverAbandoned("no peer took over"),
    ]
    assert (router.state, router.yielding) == (ACTIVE, False)
    assert not is_sought(router, 1029.9)
    assert is_sought(router, 1030.0)
    router.handle(BetterPeerSought(), 1030.0)
    assert not is_sought(router, 1059.9)


def test_a_successor_that_would_lose_the_election_is_refused() -> None:
    """This router advertises at once, so the successor becomes BACKUP."""
    router = seeking()
    assert router.handle(advert(49, HIGHER_ADDRESS), 1000.6) == [
        SendAdvertisement(50),
        AnnounceAddresses(),
        HandoverAbandoned("the peer that took over would lose the election against this router"),
    ]
    assert (router.state, router.handing_over) == (ACTIVE, False)


def test_a_router_that_is_not_fit_tries_more_and_more_rarely_if_its_peer_is_no_better() -> None:
    """The pauses are 30, 60, 120, 240 s and so on, and one hour at most."""
    router, now, pauses = impaired(UNFIT), 1000.0, []
    for _ in range(10):
        router.handle(BetterPeerSought(), now)
        router.handle(advert(1), now + 0.5)
        pauses.append(router.better_peer.next_attempt_at - now - 0.5)
        assert not is_sought(router, router.better_peer.next_attempt_at - 0.1)
        now = router.better_peer.next_attempt_at
        assert is_sought(router, now)
        router.deadline = now + 1.0
    assert pauses == pytest.approx([30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])


def test_a_lowered_priority_is_not_tried_again_with_a_peer_that_would_lose() -> None:
    """A further attempt would move the addresses for a moment, with no use."""
    router = seeking(LOWERED)
    router.handle(advert(49), 1000.6)
    assert not is_sought(router, 5000.0)
    router.handle(PriorityChanged(40, LOWERED), 1001.0)
    assert not is_sought(router, 1029.9)
    assert is_sought(router, 1030.7)


def test_another_impairment_does_not_shorten_the_pause() -> None:
    router = seeking(LOWERED)
    router.handle(TimerExpired(), 1001.1)
    router.handle(TimerExpired(), 1002.21)
    router.handle(PriorityChanged(100, Impairment.NONE), 1003.0)
    assert not is_sought(router, 1040.0)
    router.handle(PriorityChanged(1, UNFIT), 1004.0)
    assert not is_sought(router, 1029.9)
    assert is_sought(router, 1030.0)


def test_an_order_of_an_operator_turns_the_handover_into_one_that_yields() -> None:
    router = seeking()
    router.handle(HandoverRequested(), 1000.1)
    assert router.handle(advert(1), 1000.6) == []
    router.handle(TimerExpired(), 1000.81)
    assert (router.state, router.yielding) == (BACKUP, True)


def test_a_stalled_router_that_sought_a_better_peer_does_not_yield() -> None:
    router = seeking()
    router.handle(TimerExpired(), 1010.0)
    assert (router.state, router.yielding) == (BACKUP, False)


def member(name: str, **fields: bool) -> MemberStatus:
    return replace(MemberStatus(name, ACTIVE), **fields)


def test_all_members_of_a_sync_group_hand_over_together() -> None:
    seeks, other = member("a", seeks_better_peer=True), member("b")
    assert decide([seeks, other]) == {"a": BetterPeerSought(), "b": BetterPeerSought()}
    handing_over = replace(seeks, handing_over=True)
    assert decide([handing_over, replace(other, handing_over=True)]) == {}
    backup = MemberStatus("b", BACKUP, seeks_better_peer=True)
    assert BetterPeerSought() not in decide([seeks, backup]).values()
    assert decide([replace(backup, name="a"), backup]) == {}


def test_the_usual_router_seeks_no_better_peer() -> None:
    assert not is_sought(Router(USUAL, US), 1000.0)
