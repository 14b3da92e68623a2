"""Reconciling the table, with failures and changes by other programs."""

from __future__ import annotations

import pytest
import structlog

from hadirector.dataplane import reconciler
from hadirector.dataplane.condition import TableCondition
from hadirector.dataplane.dataplane import Pool
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
)
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceEntry,
    ServiceKey,
)
from tests.running import running
from tests.unit.memory_dataplane import MemoryDataplane
from tests.waiting import eventually_async

WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
OLD = ServiceKey(Protocol.TCP, "192.0.2.10", 8080)
FOREIGN = ServiceKey(Protocol.TCP, "198.51.100.1", 25)
ONE = DestinationKey("192.0.2.45", 80)
TWO = DestinationKey("192.0.2.46", 80)
IN = Destination(1, ForwardingMethod.NAT)
RR = Service("rr")


@pytest.fixture
def dataplane() -> MemoryDataplane:
    return MemoryDataplane()


@pytest.fixture
def remembered() -> list[frozenset[ServiceKey]]:
    return []


WANTED = {WEB: ServiceEntry(RR, {ONE: IN})}


async def test_wanted_services_are_created(
    dataplane: MemoryDataplane, remembered: list[frozenset[ServiceKey]]
) -> None:
    tables = TableReconciler(dataplane, (), remembered.append)
    tables.want(WANTED)
    async with running(tables):
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
    assert remembered == [frozenset({WEB})]


async def test_a_service_is_remembered_as_ours_before_it_exists(
    dataplane: MemoryDataplane,
) -> None:
    existed: list[bool] = []
    tables = TableReconciler(dataplane, (), lambda services: existed.append(WEB in dataplane.table))
    tables.want(WANTED)
    async with running(tables):
        await eventually_async(lambda: WEB in dataplane.table, 5.0, "the service in the table")
    assert existed == [False]


async def test_an_owned_service_that_is_not_wanted_is_deleted_and_a_foreign_one_is_not(
    dataplane: MemoryDataplane, remembered: list[frozenset[ServiceKey]]
) -> None:
    dataplane.table = {OLD: ServiceEntry(RR, {ONE: IN}), FOREIGN: ServiceEntry(RR, {})}
    tables = TableReconciler(dataplane, [OLD], remembered.append)
    tables.want(WANTED)
    async with running(tables):
        await eventually_async(lambda: OLD not in dataplane.table, 5.0, "the old service gone")
    assert dataplane.table.keys() == {WEB, FOREIGN}
    assert remembered[-1] == {WEB}


