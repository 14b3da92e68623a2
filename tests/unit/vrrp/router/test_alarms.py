"""The alarms: two ACTIVE routers for longer than the protocol allows, and long intervals."""

from __future__ import annotations

from ipaddress import IPv4Address

import msgspec
import pytest

from tests.builders import an_advertisement, an_instance
from vrrp.model.configuration import HmacAuthentication, InstanceConfiguration
from vrrp.model.report import AlarmKind
from vrrp.protocol.packet import DropReason
from vrrp.router.alarms import AlarmChanged, Alarms

CONFIGURATION = an_instance(priority=100)
ONE, OTHER = IPv4Address("10.99.0.1"), IPv4Address("10.99.0.2")
DOWN = 3.609375  # 3 x 1 s + (256 - 100) / 256 s


class Watch:
    """Alarms, with short calls for receiving an advertisement and for settling."""

    def __init__(self, configuration: InstanceConfiguration = CONFIGURATION) -> None:
        self.alarms = Alarms()
        self.configuration = configuration

    def note(
        self,
        source: IPv4Address,
        now: float,
        *,
        priority: int = 150,
        centiseconds: int = 100,
        dropped: DropReason | None = None,
        seconds_ahead: float | None = None,
    ) -> None:
        advertisement = an_advertisement(
            priority=priority, advert_interval_centiseconds=centiseconds
        )
        self.alarms.note(advertisement, source, now, dropped=dropped, seconds_ahead=seconds_ahead)

    def settle(
        self, now: float, *, active: bool = False, follows: IPv4Address | None = None
    ) -> list[AlarmChanged]:
        return self.alarms.settle(
            self.configuration,
            active=active,
            active_router=follows,
            active_down_interval=DOWN,
            now=now,
        )


def together(watch: Watch) -> None:
    """Raise the alarm: a peer advertises from 0 to 4 s while this router is ACTIVE."""
    for second in (0.0, 1.0, 2.0, 3.0, 4.0):
        watch.note(ONE, second)
        watch.settle(second, active=True)
    assert AlarmKind.TWO_ACTIVE_ROUTERS in watch.alarms.raised


def test_two_active_routers_after_an_active_down_interval_are_an_alarm() -> None:
    watch = Watch()
    for second in (0.0, 1.0, 2.0, 3.0, 3.6):
        watch.note(ONE, second)
        assert watch.settle(second, active=True) == []
    assert watch.settle(3.7, active=True) == []

    watch.note(ONE, 3.8)
    [alarm] = watch.settle(3.8, active=True)

    words = "this router and 10.99.0.1 (priority 150) are active at the same time"
    assert alarm == AlarmChanged(AlarmKind.TWO_ACTIVE_ROUTERS, words)
    assert watch.settle(3.9, active=True) == []
    assert watch.alarms.raised == {AlarmKind.TWO_ACTIVE_ROUTERS: words}


def test_a_router_that_is_received_seldom_is_noticed_too() -> None:
    watch = Watch()
    watch.note(ONE, 0.0)
    assert watch.settle(0.0, active=True) == []
    assert watch.settle(9.0, active=True) == []
    watch.note(ONE, 9.5)
    assert len(watch.settle(9.5, active=True)) == 1


def test_the_alarm_ends_when_one_of_them_is_silent_for_ten_intervals() -> None:
    watch = Watch()
    together(watch)
    assert watch.settle(14.0, active=True) == []

    assert watch.settle(14.01, active=True) == [AlarmChanged(AlarmKind.TWO_ACTIVE_ROUTERS, None)]
    assert watch.alarms.raised == {}


def test_the_alarm_ends_when_this_router_becomes_backup() -> None:
    watch = Watch()
    together(watch)
    over = watch.settle(4.6, active=False, follows=ONE)
    assert over == [AlarmChanged(AlarmKind.TWO_ACTIVE_ROUTERS, None)]


def test_the_alarm_ends_when_the_other_sends_priority_0() -> None:
    watch = Watch()
    together(watch)
    watch.note(ONE, 4.5, priority=0)
    over = watch.settle(4.6, active=True)
    assert over == [AlarmChanged(AlarmKind.TWO_ACTIVE_ROUTERS, None)]


def test_a_backup_notices_two_others() -> None:
    watch = Watch()
    for second in (0.0, 1.0, 2.0, 3.0, 4.0):
        watch.note(ONE, second)
        watch.note(OTHER, second + 0.1, priority=90)
        assert watch.settle(second + 0.1, follows=ONE) == []
    watch.note(ONE, 5.0)
    assert watch.settle(5.0, follows=ONE) == []
    watch.note(OTHER, 5.1, priority=90)
    [alarm] = watch.settle(5.1, follows=ONE)

    assert alarm.detail == (
        "10.99.0.1 (priority 150) and 10.99.0.2 (priority 90) are active at the same time"
    )


