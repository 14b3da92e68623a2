"""The pools of sh and mh get the same order on every director, without an empty table."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from hadirector.config.loader import parse
from hadirector.dataplane.hash_order import moves, staying_destinations
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    EditDestination,
    EditService,
    Operation,
    diff,
)
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    SchedulerFlag,
    Service,
    ServiceEntry,
    ServiceKey,
    Table,
)
from hadirector.pools.decision import judge
from hadirector.pools.entries import wanted_entries
from hadirector.pools.facts import Facts

WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
A, B, C, D = (DestinationKey(f"198.51.100.{number}", 80) for number in range(1, 5))
MH = Service("mh", frozenset({SchedulerFlag.FALLBACK}))

Weights = dict[DestinationKey, int]
weights = st.lists(
    st.tuples(st.sampled_from([A, B, C, D]), st.integers(0, 2)), unique_by=lambda each: each[0]
).map(dict)
sorted_weights = weights.map(lambda pool: dict(sorted(pool.items())))


def at(weight: int) -> Destination:
    return Destination(weight, ForwardingMethod.NAT)


def table(pool: Weights, share: int = 0) -> Table:
    """A service of mh with destinations of these weights, added in this order."""
    shares = dict.fromkeys(pool, share) if share else {}
    return {WEB: ServiceEntry(MH, {key: at(weight) for key, weight in pool.items()}, shares)}


def passed_through(pool: Weights, operations: list[Operation]) -> Iterator[Weights]:
    """Every pool on the way, in the order of the kernel's list, with the pool at the end last."""
    held = dict(pool)
    yield dict(held)
    for operation in operations:
        match operation:
            case AddDestination(_, key, destination):
                assert key not in held
                held[key] = destination.weight
            case EditDestination(_, key, destination):
                assert key in held
                held[key] = destination.weight
            case DeleteDestination(_, key):
                del held[key]
            case _:
                raise AssertionError(operation)
        yield dict(held)


def serving(pool: Weights) -> set[DestinationKey]:
    return {key for key, weight in pool.items() if weight}


@given(weights, sorted_weights)
def test_two_passes_turn_any_pool_into_the_wanted_pool_in_its_order(
    actual: Weights, wanted: Weights
) -> None:
    """One pass is enough for the weights. The order may need a pass with two that serve."""
    *_, first = passed_through(actual, diff(table(actual), table(wanted), [WEB]))
    assert first == wanted
    *_, second = passed_through(first, diff(table(first), table(wanted), [WEB]))
    assert second == wanted
    if len(serving(wanted)) > 1:
        assert list(second) == list(wanted)
        assert diff(table(second), table(wanted), [WEB]) == []


@given(weights, sorted_weights)
def test_a_pool_is_never_empty_and_never_stops_serving(actual: Weights, wanted: Weights) -> None:
    for pool in passed_through(actual, diff(table(actual), table(wanted), [WEB])):
        assert pool or not (actual and wanted)
        assert serving(pool) or not (serving(actual) and serving(wanted))


@given(sorted_weights)
def test_a_pool_in_order_is_not_touched(pool: Weights) -> None:
    assert diff(table(pool), table(pool), [WEB]) == []


def test_destinations_after_a_new_one_are_moved() -> None:
    held = {A: at(1), C: at(1), D: at(1)}
    assert staying_destinations(held, {A: at(1), B: at(1), C: at(1), D: at(1)}) == {A}
    assert diff(table({A: 1, C: 1, D: 1}), table({A: 1, B: 1, C: 1, D: 1}), [WEB]) == [
        AddDestination(WEB, B, at(1)),
        DeleteDestination(WEB, C),
        AddDestination(WEB, C, at(1)),
        DeleteDestination(WEB, D),
        AddDestination(WEB, D, at(1)),
    ]


def test_the_only_destination_with_a_weight_is_not_moved() -> None:
    assert moves({B: at(1), A: at(0)}, {A: at(0), B: at(1)}) == frozenset()
    assert moves({B: at(1), A: at(0)}, {A: at(1), B: at(1)}) == {B}


def test_a_destination_without_weight_has_its_share_of_the_hash_table() -> None:
    """Otherwise the tables of two directors differ until it has passed on both."""
    assert diff({}, table({A: 1, B: 0}, share=3), ()) == [
        AddService(WEB, MH),
        AddDestination(WEB, A, at(1)),
        AddDestination(WEB, B, at(0), share=3),
    ]


def test_a_failed_or_a_returning_server_is_an_edit_of_its_weight() -> None:
    """The same holds for a changed scheduler, flag or persistence."""
    assert diff(table({A: 1, B: 1}), table({A: 1, B: 0}, share=1), [WEB]) == [
        EditDestination(WEB, B, at(0))
    ]
    persistent = Service("mh", frozenset(SchedulerFlag), 300)
    wanted = {WEB: ServiceEntry(persistent, table({A: 1})[WEB].destinations)}
    assert diff(table({A: 1}), wanted, [WEB]) == [EditService(WEB, persistent)]


def test_shares_are_the_configured_weights_in_the_order_of_the_addresses() -> None:
    text = (
        "virtual_servers: [{address: 192.0.2.1:80, scheduler: mh, real_servers: ["
        "{address: 198.51.100.2, weight: 5}, {address: 198.51.100.1, check: none}]}]"
    )
    [server] = parse(text.encode(), "f", "lb1").virtual_servers
    entry = wanted_entries(server, judge(server, Facts({}), None))[WEB]
    assert list(entry.destinations.items()) == [(A, at(1)), (B, at(0))]
    assert entry.shares == {A: 1, B: 5}
    assert SchedulerFlag.FALLBACK in entry.service.flags
