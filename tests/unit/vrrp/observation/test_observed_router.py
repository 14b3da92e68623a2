"""What the advertisements of other programs show about a virtual router."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address

from tests.builders import an_advertisement, an_instance
from vrrp.model.configuration import Unicast
from vrrp.model.report import InstanceStatus, Notice, State, Transition
from vrrp.observation.observed_router import ROUTERS_MAX, ObservedRouter
from vrrp.protocol.packet import Address, Datagram, encode

HERE, PEER = IPv4Address("10.99.0.1"), IPv4Address("10.99.0.2")
GROUP, VIRTUAL = IPv4Address("224.0.0.18"), IPv4Address("10.99.0.100")
# Priority 100, version 3: 3 intervals of 1 s and a skew time of 156/256 s (RFC 9568 6.1).
ACTIVE_DOWN_SECONDS = 3.609375


def packet(
    source: IPv4Address, priority: int, *, ttl: int = 255, to: IPv4Address = GROUP, **fields: object
) -> Datagram:
    advertisement = an_advertisement(priority=priority, **fields)
    return Datagram(source, to, ttl, encode(advertisement, source, to))


def settle(
    router: ObservedRouter, now: float, held: Collection[Address] = ()
) -> tuple[list[Transition | Notice], InstanceStatus]:
    *changes, status = router.settle(held, now)
    assert isinstance(status, InstanceStatus)
    return [change for change in changes if not isinstance(change, InstanceStatus)], status


def test_a_host_that_advertises_is_active() -> None:
    router = ObservedRouter(an_instance(), 0.0)
    router.note(packet(HERE, 150), 10.0, this_host=True)
    changes, status = settle(router, 10.5, [VIRTUAL])
    assert changes == [
        Transition("web", State.INITIALIZE, State.ACTIVE, "this host advertises from 10.99.0.1")
    ]
    assert (status.state, status.priority, status.active_router) == (State.ACTIVE, 150, None)
    (sender,) = status.advertising_routers
    assert (sender.address, sender.priority, sender.version) == ("10.99.0.1", 150, 3)
    assert (sender.age, sender.this_host, sender.dropped) == (0.5, True, None)
    assert status.alarms == ()


def test_a_host_that_hears_a_peer_is_backup_until_the_peer_is_silent() -> None:
    router = ObservedRouter(an_instance(), 0.0)
    router.note(packet(PEER, 100), 10.0, this_host=False)
    assert settle(router, 10.0)[1].state is State.BACKUP
    assert settle(router, 10.0 + ACTIVE_DOWN_SECONDS)[1].state is State.BACKUP
    changes, status = settle(router, 10.01 + ACTIVE_DOWN_SECONDS)
    assert changes == [Transition("web", State.BACKUP, State.INITIALIZE, "no router advertises")]
    assert status.fault == "no router has advertised for 3.6 s"


def test_a_peer_may_be_silent_for_the_configured_number_of_intervals() -> None:
    """Five intervals of 1 s and the skew time of 156/256 s."""
    router = ObservedRouter(an_instance(down_timer_adverts=5), 0.0)
    router.note(packet(PEER, 100), 10.0, this_host=False)
    assert settle(router, 15.609375)[1].state is State.BACKUP
    assert settle(router, 15.62)[1].state is State.INITIALIZE


def test_a_peer_that_hands_over_is_not_active() -> None:
    router = ObservedRouter(an_instance(), 0.0)
    router.note(packet(PEER, 100), 10.0, this_host=False)
    router.note(packet(PEER, 0), 10.1, this_host=False)
    assert settle(router, 10.2)[1].state is State.INITIALIZE


def test_the_first_seconds_without_an_advertisement_are_no_fault() -> None:
    router = ObservedRouter(an_instance(), 5.0)
    assert settle(router, 5.0 + ACTIVE_DOWN_SECONDS)[1].fault is None
    assert settle(router, 5.1 + ACTIVE_DOWN_SECONDS)[1].fault is not None


def test_an_advertisement_that_hadirector_would_drop_is_shown_with_the_reason() -> None:
    unicast = Unicast(source="10.99.0.1", peers=("10.99.0.2",))
    router = ObservedRouter(an_instance(transport=unicast, version=2), 0.0)
    sent = packet(PEER, 100, to=HERE, ttl=64, version=2, checksum_form=None)
    router.note(sent, 10.0, this_host=False)
    status = settle(router, 10.0)[1]
    assert [sender.dropped for sender in status.advertising_routers] == ["peer_ttl"]
    assert status.counters == {"advertisements_received": 1, "dropped_peer_ttl": 1}


def test_a_packet_of_another_network_shows_no_router() -> None:
    router = ObservedRouter(an_instance(), 0.0)
    router.note(packet(PEER, 100, ttl=64), 10.0, this_host=False)
    status = settle(router, 10.0)[1]
    assert (status.advertising_routers, status.counters) == ((), {"dropped_ttl": 1})


def test_spoiled_bytes_are_counted() -> None:
    router = ObservedRouter(an_instance(), 0.0)
    router.note(Datagram(PEER, GROUP, 255, b"\x31\x33"), 10.0, this_host=False)
    assert settle(router, 10.0)[1].counters == {"dropped_truncated": 1}


def test_two_hosts_that_advertise_for_long_raise_the_alarm() -> None:
    router = ObservedRouter(an_instance(), 0.0)
    alarms: list[str] = []
    for step in range(8):
        now = 10.0 + step
        router.note(packet(HERE, 150), now, this_host=True)
        router.note(packet(PEER, 100), now, this_host=False)
        alarms += settle(router, now, [VIRTUAL])[1].alarms
    assert alarms[-1] == ("this router and 10.99.0.2 (priority 100) are active at the same time")


def test_an_active_host_without_the_address_is_reported_when_it_lasts() -> None:
    router = ObservedRouter(an_instance(), 0.0)
    found = []
    for step in range(6):
        router.note(packet(HERE, 150), 10.0 + step, this_host=True)
        found.append(settle(router, 10.0 + step)[1].alarms)
    assert found[3] == ()
    assert found[4] == ("this host advertises, but does not hold 10.99.0.100",)


def test_a_backup_with_the_address_is_reported_when_it_lasts() -> None:
    router = ObservedRouter(an_instance(), 0.0)
    for step in range(6):
        router.note(packet(PEER, 150), 10.0 + step, this_host=False)
        alarms = settle(router, 10.0 + step, [VIRTUAL])[1].alarms
    assert alarms == ("this host holds 10.99.0.100, although 10.99.0.2 advertises",)


def test_the_number_of_routers_is_limited() -> None:
    router = ObservedRouter(an_instance(), 0.0)
    for number in range(1, ROUTERS_MAX + 2):
        router.note(packet(IPv4Address(f"10.99.1.{number}"), 100), 10.0, this_host=False)
    addresses = [each.address for each in settle(router, 10.0)[1].advertising_routers]
    assert len(addresses) == ROUTERS_MAX
    assert "10.99.1.1" not in addresses