def test_a_change_of_the_active_router_is_no_alarm() -> None:
    """A router is silent from 10 on, and another takes over, by preemption or later."""
    for takes_over_at in (10.1, 13.6):
        watch = Watch()
        watch.note(ONE, 10.0)
        assert watch.settle(10.0, follows=ONE) == []
        for second in range(20):
            watch.note(OTHER, takes_over_at + second)
            assert watch.settle(takes_over_at + second, follows=OTHER) == []


@pytest.mark.parametrize("back_at", [7.3, 8.0, 9.9])
def test_a_peer_that_was_dead_and_preempts_is_no_alarm(back_at: float) -> None:
    """We took over from it at 3.6, it is back, and we become BACKUP at its first advertisement."""
    watch = Watch()
    watch.note(ONE, 0.0)
    assert watch.settle(0.0, follows=ONE) == []
    for second in range(4, 8):
        assert watch.settle(float(second), active=True) == []
    for second in range(10):
        watch.note(ONE, back_at + second)
        assert watch.settle(back_at + second, follows=ONE) == []


def test_a_peer_that_was_dead_and_loses_the_election_is_no_alarm() -> None:
    """It advertises once, hears this router, which is ACTIVE since 4, and becomes BACKUP."""
    watch = Watch()
    watch.note(ONE, 0.0, priority=90)
    assert watch.settle(0.0, follows=ONE) == []
    for second in range(4, 8):
        assert watch.settle(float(second), active=True) == []
    watch.note(ONE, 8.0, priority=90)
    for second in range(8, 20):
        assert watch.settle(float(second), active=True) == []


@pytest.mark.parametrize("back_at", [8.0, 9.0])
def test_a_third_router_sees_no_alarm_when_a_dead_peer_preempts(back_at: float) -> None:
    """The other router advertises from 3.6 until the dead peer is back."""
    watch = Watch()
    watch.note(ONE, 0.0)
    for second in (3.6, 4.6, 5.6, 6.6, 7.6, 8.6):
        if second < back_at:
            watch.note(OTHER, second, priority=90)
            assert watch.settle(second, follows=OTHER) == []
    for second in range(10):
        watch.note(ONE, back_at + second)
        assert watch.settle(back_at + second, follows=ONE) == []


def test_a_split_at_a_short_interval_with_losses_is_one_alarm() -> None:
    """One advertisement in 2 s arrives, of 20 that the peer sends."""
    watch = Watch(msgspec.structs.replace(CONFIGURATION, advert_interval=0.1))
    changes = []
    for tenth in range(1200):
        if tenth % 20 == 0:
            watch.note(ONE, tenth / 10, centiseconds=10)
        changes += watch.settle(tenth / 10, active=True)
    assert len(changes) == 1


def test_the_alarm_says_why_the_advertisements_are_dropped() -> None:
    watch = Watch()
    for second in range(6):
        watch.note(ONE, float(second), dropped=DropReason.HMAC_TAG)
        watch.settle(float(second), active=True)
    words = "10.99.0.1 (priority 150, dropped as hmac_tag)"
    assert words in watch.alarms.raised[AlarmKind.TWO_ACTIVE_ROUTERS]


SIGNED = msgspec.structs.replace(
    CONFIGURATION,
    authentication=HmacAuthentication(mode="enforce", send_key=7, keys=(), window=5.0),
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.0, "4.0 s ahead of"), (-3600.04, "3600.0 s behind")],
)
def test_a_clock_that_differs_is_an_alarm_with_peer_seconds_and_remedy(
    seconds: float, words: str
) -> None:
    """Above half of the window of 5 s, whether the advertisement is dropped or not."""
    watch = Watch(SIGNED)
    watch.note(ONE, 0.0, seconds_ahead=2.4)
    assert watch.settle(0.0, follows=ONE) == []
    watch.note(ONE, 1.0, seconds_ahead=seconds)
    [alarm] = watch.settle(1.0, follows=ONE)
    assert alarm == AlarmChanged(
        AlarmKind.CLOCK_SKEW,
        f"the clock of 10.99.0.1 is {words} the clock of this host;"
        " auth_hmac allows 5 s: check the NTP clients of these hosts",
    )
    watch.note(ONE, 2.0, seconds_ahead=0.1)
    assert watch.settle(2.0, follows=ONE) == [AlarmChanged(AlarmKind.CLOCK_SKEW, None)]


def test_our_own_preemption_is_no_alarm() -> None:
    watch = Watch()
    watch.note(ONE, 10.0)
    assert watch.settle(10.0, follows=ONE) == []
    for second in range(11, 30):
        assert watch.settle(float(second), active=True) == []


