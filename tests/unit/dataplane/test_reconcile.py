"""The operations between two tables, performed by a small fake kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
    describe,
    describe_actual,
    diff,
    outcome,
    service_of,
)
from hadirector.model.ipvs import (
    HASH_SCHEDULERS,
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    SchedulerFlag,
    Service,
    ServiceEntry,
    ServiceKey,
    Table,
    Tunnel,
)

NAT, DR = ForwardingMethod.NAT, ForwardingMethod.DR
WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
DNS = ServiceKey(Protocol.UDP, "2001:db8::53", 53)
FOREIGN = ServiceKey(Protocol.TCP, "192.0.2.9", 22)
A = DestinationKey("198.51.100.1", 80)
B = DestinationKey("198.51.100.2", 80)
C = DestinationKey("198.51.100.3", 80)
WRR = Service("wrr")

services = st.builds(
    Service,
    scheduler=st.sampled_from(["rr", "wrr", "sh", "unheard-of"]),
    flags=st.frozensets(st.sampled_from(SchedulerFlag)),
    persistence=st.sampled_from([0, 300]),
    prefix_length=st.sampled_from([None, 24]),
    one_packet=st.booleans(),
)
destinations = st.builds(
    Destination,
    weight=st.integers(0, 2),
    forwarding=st.sampled_from([NAT, DR, None]),
    upper_threshold=st.integers(0, 1),
    tunnel=st.sampled_from([None, Tunnel()]),
)
entries = st.builds(
    ServiceEntry,
    service=services,
    destinations=st.dictionaries(st.sampled_from([A, B, C]), destinations),
)
keys = st.sampled_from([WEB, DNS, FOREIGN])
tables = st.dictionaries(keys, entries)


class FakeKernel:
    """A table that is as strict as the kernel: EEXIST and ENOENT fail the test."""

    def __init__(self, table: Table) -> None:
        self.services = {key: entry.service for key, entry in table.items()}
        self.pools = {key: dict(entry.destinations) for key, entry in table.items()}

    def perform(self, operation: Operation) -> None:
        match operation:
            case AddService(key, service):
                assert key not in self.services
                self.services[key] = service
                self.pools[key] = {}
            case EditService(key, service):
                assert key in self.services
                self.services[key] = service
            case DeleteService(key):
                del self.services[key], self.pools[key]
            case AddDestination(service_key, key, destination):
                assert key not in self.pools[service_key]
                self.pools[service_key][key] = destination
            case EditDestination(service_key, key, destination):
                assert key in self.pools[service_key]
                self.pools[service_key][key] = destination
            case DeleteDestination(service_key, key):
                del self.pools[service_key][key]

    def table(self) -> Table:
        return {
            key: ServiceEntry(service, dict(self.pools[key]))
            for key, service in self.services.items()
        }


def tables_on_the_way(actual: Table, operations: Sequence[Operation]) -> Iterator[Table]:
    """The tables of the kernel before, between and after the operations."""
    kernel = FakeKernel(actual)
    yield kernel.table()
    for operation in operations:
        kernel.perform(operation)
        yield kernel.table()


def serving(table: Table, key: ServiceKey) -> set[DestinationKey]:
    """The destinations of a service that get new connections."""
    if key not in table:
        return set()
    return {each for each, held in table[key].destinations.items() if held.weight > 0}


@given(tables, tables, st.frozensets(keys))
def test_the_kernel_has_the_wanted_and_the_foreign_services_at_the_end(
    actual: Table, wanted: Table, owned: frozenset[ServiceKey]
) -> None:
    *_, final = tables_on_the_way(actual, diff(actual, wanted, owned))
    foreign = {key: entry for key, entry in actual.items() if key not in owned}
    assert final == foreign | dict(wanted)


@given(tables, tables)
def test_the_outcome_equals_the_service_in_the_kernel(actual: Table, wanted: Table) -> None:
    """For sh and mh in the same order; for others equal to the wanted service."""
    operations = diff(actual, wanted, keys_of(actual, wanted))
    *_, final = tables_on_the_way(actual, operations)
    for key in keys_of(actual, wanted):
        entry = wanted.get(key)
        concerned = [each for each in operations if service_of(each) == key]
        after = outcome(actual.get(key), concerned, entry)
        assert after == final.get(key)
        if after is not None and after.service.scheduler in HASH_SCHEDULERS:
            assert list(after.destinations) == list(final[key].destinations)


def keys_of(*several: Table) -> set[ServiceKey]:
    return {key for table in several for key in table}


@given(tables, st.frozensets(keys))
def test_an_equal_table_needs_nothing(table: Table, owned: frozenset[ServiceKey]) -> None:
    assert diff(table, table, owned) == []


@given(tables, tables, st.frozensets(keys))
def test_a_foreign_service_is_never_touched(
    actual: Table, wanted: Table, owned: frozenset[ServiceKey]
) -> None:
    operations = diff(actual, wanted, owned)
    foreign = actual.keys() - owned - wanted.keys()
    for table in tables_on_the_way(actual, operations):
        assert all(table[key] == actual[key] for key in foreign)


@given(tables, tables, st.frozensets(keys))
def test_a_pool_is_never_empty_between_operations(
    actual: Table, wanted: Table, owned: frozenset[ServiceKey]
) -> None:
    operations = diff(actual, wanted, owned)
    for key in actual.keys() & wanted.keys():
        if not actual[key].destinations or not wanted[key].destinations:
            continue
        for table in tables_on_the_way(actual, operations):
            assert table[key].destinations


@given(tables, tables, st.frozensets(keys))
def test_a_pool_always_has_a_weight_between_operations(
    actual: Table, wanted: Table, owned: frozenset[ServiceKey]
) -> None:
    operations = diff(actual, wanted, owned)
    for key in actual.keys() & wanted.keys():
        if not serving(actual, key) or not serving(wanted, key):
            continue
        for table in tables_on_the_way(actual, operations):
            assert serving(table, key)


@given(tables, tables, st.frozensets(keys))
def test_a_service_that_stays_is_never_deleted(
    actual: Table, wanted: Table, owned: frozenset[ServiceKey]
) -> None:
    for operation in diff(actual, wanted, owned):
        assert not (isinstance(operation, DeleteService) and operation.key in wanted)


def test_destinations_are_added_in_the_wanted_order() -> None:
    wanted = {WEB: ServiceEntry(WRR, {C: Destination(1, NAT), A: Destination(2, NAT)})}
    assert diff({}, wanted, ()) == [
        AddService(WEB, WRR),
        AddDestination(WEB, C, Destination(1, NAT)),
        AddDestination(WEB, A, Destination(2, NAT)),
    ]


def test_a_replaced_pool_is_filled_before_it_is_emptied() -> None:
    actual = {WEB: ServiceEntry(WRR, {A: Destination(1, NAT), B: Destination(1, NAT)})}
    wanted = {WEB: ServiceEntry(WRR, {B: Destination(3, NAT), C: Destination(1, NAT)})}
    assert diff(actual, wanted, {WEB}) == [
        EditDestination(WEB, B, Destination(3, NAT)),
        AddDestination(WEB, C, Destination(1, NAT)),
        DeleteDestination(WEB, A),
    ]


def test_weights_are_raised_before_others_are_lowered() -> None:
    actual = {WEB: ServiceEntry(WRR, {A: Destination(1, NAT), B: Destination(0, NAT)})}
    wanted = {WEB: ServiceEntry(WRR, {A: Destination(0, NAT), B: Destination(1, NAT)})}
    assert diff(actual, wanted, {WEB}) == [
        EditDestination(WEB, B, Destination(1, NAT)),
        EditDestination(WEB, A, Destination(0, NAT)),
    ]


def test_services_are_withdrawn_last() -> None:
    actual = {WEB: ServiceEntry(WRR, {}), FOREIGN: ServiceEntry(WRR, {})}
    wanted = {DNS: ServiceEntry(Service("rr"), {})}
    assert diff(actual, wanted, [WEB]) == [AddService(DNS, Service("rr")), DeleteService(WEB)]


def test_a_changed_scheduler_flag_or_persistence_is_an_edit() -> None:
    actual = {WEB: ServiceEntry(Service("rr"), {A: Destination(1, NAT)})}
    wanted_service = Service("sh", frozenset({SchedulerFlag.FALLBACK}), 300)
    wanted = {WEB: ServiceEntry(wanted_service, {A: Destination(1, NAT)})}
    assert diff(actual, wanted, {WEB}) == [EditService(WEB, wanted_service)]


def test_an_unknown_forwarding_method_is_replaced() -> None:
    actual = {WEB: ServiceEntry(WRR, {A: Destination(1, None)})}
    wanted = {WEB: ServiceEntry(WRR, {A: Destination(1, DR)})}
    assert diff(actual, wanted, {WEB}) == [EditDestination(WEB, A, Destination(1, DR))]


def test_operations_are_described_in_one_line() -> None:
    service = Service("sh", frozenset({SchedulerFlag.PORT, SchedulerFlag.FALLBACK}), 300)
    assert describe(AddService(WEB, service)) == (
        "add service tcp 192.0.2.1:80 (sh, fallback, port, persistence 300 s)"
    )
    assert describe(EditService(DNS, WRR)) == "edit service udp [2001:db8::53]:53 (wrr)"
    assert describe(DeleteService(WEB)) == "delete service tcp 192.0.2.1:80"
    assert describe(AddDestination(WEB, A, Destination(2, DR))) == (
        "add destination 198.51.100.1:80 to tcp 192.0.2.1:80 (dr, weight 2)"
    )
    assert describe(EditDestination(WEB, A, Destination(0, NAT))) == (
        "edit destination 198.51.100.1:80 of tcp 192.0.2.1:80 (nat, weight 0)"
    )
    assert describe(DeleteDestination(WEB, A)) == (
        "delete destination 198.51.100.1:80 of tcp 192.0.2.1:80"
    )


def test_the_state_before_an_operation_is_described() -> None:
    actual = {WEB: ServiceEntry(WRR, {A: Destination(3, DR)})}
    assert describe_actual(EditService(WEB, Service("rr")), actual) == "wrr"
    assert describe_actual(DeleteService(WEB), actual) == "wrr, 1 destination"
    assert describe_actual(EditDestination(WEB, A, Destination(1, NAT)), actual) == "dr, weight 3"
    assert describe_actual(DeleteDestination(WEB, A), actual) == "dr, weight 3"
    assert (
        describe_actual(AddDestination(WEB, A, Destination(3, DR)), actual) == "at another position"
    )
    assert describe_actual(AddDestination(WEB, B, Destination(1, NAT)), actual) == "missing"
    assert describe_actual(AddService(DNS, WRR), actual) == "missing"
