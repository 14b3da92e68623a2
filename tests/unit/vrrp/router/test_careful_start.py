"""The options for a careful router: the start delay, and a limit for learned intervals."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Literal

import msgspec

from tests.builders import an_advertisement, an_instance
from vrrp.model.report import State
from vrrp.protocol.packet import Advertisement, DropReason
from vrrp.protocol.validation import validate
from vrrp.router.event import AdvertisementReceived, SendAdvertisement, Startup, TimerExpired
from vrrp.router.machine import Router

US, PEER = IPv4Address("10.99.0.2"), IPv4Address("10.99.0.1")
VIRTUAL, OTHER = IPv4Address("10.99.0.100"), IPv4Address("10.99.0.101")
CONFIGURATION = an_instance(priority=100)


def said(
    centiseconds: int = 100,
    priority: int = 100,
    version: Literal[2, 3] = 3,
    addresses: tuple[IPv4Address, ...] = (VIRTUAL,),
) -> Advertisement:
    return an_advertisement(
        version=version,
        priority=priority,
        advert_interval_centiseconds=centiseconds,
        addresses=addresses,
        checksum_form="rfc5798" if version == 3 else None,
    )


def starting(delay: float, **changes: object) -> Router:
    """Started at 1000."""
    configuration = msgspec.structs.replace(CONFIGURATION, **changes)
    router = Router(configuration, US, listen_until=1000.0 + delay)
    router.handle(Startup(), 1000.0)
    return router


def test_a_router_does_not_take_over_during_the_start_delay() -> None:
    router = starting(10.0)
    assert router.deadline == 1003.609375
    assert router.handle(TimerExpired(), 1003.609375) == []
    assert (router.state, router.deadline) == (State.BACKUP, 1010.0)
    router.handle(TimerExpired(), 1010.0)
    assert router.state is State.ACTIVE


def test_a_start_delay_shorter_than_the_active_down_interval_changes_nothing() -> None:
    router = starting(2.0)
    router.handle(TimerExpired(), 1003.609375)
    assert router.state is State.ACTIVE


def test_priority_0_during_the_start_delay_causes_no_takeover() -> None:
    router = starting(10.0)
    router.handle(AdvertisementReceived(said(priority=0), PEER), 1001.0)
    assert router.handle(TimerExpired(), 1001.609375) == []
    assert router.state is State.BACKUP


def test_an_active_router_is_followed_during_the_start_delay() -> None:
    router = starting(10.0)
    router.handle(AdvertisementReceived(said(), PEER), 1009.0)
    assert router.deadline == 1012.609375
    router.handle(TimerExpired(), 1012.609375)
    assert router.state is State.ACTIVE


def test_an_owner_waits_for_the_start_delay_too() -> None:
    router = starting(10.0, priority=255)
    assert router.handle(TimerExpired(), 1003.00390625) == []
    assert State.BACKUP is router.state
    assert SendAdvertisement(255) in router.handle(TimerExpired(), 1010.0)


def test_a_router_that_resumes_does_not_wait() -> None:
    router = Router(CONFIGURATION, US, listen_until=1010.0)
    router.handle(Startup(resume=True), 1000.0)
    assert router.state is State.ACTIVE


def test_a_long_interval_is_followed_as_the_rfc_says() -> None:
    router = starting(0.0)
    router.handle(AdvertisementReceived(said(4000), PEER), 1001.0)
    assert router.active_down_interval == 3 * 40.0 + 156 / 256 * 40.0


def test_a_clamped_interval_is_followed_up_to_the_limit() -> None:
    router = starting(0.0, clamp_learned_interval=True)
    router.handle(AdvertisementReceived(said(4000), PEER), 1001.0)
    assert router.active_down_interval == 3 * 10.0 + 156 / 256 * 10.0
    router.handle(AdvertisementReceived(said(200), PEER), 1002.0)
    assert router.active_down_interval == 3 * 2.0 + 156 / 256 * 2.0


def judged(**changes: object) -> DropReason | None:
    return validate(
        said(version=2, addresses=(OTHER,)),
        source=PEER,
        destination=IPv4Address("224.0.0.18"),
        ttl=255,
        own_address=US,
        configuration=msgspec.structs.replace(CONFIGURATION, version=2, **changes),
    )


def test_version_2_drops_other_addresses_unless_configured_to_accept_them() -> None:
    assert judged() is DropReason.ADDRESS_LIST
    assert judged(address_mismatch="accept") is None
