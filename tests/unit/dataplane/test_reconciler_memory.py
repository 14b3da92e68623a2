"""What the reconciler knows of the table, and when it reads the table."""

from __future__ import annotations

import pytest
import structlog

from hadirector.dataplane import reconciler
from hadirector.dataplane.reconcile import (
    AddService,
)
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    SchedulerFlag,
    Service,
    ServiceEntry,
    ServiceKey,
)
from tests.running import running
from tests.unit.memory_dataplane import MemoryDataplane
from tests.waiting import eventually_async

WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
FOREIGN = ServiceKey(Protocol.TCP, "198.51.100.1", 25)
ONE = DestinationKey("192.0.2.45", 80)
TWO = DestinationKey("192.0.2.46", 80)
IN = Destination(1, ForwardingMethod.NAT)
RR = Service("rr")
WANTED = {WEB: ServiceEntry(RR, {ONE: IN})}


@pytest.fixture
def dataplane() -> MemoryDataplane:
    return MemoryDataplane()


async def test_a_service_with_a_known_state_is_changed_without_a_read(
    dataplane: MemoryDataplane,
) -> None:
    tables = TableReconciler(dataplane, (), lambda services: None)
    tables.want(WANTED)
    async with running(tables):
        await eventually_async(lambda: len(dataplane.reads), 5.0, expected=2)
        # The unknown service was read first, and all services in the first pass.
        assert dataplane.reads == [{WEB}, None]
        changed = {WEB: ServiceEntry(RR, {ONE: IN, TWO: IN})}
        tables.want(changed, {WEB})
        await eventually_async(lambda: dataplane.table, 5.0, expected=changed)
    assert len(dataplane.reads) == 2


async def test_an_adopted_service_is_not_read_again_before_a_change(
    dataplane: MemoryDataplane,
) -> None:
    dataplane.table = {WEB: ServiceEntry(RR, {TWO: IN}), FOREIGN: ServiceEntry(RR, {})}
    dataplane.takes_fingerprints = True
    tables = TableReconciler(dataplane, [WEB], lambda services: None)
    assert await tables.adopt() == dataplane.table
    tables.want(WANTED)
    with structlog.testing.capture_logs() as lines:
        async with running(tables):
            await eventually_async(lambda: len(dataplane.reads), 5.0, expected=2)
    assert dataplane.table[WEB] == WANTED[WEB]
    assert dataplane.reads == [None, None]
    assert [each["event"] for each in lines] == ["table_changed", "table_changed"]


async def test_a_change_after_a_change_by_another_program_reads_and_repairs_the_service(
    dataplane: MemoryDataplane,
) -> None:
    tables = TableReconciler(dataplane, (), lambda services: None)
    tables.want(WANTED)
    async with running(tables):
        await eventually_async(lambda: len(dataplane.reads), 5.0, expected=2)
        dataplane.table = {}
        dataplane.refuse = lambda operation: (
            not dataplane.table and not isinstance(operation, AddService)
        )
        changed = {WEB: ServiceEntry(RR, {ONE: IN, TWO: IN})}
        tables.want(changed, {WEB})
        await eventually_async(lambda: dataplane.table, 5.0, expected=changed)
        assert dataplane.reads[2:] == [frozenset({WEB})]
        assert tables.repaired == 3
        assert not tables.failing


async def test_a_pool_with_the_same_fingerprint_is_not_decoded(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    dataplane.takes_fingerprints = True
    tables = TableReconciler(dataplane, (), lambda services: None)
    tables.want(WANTED)
    async with running(tables):
        await eventually_async(lambda: dataplane.pools_read, 5.0, expected=4)
        assert dataplane.unchanged_reads >= 2
        dataplane.table = {WEB: ServiceEntry(RR, {})}
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
        dataplane.table = {WEB: ServiceEntry(Service("wlc"), {ONE: IN})}
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)


async def test_destinations_left_in_another_order_are_moved_when_they_can_be(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler sh is not reordered while one destination has a weight."""
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    out = Destination(0, ForwardingMethod.NAT)
    hashed = Service("sh", flags=frozenset({SchedulerFlag.FALLBACK}))
    dataplane.table = {WEB: ServiceEntry(hashed, {TWO: IN, ONE: out})}
    tables = TableReconciler(dataplane, [WEB], lambda services: None)
    await tables.adopt()
    tables.want({WEB: ServiceEntry(hashed, {ONE: out, TWO: IN})})
    async with running(tables):
        await eventually_async(lambda: len(dataplane.reads) > 3, 5.0, "a fourth read")
        assert list(dataplane.table[WEB].destinations) == [TWO, ONE]
        tables.want({WEB: ServiceEntry(hashed, {ONE: IN, TWO: IN})}, {WEB})
        await eventually_async(
            lambda: list(dataplane.table[WEB].destinations), 5.0, expected=[ONE, TWO]
        )
        assert dataplane.table[WEB].destinations == {ONE: IN, TWO: IN}
    assert tables.repaired == 0
