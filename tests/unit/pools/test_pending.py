"""Which decisions about pools are made together."""

from __future__ import annotations

from hadirector.model.ipvs import Protocol, ServiceKey
from hadirector.pools.pending import PendingPools

WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
DNS = ServiceKey(Protocol.UDP, "192.0.2.1", 53)


def test_a_single_message_causes_a_decision_at_once() -> None:
    pending = PendingPools()
    pending.add({WEB}, 100.0)
    assert pending.take(100.0, more=False) == {WEB}
    assert pending.take(100.0, more=False) == frozenset()


def test_a_burst_causes_one_decision_at_its_end() -> None:
    pending = PendingPools()
    pending.add({WEB}, 100.0)
    assert pending.take(100.001, more=True) == frozenset()
    pending.add({DNS}, 100.002)
    pending.add({WEB}, 100.003)
    assert pending.take(100.003, more=False) == {WEB, DNS}


def test_the_first_of_a_long_burst_waits_five_milliseconds() -> None:
    pending = PendingPools()
    pending.add({WEB}, 100.0)
    pending.add({DNS}, 100.0049)
    assert pending.take(100.0049, more=True) == frozenset()
    assert pending.take(100.0051, more=True) == {WEB, DNS}
    pending.add((), 100.02)
    pending.add({WEB}, 100.03)
    assert pending.take(100.034, more=True) == frozenset()
