"""When an instance may take part: its link, what it tracks, and what only flaps."""

from __future__ import annotations

import msgspec

from tests.builders import an_instance
from vrrp.model.configuration import TrackedKey, TrackedObject
from vrrp.router.debounce import Debounced
from vrrp.router.eligibility import Eligibility

USUAL = an_instance(priority=200)
UPLINK = TrackedObject(key=TrackedKey("interface", "eth1"))


def participation(*tracked: TrackedObject, **changes: object) -> Eligibility:
    configuration = msgspec.structs.replace(USUAL, track=tracked, **changes)
    made = Eligibility(configuration)
    made.link_usable(1000.0)
    return made


class TestDebounced:
    """A change counts when it has lasted; the first word counts at once."""

    def test_the_first_value_counts_at_once(self) -> None:
        value: Debounced[int] = Debounced()
        value.report(1, 10.0, 2.0)
        assert (value.value, value.deadline) == (1, None)

    def test_a_change_counts_when_it_has_lasted(self) -> None:
        value: Debounced[int] = Debounced()
        value.report(1, 10.0, 2.0)
        value.report(0, 20.0, 2.0)
        value.report(0, 21.0, 2.0)  # said again: the time runs on
        value.settle(21.9)
        assert (value.value, value.deadline) == (1, 22.0)
        value.settle(22.0)
        assert (value.value, value.deadline) == (0, None)

    def test_a_change_taken_back_in_time_never_happened(self) -> None:
        value: Debounced[int] = Debounced()
        value.report(1, 10.0, 2.0)
        value.report(0, 20.0, 2.0)
        value.report(1, 21.0, 2.0)
        value.settle(30.0)
        assert (value.value, value.deadline) == (1, None)

    def test_a_third_value_begins_anew(self) -> None:
        value: Debounced[int] = Debounced()
        value.report(1, 10.0, 2.0)
        value.report(2, 20.0, 2.0)
        value.report(3, 21.0, 2.0)
        assert value.deadline == 23.0

    def test_without_a_delay_everything_counts(self) -> None:
        value: Debounced[int] = Debounced()
        value.report(1, 10.0, 2.0)
        value.report(0, 10.5, 0.0)
        assert value.value == 0


def test_a_link_not_heard_of_keeps_it_from_beginning() -> None:
    made = Eligibility(USUAL)
    assert (made.fault, made.pending) == (None, "link_unknown")
    made.link_usable(1000.0)
    assert (made.fault, made.pending) == (None, None)


def test_an_object_without_weight_decides() -> None:
    made = participation(UPLINK)
    assert (made.fault, made.pending) == (None, "the state of interface eth1 is not known yet")
    made.update({UPLINK.key: 0}, 1001.0)
    assert (made.fault, made.pending) == ("interface eth1 is down", None)
    made.update({UPLINK.key: 1, TrackedKey("interface", "eth2"): 0}, 1002.0)
    assert (made.fault, made.pending) == (None, None)


def test_a_flapping_object_counts_only_when_it_has_lasted() -> None:
    made = participation(TrackedObject(key=TrackedKey("interface", "eth1"), flap_delay=2.0))
    made.update({UPLINK.key: 1}, 1000.0)
    made.update({UPLINK.key: 0}, 1001.0)
    assert (made.fault, made.deadline) == (None, 1003.0)
    made.update({UPLINK.key: 1}, 1002.9)
    made.settle(1003.0)
    assert (made.fault, made.deadline) == (None, None)
    made.update({UPLINK.key: 0}, 1004.0)
    made.settle(1006.0)
    assert made.fault == "interface eth1 is down"


def test_its_own_carrier_may_be_away_for_a_moment() -> None:
    """Whatever else is wrong with the link counts at once: nothing could be sent any more."""
    made = participation(flap_delay=0.2)
    made.link_unusable("link_down", 1001.0)
    assert (made.fault, made.deadline) == (None, 1001.2)
    made.link_usable(1001.1)
    assert made.deadline is None
    made.link_unusable("link_down", 1002.0)
    made.link_unusable("interface_gone", 1002.1)
    assert (made.fault, made.deadline) == ("interface_gone", None)


def test_what_is_known_survives_a_change_of_configuration() -> None:
    """As far as it is still tracked; what is new is not known yet."""
    web = TrackedObject(key=TrackedKey("pool", "web"), weight=-50)
    made = participation(UPLINK, web)
    made.update({UPLINK.key: 1, web.key: 0}, 1001.0)
    assert made.priority.priority == 150
    other = TrackedObject(key=TrackedKey("pool", "other"))
    made.configure(msgspec.structs.replace(USUAL, priority=100, track=(web, other)))
    assert made.priority.arithmetic == "100 - 50 (pool web) = 50"
    assert made.pending == "the state of pool other is not known yet"
