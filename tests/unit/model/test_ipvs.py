"""The text forms of services and destinations."""

from __future__ import annotations

from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Service,
    ServiceEntry,
)

ONE, TWO = DestinationKey("192.0.2.45", 80), DestinationKey("2001:db8::1", 80)
NAT = ForwardingMethod.NAT


def test_an_entry_shows_its_scheduler_and_weights() -> None:
    pool = {ONE: Destination(2, NAT), TWO: Destination(0, NAT)}
    assert repr(ServiceEntry(Service("wrr"), pool)) == (
        "<ServiceEntry wrr: 192.0.2.45:80 2, [2001:db8::1]:80 0>"
    )
    assert repr(ServiceEntry(Service("mh"), pool, {ONE: 2, TWO: 5})) == (
        "<ServiceEntry mh: 192.0.2.45:80 2 (share 2), [2001:db8::1]:80 0 (share 5)>"
    )
    assert repr(ServiceEntry(Service("rr"), {})) == "<ServiceEntry rr: empty>"
