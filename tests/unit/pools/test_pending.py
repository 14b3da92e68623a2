"""What is judged together."""

from __future__ import annotations

from hadirector.model.ipvs import Protocol, ServiceKey
from hadirector.pools.pending import PendingPools

WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
DNS = ServiceKey(Protocol.UDP, "192.0.2.1", 53)


def test_what_comes_alone_is_judged_at_once() -> None:
    undecided = PendingPools()
    undecided.add({WEB}, 100.0)
    assert undecided.take(100.0, more=False) == {WEB}
    assert undecided.take(100.0, more=False) == frozenset()


def test_a_burst_is_judged_at_its_end() -> None:
    undecided = PendingPools()
    undecided.add({WEB}, 100.0)
    assert undecided.take(100.001, more=True) == frozenset()
    undecided.add({DNS}, 100.002)
    undecided.add({WEB}, 100.003)
    assert undecided.take(100.003, more=False) == {WEB, DNS}


def test_the_first_of_a_long_burst_waits_five_milliseconds() -> None:
    undecided = PendingPools()
    undecided.add({WEB}, 100.0)
    undecided.add({DNS}, 100.0049)
    assert undecided.take(100.0049, more=True) == frozenset()
    assert undecided.take(100.0051, more=True) == {WEB, DNS}
    undecided.add((), 100.02)
    undecided.add({WEB}, 100.03)
    assert undecided.take(100.034, more=True) == frozenset()
