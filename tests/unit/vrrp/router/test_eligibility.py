"""When an instance may take part in elections: its link, tracked objects, and flapping."""

from __future__ import annotations

import msgspec

from tests.builders import an_instance
from vrrp.model.configuration import TrackedKey, TrackedObject
from vrrp.router.debounce import Debounced
from vrrp.router.eligibility import Eligibility

USUAL = an_instance(priority=200)
UPLINK = TrackedObject(key=TrackedKey("interface", "eth1"))


def eligibility(*tracked: TrackedObject, **changes: object) -> Eligibility:
    configuration = msgspec.structs.replace(USUAL, track=tracked, **changes)
    made = Eligibility(configuration)
    made.link_usable(1000.0)
    return made


class TestDebounced:
    """A change takes effect when it has lasted; the first value takes effect at once."""

    def test_the_first_value_takes_effect_at_once(self) -> None:
        value: Debounced[int] = Debounced()
        value.report(1, 10.0, 2.0)
        assert (value.value, value.deadline) == (1, None)

    def test_a_change_takes_effect_when_it_has_lasted(self) -> None:
        value: Debounced[int] = Debounced()
        value.report(1, 10.0, 2.0)
        value.report(0, 20.0, 2.0)
        value.report(0, 21.0, 2.0)  # reported again: the delay continues
        value.settle(21.9)
        assert (value.value, value.deadline) == (1, 22.0)
        value.settle(22.0)
        assert (value.value, value.deadline) == (0, None)

    def test_a_change_that_does_not_last_has_no_effect(self) -> None:
        value: Debounced[int] = Debounced()
        value.report(1, 10.0, 2.0)
        value.report(0, 20.0, 2.0)
        value.report(1, 21.0, 2.0)
        value.settle(30.0)
        assert (value.value, value.deadline) == (1, None)

    def test_a_third_value_restarts_the_delay(self) -> None:
        value: Debounced[int] = Debounced()
        value.report(1, 10.0, 2.0)
        value.report(2, 20.0, 2.0)
        value.report(3, 21.0, 2.0)
        assert value.deadline == 23.0

    def test_without_a_delay_every_value_takes_effect(self) -> None:
        value: Debounced[int] = Debounced()
        value.report(1, 10.0, 2.0)
        value.report(0, 10.5, 0.0)
        assert value.value == 0


def test_an_instance_does_not_start_before_its_link_is_known() -> None:
    made = Eligibility(USUAL)
    assert (made.fault, made.pending) == (None, "link_unknown")
    made.link_usable(1000.0)
    assert (made.fault, made.pending) == (None, None)


def test_an_object_without_a_weight_is_a_fault_while_it_is_down() -> None:
    made = eligibility(UPLINK)
    assert (made.fault, made.pending) == (None, "the state of interface eth1 is not known yet")
    made.update({UPLINK.key: 0}, 1001.0)
    assert (made.fault, made.pending) == ("interface eth1 is down", None)
    made.update({UPLINK.key: 1, TrackedKey("interface", "eth2"): 0}, 1002.0)
    assert (made.fault, made.pending) == (None, None)


def test_a_flapping_object_takes_effect_only_when_it_has_lasted() -> None:
    made = eligibility(TrackedObject(key=TrackedKey("interface", "eth1"), flap_delay=2.0))
    made.update({UPLINK.key: 1}, 1000.0)
    made.update({UPLINK.key: 0}, 1001.0)
    assert (made.fault, made.deadline) == (None, 1003.0)
    made.update({UPLINK.key: 1}, 1002.9)
    made.settle(1003.0)
    assert (made.fault, made.deadline) == (None, None)
    made.update({UPLINK.key: 0}, 1004.0)
    made.settle(1006.0)
    assert made.fault == "interface eth1 is down"


def test_a_short_loss_of_the_own_carrier_has_no_effect() -> None:
    """Every other fault of the link takes effect at once: no advertisement could be sent."""
    made = eligibility(flap_delay=0.2)
    made.link_unusable("link_down", 1001.0)
    assert (made.fault, made.deadline) == (None, 1001.2)
    made.link_usable(1001.1)
    assert made.deadline is None
    made.link_unusable("link_down", 1002.0)
    made.link_unusable("interface_gone", 1002.1)
    assert (made.fault, made.deadline) == ("interface_gone", None)


def test_known_values_survive_a_change_of_the_configuration() -> None:
    """Values of objects that are still tracked. A new object is not known yet."""
    web = TrackedObject(key=TrackedKey("pool", "web"), weight=-50)
    made = eligibility(UPLINK, web)
    made.update({UPLINK.key: 1, web.key: 0}, 1001.0)
    assert made.priority.priority == 150
    other = TrackedObject(key=TrackedKey("pool", "other"))
    made.configure(msgspec.structs.replace(USUAL, priority=100, track=(web, other)))
    assert made.priority.arithmetic == "100 - 50 (pool web) = 50"
    assert made.pending == "the state of pool other is not known yet"