def test_the_oldest_of_too_many_routers_is_forgotten() -> None:
    watch = Watch()
    for second in (0.0, 4.0):
        for number in range(1, 10):
            watch.note(IPv4Address(f"10.99.0.{number}"), second, centiseconds=1000)
        alarms = watch.settle(second)
    assert alarms[0].detail is not None
    assert alarms[0].detail.count("priority") == 8
    assert "10.99.0.1 " not in alarms[0].detail


def test_an_interval_of_more_than_ten_times_ours_is_an_alarm() -> None:
    watch = Watch()
    watch.note(ONE, 0.0, centiseconds=1000)
    assert watch.settle(0.0, follows=ONE) == []
    watch.note(ONE, 10.0, centiseconds=1001)

    words = "10.99.0.1 advertises every 10.01s, expected at most 10s"
    assert watch.settle(10.0, follows=ONE) == [
        AlarmChanged(AlarmKind.LEARNED_INTERVAL_TOO_LONG, words)
    ]

    watch.note(ONE, 20.0, centiseconds=1000)
    assert watch.settle(20.0, follows=ONE) == [
        AlarmChanged(AlarmKind.LEARNED_INTERVAL_TOO_LONG, None)
    ]


def test_five_seconds_are_never_too_long_unless_it_is_configured_so() -> None:
    fast = msgspec.structs.replace(CONFIGURATION, advert_interval=0.1)
    watch = Watch(fast)
    watch.note(ONE, 0.0, centiseconds=500)
    assert watch.settle(0.0, follows=ONE) == []

    watch.configuration = msgspec.structs.replace(fast, max_learned_interval=0.3)
    [alarm] = watch.settle(0.0, follows=ONE)
    assert alarm.detail == "10.99.0.1 advertises every 5s, expected at most 0.3s"


def test_the_interval_of_a_router_that_is_not_followed_does_not_matter() -> None:
    watch = Watch()
    watch.note(ONE, 0.0, centiseconds=4000)
    assert watch.settle(0.0, follows=OTHER) == []
    assert watch.settle(1.0, active=True) == []


def test_a_contest_is_noted_after_an_active_down_interval() -> None:
    """Before that, a router that we have preempted sends its last advertisement."""
    watch = Watch()
    watch.settle(10.0, active=True)
    lower, leaving = an_advertisement(priority=50), an_advertisement(priority=0)
    assert not watch.alarms.contest(lower, 13.6, DOWN)
    assert watch.alarms.contest(lower, 13.7, DOWN)
    assert not watch.alarms.contest(leaving, 13.7, DOWN)
    watch.settle(13.8, active=False, follows=ONE)
    assert not watch.alarms.contest(lower, 13.9, DOWN)


def test_an_address_that_the_active_router_does_not_list_is_an_alarm_after_a_while() -> None:
    """The alarm has both address lists, and ends when the ACTIVE router lists the address."""
    configuration = an_instance(
        virtual_addresses=tuple(f"10.99.0.{number}/32" for number in range(100, 107))
    )
    watch = Watch(configuration)
    foreign = an_advertisement(priority=250, addresses=(IPv4Address("10.99.0.77"),))
    for now in (0.0, 1.0, 2.0, 3.0, 3.6):
        watch.alarms.note(foreign, ONE, now)
        assert watch.settle(now, follows=ONE) == []
    watch.alarms.note(foreign, ONE, 3.7)
    detail = (
        "no router holds 10.99.0.100 10.99.0.101 10.99.0.102 10.99.0.103 10.99.0.104 and 2 more:"
        " the ACTIVE router 10.99.0.1 (priority 250) advertises 10.99.0.77, and this router has"
        " 10.99.0.100 10.99.0.101 10.99.0.102 10.99.0.103 10.99.0.104 and 2 more"
    )
    assert watch.settle(3.7, follows=ONE) == [
        AlarmChanged(AlarmKind.VIRTUAL_ADDRESS_UNHELD, detail)
    ]
    all_addresses = tuple(IPv4Address(f"10.99.0.{number}") for number in range(100, 107))
    watch.alarms.note(an_advertisement(addresses=all_addresses), ONE, 4.7)
    assert watch.settle(4.7, follows=ONE) == [AlarmChanged(AlarmKind.VIRTUAL_ADDRESS_UNHELD, None)]


def test_an_active_router_with_further_addresses_holds_all_addresses() -> None:
    watch = Watch()
    both = (IPv4Address("10.99.0.77"), IPv4Address("10.99.0.100"))
    for now in (0.0, 2.0, 4.0):
        watch.alarms.note(an_advertisement(addresses=both), ONE, now)
        assert watch.settle(now, follows=ONE) == []
