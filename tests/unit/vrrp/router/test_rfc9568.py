"""The rules of RFC 9568 section 6, with figures (and RFC 3768 if version 2 differs).

Usual case: priority 100, an advertisement a second, so Skew_Time is 0.609375 s and
Active_Down_Interval 3.609375 s. The machine starts at time 1000.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Literal

import pytest

from tests.builders import an_advertisement, an_instance
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.router.event import (
    AcquireAddresses,
    AdvertisementReceived,
    AnnounceAddresses,
    ReleaseAddresses,
    SendAdvertisement,
    Shutdown,
    Startup,
    StateChanged,
    TimerExpired,
)
from vrrp.router.machine import Router

US = IPv4Address("10.99.0.2")
LOWER_PEER = IPv4Address("10.99.0.1")
HIGHER_PEER = IPv4Address("10.99.0.10")
# Above 127.255.255.255 a signed comparison would call it smaller than ours.
UNSIGNED_HIGHER_PEER = IPv4Address("192.0.2.1")


def configured(
    *,
    version: Literal[2, 3] = 3,
    priority: int = 100,
    advert_interval: float = 1.0,
    preempt: bool = True,
    down_timer_adverts: int = 3,
) -> InstanceConfiguration:
    return an_instance(
        version=version,
        priority=priority,
        advert_interval=advert_interval,
        preempt=preempt,
        down_timer_adverts=down_timer_adverts,
    )


def backup(configuration: InstanceConfiguration) -> Router:
    """Started at 1000."""
    router = Router(configuration, US)
    router.handle(Startup(), 1000.0)
    assert router.state is State.BACKUP
    return router


def active(configuration: InstanceConfiguration) -> Router:
    """Became ACTIVE at 1000."""
    router = Router(configuration, US)
    router.handle(Startup(resume=True), 1000.0)
    assert router.state is State.ACTIVE
    return router


def advert(
    priority: int,
    source: IPv4Address = LOWER_PEER,
    *,
    centiseconds: int = 100,
    version: Literal[2, 3] = 3,
) -> AdvertisementReceived:
    advertisement = an_advertisement(
        version=version,
        priority=priority,
        advert_interval_centiseconds=centiseconds,
        checksum_form="rfc5798" if version == 3 else None,
    )
    return AdvertisementReceived(advertisement, source)


@pytest.mark.parametrize(
    ("version", "priority", "interval", "skew", "down"),
    [
        (3, 100, 1.0, 0.609375, 3.609375),
        (3, 254, 1.0, 0.0078125, 3.0078125),
        (3, 1, 1.0, 0.99609375, 3.99609375),
        (3, 100, 0.03, 0.01828125, 0.10828125),
        (3, 200, 0.1, 0.021875, 0.321875),
        (2, 100, 1.0, 0.609375, 3.609375),
        (2, 100, 10.0, 0.609375, 30.609375),
    ],
)
def test_6_1_skew_time_and_active_down_interval(
    version: Literal[2, 3], priority: int, interval: float, skew: float, down: float
) -> None:
    """Version 3 scales the skew by the interval; version 2 does not (RFC 3768 6.1)."""
    router = backup(configured(version=version, priority=priority, advert_interval=interval))
    assert router.skew_time == pytest.approx(skew)
    assert router.active_down_interval == pytest.approx(down)


@pytest.mark.parametrize(("adverts", "down"), [(3, 3.609375), (5, 5.609375), (10, 10.609375)])
def test_6_1_the_number_of_intervals_may_be_higher(adverts: int, down: float) -> None:
    """The RFC has 3. keepalived has `down_timer_adverts` too."""
    router = backup(configured(down_timer_adverts=adverts))
    assert router.active_down_interval == down
    assert router.deadline == 1000.0 + down
    router.handle(advert(200), 1001.0)
    assert router.deadline == 1001.0 + down


def test_6_4_1_the_owner_starts_as_active() -> None:
    """It advertises, then announces its addresses, and sets the Adver_Timer."""
    router = Router(configured(priority=255), US)
    actions = router.handle(Startup(), 1000.0)
    assert actions == [
        SendAdvertisement(255),
        AcquireAddresses(),
        AnnounceAddresses(),
        StateChanged(State.INITIALIZE, State.ACTIVE, "owner of the addresses"),
    ]
    assert router.deadline == 1001.0


def test_6_4_1_others_start_as_backup_for_one_active_down_interval() -> None:
    router = Router(configured(), US)
    actions = router.handle(Startup(), 1000.0)
    assert actions == [StateChanged(State.INITIALIZE, State.BACKUP, "started")]
    assert router.deadline == 1003.609375


def test_6_4_2_a_backup_shuts_down_in_silence() -> None:
    router = backup(configured())
    actions = router.handle(Shutdown("link down"), 1001.0)
    assert actions == [StateChanged(State.BACKUP, State.INITIALIZE, "link down")]
    assert router.deadline is None


def test_6_4_2_a_backup_takes_over_when_the_active_down_timer_fires() -> None:
    """The advertisement is first, so that a peer that still holds the addresses releases them."""
    router = backup(configured())
    assert router.handle(TimerExpired(), 1003.609) == []
    actions = router.handle(TimerExpired(), 1003.609375)
    assert actions[:3] == [SendAdvertisement(100), AcquireAddresses(), AnnounceAddresses()]
    assert router.state is State.ACTIVE
    assert router.deadline == 1004.609375


def test_6_4_2_priority_0_leaves_the_skew_time() -> None:
    router = backup(configured())
    assert router.handle(advert(0), 1001.0) == []
    assert router.deadline == 1001.609375


@pytest.mark.parametrize("priority", [100, 101, 255])
def test_6_4_2_an_equal_or_higher_priority_restarts_the_timer(priority: int) -> None:
    """The address of the peer has no effect: the tie-break is for ACTIVE routers only."""
    router = backup(configured())
    assert router.handle(advert(priority, LOWER_PEER), 1001.0) == []
    assert router.deadline == 1004.609375


def test_6_4_2_a_lower_priority_is_discarded_and_so_preempted() -> None:
    router = backup(configured())
    assert router.handle(advert(99), 1001.0) == []
    assert router.deadline == 1003.609375


def test_6_4_2_a_lower_priority_is_followed_without_preemption() -> None:
    router = backup(configured(preempt=False))
    router.handle(advert(1), 1001.0)
    assert router.deadline == 1004.609375


def test_6_1_the_owner_preempts_whatever_preempt_mode_says() -> None:
    router = active(configured(priority=255, preempt=False))
    router.handle(advert(255, HIGHER_PEER), 1000.5)
    assert router.deadline == 1003.50390625
    router.handle(advert(254), 1001.0)
    assert router.deadline == 1003.50390625


def test_6_4_2_version_3_learns_the_interval_of_the_active_router() -> None:
    """The skew time uses it too: 3 x 0.3 s + 156/256 x 0.3 s."""
    router = backup(configured())
    router.handle(advert(200, centiseconds=30), 1001.0)
    assert router.deadline == pytest.approx(1002.0828125)


def test_an_active_router_advertises_at_its_own_interval_not_the_learned_one() -> None:
    router = backup(configured())
    router.handle(advert(200, centiseconds=30), 1001.0)
    router.handle(TimerExpired(), 1002.1)
    assert router.deadline == pytest.approx(1003.1)


def test_6_4_3_an_active_router_shuts_down_with_priority_0() -> None:
    router = active(configured())
    assert router.handle(Shutdown("stopped"), 1000.5) == [
        SendAdvertisement(0),
        ReleaseAddresses(),
        StateChanged(State.ACTIVE, State.INITIALIZE, "stopped"),
    ]
    assert router.deadline is None


def test_6_4_3_advertisements_keep_their_pace_however_late_the_timer_is() -> None:
    router = active(configured())
    assert router.handle(TimerExpired(), 1001.004) == [SendAdvertisement(100)]
    assert router.deadline == 1002.0
    assert router.handle(TimerExpired(), 1003.5) == [SendAdvertisement(100)]
    assert router.deadline == 1004.5


def test_6_4_3_priority_0_is_answered_at_once_and_restarts_the_timer() -> None:
    router = active(configured())
    actions = router.handle(advert(0, HIGHER_PEER), 1000.25)
    assert actions == [SendAdvertisement(100), AnnounceAddresses()]
    assert router.deadline == 1001.25


def test_6_4_3_a_higher_priority_takes_over() -> None:
    """The learned interval already counts: 3 x 2 s + 156/256 x 2 s.

    More than the RFC asks: one last advertisement, which makes the winner announce again.
    """
    router = active(configured())
    actions = router.handle(advert(101, LOWER_PEER, centiseconds=200), 1000.25)
    assert actions == [
        SendAdvertisement(100),
        ReleaseAddresses(),
        StateChanged(State.ACTIVE, State.BACKUP, "a peer has a higher priority"),
    ]
    assert router.deadline == 1007.46875


@pytest.mark.parametrize("priority", [1, 100, 255])
@pytest.mark.parametrize(
    ("peer", "state"),
    [
        (HIGHER_PEER, State.BACKUP),
        (UNSIGNED_HIGHER_PEER, State.BACKUP),
        (LOWER_PEER, State.ACTIVE),
    ],
)
def test_6_4_3_between_equals_the_higher_address_wins(
    priority: int, peer: IPv4Address, state: State
) -> None:
    """Unsigned, and also between two address owners, which would not converge otherwise (8298)."""
    router = active(configured(priority=priority))
    router.handle(advert(priority, peer), 1000.25)
    assert router.state is state


def test_6_4_3_a_losing_advertisement_is_answered_at_once() -> None:
    """The addresses are announced again too; the Adver_Timer continues."""
    router = active(configured())
    actions = router.handle(advert(99, HIGHER_PEER), 1000.25)
    assert actions == [SendAdvertisement(100), AnnounceAddresses()]
    assert router.deadline == 1001.0


def test_rfc3768_6_4_2_version_2_keeps_its_own_interval() -> None:
    router = backup(configured(version=2))
    router.handle(advert(200, version=2), 1001.0)
    assert router.deadline == 1004.609375
    router.handle(advert(0, version=2), 1002.0)
    assert router.deadline == 1002.609375
