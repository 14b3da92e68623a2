"""Handovers: make before break, a stop, and the lowest priority afterwards."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.builders import an_instance
from tests.unit.vrrp.router.builders import RESIGN, US, USUAL, advert, router_in, to
from vrrp.model.report import State
from vrrp.router.event import (
    AcquireAddresses,
    AddressAnnounced,
    AnnounceAddresses,
    ConfigurationChanged,
    HandoverAbandoned,
    HandoverRequested,
    HandoverUndone,
    ReleaseAddresses,
    SendAdvertisement,
    Shutdown,
    Startup,
    StopRequested,
    TimerExpired,
)
from vrrp.router.machine import Router


def announced(address: str) -> AddressAnnounced:
    return AddressAnnounced(ip_address(address))


def handing_over(event: HandoverRequested | StopRequested) -> Router:
    router = router_in(State.ACTIVE)
    assert router.handle(event, 1000.5) == RESIGN
    assert router.handing_over
    return router


INITIALIZE, BACKUP, ACTIVE = State.INITIALIZE, State.BACKUP, State.ACTIVE
OTHER_ADDRESS = an_instance(virtual_addresses=("10.99.0.200/32",))


class TestHandoverRequested:
    """Send priority 0, keep the addresses, and release them when a successor has taken over."""

    def test_the_addresses_are_released_200_ms_after_the_successor_advertised(self) -> None:
        router = handing_over(HandoverRequested())
        assert router.handle(advert(50), 1001.0) == []
        assert router.deadline == 1001.2
        assert router.handle(advert(50), 1001.1) == []
        assert router.handle(TimerExpired(), 1001.2) == [
            ReleaseAddresses(),
            to(ACTIVE, BACKUP, "handed over"),
        ]
        assert router.yielding
        assert not router.handing_over
        assert router.deadline == 1005.09609375  # counted from the last advertisement

    def test_they_are_released_20_ms_after_the_successor_announced_all_of_them(self) -> None:
        two = an_instance(unadvertised_addresses=("fd00::1/64",))
        router = router_in(ACTIVE, two)
        router.handle(HandoverRequested(), 1000.5)
        router.handle(advert(50), 1001.0)
        assert router.handle(announced("10.99.0.100"), 1001.1) == []
        assert router.deadline == pytest.approx(1001.3)
        assert router.handle(announced("10.99.0.100"), 1001.15) == []
        assert router.handle(announced("10.99.0.7"), 1001.15) == []
        assert router.deadline == pytest.approx(1001.3)
        assert router.handle(announced("fd00::1"), 1001.2) == []
        assert router.deadline == pytest.approx(1001.22)
        assert ReleaseAddresses() in router.handle(TimerExpired(), 1001.22)

    def test_an_announcement_may_overtake_the_advertisement_but_does_not_replace_it(self) -> None:
        router = handing_over(HandoverRequested())
        router.handle(announced("10.99.0.100"), 1000.9)
        assert router.deadline == pytest.approx(1001.6)
        router.handle(advert(50), 1001.0)
        assert router.deadline == pytest.approx(1001.02)

    def test_announcements_have_no_effect_without_a_handover(self) -> None:
        router = router_in(ACTIVE)
        assert router.handle(announced("10.99.0.100"), 1000.5) == []
        assert (router.state, router.deadline) == (ACTIVE, 1001.0)

    def test_priority_0_is_repeated_after_an_interval_and_100_ms(self) -> None:
        router = handing_over(HandoverRequested())
        assert router.deadline == pytest.approx(1001.6)
        assert router.handle(TimerExpired(), 1001.6) == [SendAdvertisement(0)]

    def test_without_a_successor_the_router_stays_active_and_yielding(self) -> None:
        router = handing_over(HandoverRequested())
        router.handle(TimerExpired(), 1001.6)
        assert router.handle(TimerExpired(), 1002.71) == [
            SendAdvertisement(1),
            AnnounceAddresses(),
            HandoverAbandoned("no peer took over"),
        ]
        assert (router.state, router.handing_over, router.yielding) == (ACTIVE, False, True)
        assert router.deadline == pytest.approx(1003.71)

    def test_a_peer_that_sends_priority_0_is_not_a_successor(self) -> None:
        router = handing_over(HandoverRequested())
        router.handle(advert(50), 1001.0)
        router.handle(advert(0), 1001.1)
        assert router.deadline == pytest.approx(1001.6)
        assert router.handle(TimerExpired(), 1001.6) == [SendAdvertisement(0)]

    def test_a_late_loss_of_the_successor_is_not_a_stall(self) -> None:
        """At an interval of 10 ms, the time for the handover is already over."""
        router = router_in(ACTIVE, an_instance(advert_interval=0.01))
        router.handle(HandoverRequested(), 1000.0)
        router.handle(advert(50), 1000.1)
        router.handle(advert(0), 1000.29)
        assert router.deadline == 1000.29
        assert HandoverAbandoned("no peer took over") in router.handle(TimerExpired(), 1000.29)

    def test_a_handover_in_progress_can_be_undone(self) -> None:
        router = handing_over(HandoverRequested())
        undone = router.handle(HandoverUndone(), 1000.6)
        assert undone == [SendAdvertisement(100), AnnounceAddresses()]
        assert not router.handing_over
        assert router.deadline == pytest.approx(1001.6)

    def test_a_shutdown_ends_a_handover_at_once(self) -> None:
        router = handing_over(HandoverRequested())
        assert router.handle(Shutdown("link down"), 1000.6) == [
            SendAdvertisement(0),
            ReleaseAddresses(),
            to(ACTIVE, INITIALIZE, "link down"),
        ]

    def test_addresses_added_during_a_handover_are_held_but_not_announced(self) -> None:
        router = handing_over(HandoverRequested())
        assert router.handle(ConfigurationChanged(OTHER_ADDRESS), 1000.6) == [AcquireAddresses()]
        assert router.deadline == pytest.approx(1001.6)

    def test_a_handover_ends_when_the_process_was_stalled(self) -> None:
        router = handing_over(HandoverRequested())
        router.handle(TimerExpired(), 1010.0)
        assert (router.state, router.yielding) == (BACKUP, True)
        router = handing_over(StopRequested("stopped"))
        router.handle(TimerExpired(), 1010.0)
        assert router.state is INITIALIZE


class TestStopRequested:
    """A handover that ends in INITIALIZE, with or without a successor."""

    def test_a_stop_ends_200_ms_after_the_successor_advertised(self) -> None:
        router = handing_over(StopRequested("stopped"))
        router.handle(advert(50), 1001.0)
        assert router.handle(TimerExpired(), 1001.2) == [
            ReleaseAddresses(),
            to(ACTIVE, INITIALIZE, "stopped"),
        ]
        assert router.deadline is None

    def test_without_a_successor_a_stop_ends_too(self) -> None:
        router = handing_over(StopRequested("stopped"))
        router.handle(TimerExpired(), 1001.6)
        router.handle(TimerExpired(), 1002.71)
        assert router.state is INITIALIZE

    def test_a_stop_takes_5_seconds_at_most(self) -> None:
        router = router_in(ACTIVE, an_instance(advert_interval=10.0))
        router.handle(StopRequested("stopped"), 1000.0)
        assert router.deadline == 1005.0
        router.handle(TimerExpired(), 1005.0)
        assert router.state is INITIALIZE

    def test_a_stop_cannot_be_undone_and_a_handover_can_become_a_stop(self) -> None:
        router = handing_over(HandoverRequested())
        assert router.handle(StopRequested("stopped"), 1000.6) == []
        assert router.handle(HandoverUndone(), 1000.7) == []
        assert router.handle(HandoverRequested(), 1000.8) == []
        router.handle(advert(50), 1001.0)
        router.handle(TimerExpired(), 1001.2)
        assert router.state is INITIALIZE


class TestYielding:
    """After a handover the router has priority 1, so that every other router wins."""

    @staticmethod
    def yielding_backup() -> Router:
        router = router_in(BACKUP)
        router.handle(HandoverRequested(), 1000.0)
        assert (router.yielding, router.priority) == (True, 1)
        return router

    def test_the_running_timer_takes_the_longer_skew_time(self) -> None:
        """255/256 s instead of 156/256 s, and back."""
        router = self.yielding_backup()
        assert router.deadline == 1003.99609375
        router.handle(HandoverUndone(), 1002.0)
        assert router.deadline == 1003.609375

    def test_a_lower_priority_than_the_configured_one_is_followed(self) -> None:
        router = self.yielding_backup()
        router.handle(advert(1), 1001.0)
        assert router.deadline == 1004.99609375

    def test_it_takes_over_from_a_silent_router_and_loses_to_any_other(self) -> None:
        router = self.yielding_backup()
        assert SendAdvertisement(1) in router.handle(TimerExpired(), 1004.0)
        assert (router.state, router.yielding) == (ACTIVE, True)
        assert router.handle(advert(2), 1005.0) == [
            SendAdvertisement(1),
            ReleaseAddresses(),
            to(ACTIVE, BACKUP, "a peer has a higher priority"),
        ]

    @pytest.mark.parametrize("state", [INITIALIZE, BACKUP, ACTIVE])
    def test_after_an_undo_it_competes_again(self, state: State) -> None:
        router = Router(USUAL, US)
        router.handle(HandoverRequested(), 1000.0)
        if state is not INITIALIZE:
            router.handle(Startup(resume=state is ACTIVE), 1000.0)
        router.handle(HandoverUndone(), 1000.1)
        assert (router.state, router.yielding) == (state, False)

    def test_a_yielding_owner_starts_as_backup(self) -> None:
        router = Router(an_instance(priority=255), US)
        router.handle(HandoverRequested(), 1000.0)
        router.handle(Startup(), 1000.0)
        assert router.state is BACKUP
