"""The dataplane that only logs operations."""

from __future__ import annotations

from structlog.testing import capture_logs

from hadirector.dataplane.dataplane import read_table
from hadirector.dataplane.dry_run import DryRunDataplane
from hadirector.dataplane.reconcile import diff
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceEntry,
    ServiceKey,
)

WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
DNS = ServiceKey(Protocol.UDP, "192.0.2.1", 53)
FIRST = {DestinationKey("198.51.100.1", 80): Destination(1, ForwardingMethod.NAT)}
SECOND = {DestinationKey("2001:db8::1", 80): Destination(2, ForwardingMethod.DR)}


async def test_operations_are_logged_and_stored() -> None:
    dataplane = DryRunDataplane()
    with capture_logs() as lines:
        for pool in (FIRST, SECOND):
            wanted = {WEB: ServiceEntry(Service("wrr"), pool)}
            operations = diff(await read_table(dataplane), wanted, {WEB})
            assert await dataplane.apply(operations) == []
    assert await read_table(dataplane, [WEB, DNS]) == {WEB: ServiceEntry(Service("wrr"), SECOND)}
    assert [line["operation"] for line in lines if line["event"] == "would_apply"] == [
        "add service tcp 192.0.2.1:80 (wrr)",
        "add destination 198.51.100.1:80 to tcp 192.0.2.1:80 (nat, weight 1)",
        "add destination [2001:db8::1]:80 to tcp 192.0.2.1:80 (dr, weight 2)",
        "delete destination 198.51.100.1:80 of tcp 192.0.2.1:80",
    ]


async def test_an_edited_service_keeps_its_pool_and_a_deleted_one_is_removed() -> None:
    dataplane = DryRunDataplane()
    for scheduler in ("rr", "wrr"):
        wanted = {WEB: ServiceEntry(Service(scheduler), FIRST)}
        await dataplane.apply(diff(await read_table(dataplane), wanted, {WEB}))
        assert await read_table(dataplane) == wanted
    await dataplane.apply(diff(await read_table(dataplane), {}, {WEB}))
    assert await read_table(dataplane) == {}
