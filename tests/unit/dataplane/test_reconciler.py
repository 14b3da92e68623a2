"""Making the dataplane follow what is wanted, whatever fails and whoever else touches it."""

from __future__ import annotations

import pytest
import structlog

from hadirector.dataplane import reconciler
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


async def test_what_is_wanted_becomes_so(
    dataplane: MemoryDataplane, remembered: list[frozenset[ServiceKey]]
) -> None:
    kept = TableReconciler(dataplane, (), remembered.append)
    kept.want(WANTED)
    async with running(kept):
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
    assert remembered == [frozenset({WEB})]


async def test_a_service_is_remembered_as_ours_before_it_exists(
    dataplane: MemoryDataplane,
) -> None:
    seen: list[bool] = []
    kept = TableReconciler(dataplane, (), lambda services: seen.append(WEB in dataplane.table))
    kept.want(WANTED)
    async with running(kept):
        await eventually_async(lambda: WEB in dataplane.table, 5.0, "the service in the table")
    assert seen == [False]


async def test_an_owned_service_that_is_not_wanted_is_withdrawn_a_foreign_one_is_not(
    dataplane: MemoryDataplane, remembered: list[frozenset[ServiceKey]]
) -> None:
    dataplane.table = {OLD: ServiceEntry(RR, {ONE: IN}), FOREIGN: ServiceEntry(RR, {})}
    kept = TableReconciler(dataplane, [OLD], remembered.append)
    kept.want(WANTED)
    async with running(kept):
        await eventually_async(lambda: OLD not in dataplane.table, 5.0, "the old service gone")
    assert dataplane.table.keys() == {WEB, FOREIGN}
    assert remembered[-1] == {WEB}


async def test_what_fails_is_named_and_met_again_by_a_later_pass(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    dataplane.refuse = lambda operation: isinstance(operation, AddDestination)
    kept = TableReconciler(dataplane, (), lambda services: None)
    kept.want(WANTED)
    async with running(kept):
        await eventually_async(lambda: kept.failing, 5.0, "a failing service")
        assert kept.failing == {
            "add destination 192.0.2.45:80 to tcp 192.0.2.10:80 (nat, weight 1)": "refused"
        }
        dataplane.refuse = lambda operation: False
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
        await eventually_async(lambda: not kept.failing, 5.0, "no failing service")


async def test_what_fails_stays_named_while_other_services_change(
    dataplane: MemoryDataplane,
) -> None:
    dataplane.refuse = lambda operation: isinstance(operation, AddService) and operation.key == OLD
    kept = TableReconciler(dataplane, (), lambda services: None)
    kept.want({OLD: ServiceEntry(RR, {})})
    with structlog.testing.capture_logs() as lines:
        async with running(kept):
            await eventually_async(lambda: kept.failing, 5.0, "a failing service")
            kept.want({OLD: ServiceEntry(RR, {}), **WANTED}, {WEB})
            await eventually_async(lambda: WEB in dataplane.table, 5.0, "the service in the table")
            kept.want({OLD: ServiceEntry(RR, {}), **WANTED})
            await eventually_async(lambda: dataplane.reads.count(frozenset({OLD})), 5.0, expected=2)
    assert list(kept.failing) == ["add service tcp 192.0.2.10:8080 (rr)"]
    assert [line["event"] for line in lines].count("table_change_failed") == 1


async def test_a_pass_logs_50_operations_and_counts_the_others(
    dataplane: MemoryDataplane,
) -> None:
    """A line takes a twentieth of a millisecond, and 10,000 of them nobody reads."""
    services = {
        ServiceKey(Protocol.TCP, "192.0.2.10", port): ServiceEntry(RR, {}) for port in range(1, 91)
    }
    kept = TableReconciler(dataplane, (), lambda services: None)
    kept.want(services)
    with structlog.testing.capture_logs() as lines:
        async with running(kept):
            await eventually_async(lambda: len(lines) > 50, 5.0, "50 log lines")
    assert len(lines) == 51
    assert lines[-1] == {"event": "table_changed", "log_level": "info", "operations_not_logged": 40}


async def test_a_dataplane_that_does_not_answer_is_asked_again(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    dataplane.broken = True
    kept = TableReconciler(dataplane, (), lambda services: None)
    kept.want(WANTED)
    async with running(kept):
        await eventually_async(lambda: len(dataplane.reads) > 1, 5.0, "a second read")
        dataplane.broken = False
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)


async def test_nothing_new_is_made_that_cannot_be_remembered_as_ours(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    full = [True]

    def remember(services: frozenset[ServiceKey]) -> None:
        if full[0]:
            raise OSError(28, "No space left on device")

    dataplane.table = {OLD: ServiceEntry(RR, {ONE: IN})}
    kept = TableReconciler(dataplane, [OLD], remember)
    kept.want({**WANTED, OLD: ServiceEntry(RR, {TWO: IN})})
    async with running(kept):
        # A service that is ours already is kept true meanwhile.
        await eventually_async(
            lambda: dataplane.table, 5.0, expected={OLD: ServiceEntry(RR, {TWO: IN})}
        )
        full[0] = False
        await eventually_async(lambda: set(dataplane.table), 5.0, expected={WEB, OLD})


async def test_what_somebody_else_changed_is_repaired_and_counted(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    kept = TableReconciler(dataplane, (), lambda services: None)
    kept.want(WANTED)
    async with running(kept):
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
        assert kept.repaired == 0
        dataplane.table = {}
        await eventually_async(lambda: dataplane.table, 5.0, expected=WANTED)
    assert kept.repaired == 2


async def test_a_repair_is_logged_with_what_was_found(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    kept = TableReconciler(dataplane, (), lambda services: None)
    kept.want(WANTED)
    async with running(kept):
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


async def test_a_difference_that_is_gone_at_a_second_look_is_not_acted_on(
    dataplane: MemoryDataplane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a dump is torn: what two readings show alike is repaired, the other one left."""
    monkeypatch.setattr(reconciler, "PASS_SECONDS", 0.01)
    wanted = {**WANTED, OLD: ServiceEntry(RR, {ONE: IN})}
    kept = TableReconciler(dataplane, (), lambda services: None)
    kept.want(wanted)
    async with running(kept):
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
            await eventually_async(lambda: kept.repaired, 5.0, expected=1)
    assert sorted(each["event"] for each in lines) == ["table_repaired", "table_unsteady"]


async def test_withdrawing_takes_what_is_ours_and_leaves_the_rest(
    dataplane: MemoryDataplane, remembered: list[frozenset[ServiceKey]]
) -> None:
    dataplane.table = {WEB: ServiceEntry(RR, {ONE: IN}), FOREIGN: ServiceEntry(RR, {})}
    kept = TableReconciler(dataplane, [WEB], remembered.append)
    await kept.withdraw()
    assert dataplane.table.keys() == {FOREIGN}
    assert remembered == [frozenset()]