async def test_a_failed_operation_is_reported_and_repeated_by_a_later_pass(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    dataplane.refuse = lambda operation: isinstance(operation, AddDestination)
    tables = TableReconciler(dataplane, (), lambda services: None)
    tables.want(WANTED)
    async with running(tables):
        await eventually_async(lambda: tables.failing, 5.0, "a failing service")
        assert tables.failing == {
            "add destination 192.0.2.45:80 to tcp 192.0.2.10:80 (nat, weight 1)": "refused"
        }
        dataplane.refuse = lambda operation: False
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
        await eventually_async(lambda: not tables.failing, 5.0, "no failing service")


async def test_a_failure_stays_reported_while_other_services_change(
    dataplane: MemoryDataplane,
) -> None:
    dataplane.refuse = lambda operation: isinstance(operation, AddService) and operation.key == OLD
    tables = TableReconciler(dataplane, (), lambda services: None)
    tables.want({OLD: ServiceEntry(RR, {})})
    with structlog.testing.capture_logs() as lines:
        async with running(tables):
            await eventually_async(lambda: tables.failing, 5.0, "a failing service")
            tables.want({OLD: ServiceEntry(RR, {}), **WANTED}, {WEB})
            await eventually_async(lambda: WEB in dataplane.table, 5.0, "the service in the table")
            tables.want({OLD: ServiceEntry(RR, {}), **WANTED})
            await eventually_async(lambda: dataplane.reads.count(frozenset({OLD})), 5.0, expected=2)
    assert list(tables.failing) == ["add service tcp 192.0.2.10:8080 (rr)"]
    assert [line["event"] for line in lines].count("table_change_failed") == 1


async def test_a_pass_logs_50_operations_and_counts_the_others(
    dataplane: MemoryDataplane,
) -> None:
    """A log line takes 0.05 ms, so 10,000 lines would delay the loop."""
    services = {
        ServiceKey(Protocol.TCP, "192.0.2.10", port): ServiceEntry(RR, {}) for port in range(1, 91)
    }
    tables = TableReconciler(dataplane, (), lambda services: None)
    tables.want(services)
    with structlog.testing.capture_logs() as lines:
        async with running(tables):
            await eventually_async(lambda: len(lines) > 50, 5.0, "50 log lines")
    assert len(lines) == 51
    assert lines[-1] == {"event": "table_changed", "log_level": "info", "operations_not_logged": 40}


async def test_a_failed_read_is_repeated(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    dataplane.broken = True
    tables = TableReconciler(dataplane, (), lambda services: None)
    tables.want(WANTED)
    async with running(tables):
        await eventually_async(lambda: len(dataplane.reads) > 1, 5.0, "a second read")
        dataplane.broken = False
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)


async def test_the_condition_of_the_table_is_reported_after_each_round(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that could not be made is missing. A table that cannot be read is not settled."""
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    conditions: list[TableCondition] = []

    async def report(condition: TableCondition) -> None:
        conditions.append(condition)

    def latest() -> TableCondition:
        return conditions[-1]

    dataplane.refuse = lambda operation: isinstance(operation, AddService) and operation.key == OLD
    tables = TableReconciler(dataplane, (), lambda services: None, report)
    tables.want({**WANTED, OLD: ServiceEntry(RR, {})})
    assert not tables.settled
    async with running(tables):
        await eventually_async(lambda: len(conditions) > 1, 5.0, "two rounds")
        assert latest() == TableCondition(
            1, "add service tcp 192.0.2.10:8080 (rr): refused", wanted=2, present=1
        )
        assert tables.settled
        dataplane.refuse = lambda operation: False
        good = TableCondition(wanted=2, present=2)
        await eventually_async(latest, 5.0, "a good table", expected=good)
        dataplane.broken = True
        await eventually_async(lambda: latest().error, 5.0, expected="broken")
        tables.want({**WANTED})
        assert not tables.settled


async def test_a_change_by_another_program_is_repaired_and_counted(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    tables = TableReconciler(dataplane, (), lambda services: None)
    tables.want(WANTED)
    async with running(tables):
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
        assert tables.repaired == 0
        dataplane.table = {}
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
    assert tables.repaired == 2


async def test_a_repair_is_logged_with_the_former_state(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    tables = TableReconciler(dataplane, (), lambda services: None)
    tables.want(WANTED)
    async with running(tables):
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
        with structlog.testing.capture_logs() as lines:
            spoilt = Destination(7, ForwardingMethod.DR)
            dataplane.table = {WEB: ServiceEntry(Service("wlc"), {ONE: spoilt, TWO: IN})}
            await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
    assert [(each["event"], each["operation"], each["was"]) for each in lines] == [
        ("table_repaired", "edit service tcp 192.0.2.10:80 (rr)", "wlc"),
        (
            "table_repaired",
            "edit destination 192.0.2.45:80 of tcp 192.0.2.10:80 (nat, weight 1)",
            "dr, weight 7",
        ),
        (
            "table_repaired",
            "delete destination 192.0.2.46:80 of tcp 192.0.2.10:80",
            "nat, weight 1",
        ),
    ]


async def test_a_difference_in_a_single_reading_is_not_repaired(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dump may be inconsistent, so only a difference in both readings is repaired."""
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    wanted = {**WANTED, OLD: ServiceEntry(RR, {ONE: IN})}
    tables = TableReconciler(dataplane, (), lambda services: None)
    tables.want(wanted)
    async with running(tables):
        await eventually_async(lambda: dataplane.table, 5.0, expected=wanted)
        dataplane.table = {WEB: ServiceEntry(RR, {}), OLD: ServiceEntry(RR, {})}

        async def read_pool(key: ServiceKey, fingerprint: int = 0) -> Pool | None:
            """The second reading shows OLD as it should be."""
            seen = await read(key, fingerprint)
            if key == OLD:
                dataplane.table[OLD] = wanted[OLD]
            return seen

        read = dataplane.read_pool
        monkeypatch.setattr(dataplane, "read_pool", read_pool)
        with structlog.testing.capture_logs() as lines:
            await eventually_async(lambda: dataplane.table, 5.0, expected=wanted)
            await eventually_async(lambda: tables.repaired, 5.0, expected=1)
    assert sorted(each["event"] for each in lines) == ["table_repaired", "table_unsteady"]


async def test_withdrawing_deletes_only_owned_services(
    dataplane: MemoryDataplane, remembered: list[frozenset[ServiceKey]]
) -> None:
    dataplane.table = {WEB: ServiceEntry(RR, {ONE: IN}), FOREIGN: ServiceEntry(RR, {})}
    tables = TableReconciler(dataplane, [WEB], remembered.append)
    await tables.withdraw()
    assert dataplane.table.keys() == {FOREIGN}
    assert remembered == [frozenset()]
