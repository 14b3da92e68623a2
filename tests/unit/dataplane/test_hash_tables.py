"""The tables of mh and sh. tests/lab/test_hash_prediction.py compares them with the kernel."""

from __future__ import annotations

import pytest

from hadirector.dataplane.hash_tables import hash_table, moved_share
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    SchedulerFlag,
    Service,
    ServiceEntry,
)

A, B, C = (DestinationKey(f"198.51.100.{number}", 53) for number in (1, 2, 3))
FALLBACK = frozenset({SchedulerFlag.FALLBACK})


def entry(
    scheduler: str,
    weights: dict[DestinationKey, int],
    shares: dict[DestinationKey, int] | None = None,
    flags: frozenset[SchedulerFlag] = FALLBACK,
) -> ServiceEntry:
    """A service whose destinations were added in this order."""
    destinations = {key: Destination(each, ForwardingMethod.DR) for key, each in weights.items()}
    return ServiceEntry(Service(scheduler, flags), destinations, shares or {})


def test_sh_gives_as_many_buckets_in_a_row_as_the_weight() -> None:
    """The kernel begins with the destination that was added last."""
    table = hash_table(entry("sh", {A: 1, B: 2}))
    assert list(table.buckets[:7]) == [B, B, A, B, B, A, B]
    assert table.shares() == {A: 85 / 256, B: 171 / 256}


def test_a_flow_of_sh_tries_other_buckets() -> None:
    """Every second bucket is empty. From an odd bucket, the search begins at an even bucket."""
    weights = {A: 0, B: 1}
    assert list(hash_table(entry("sh", weights)).buckets[:4]) == [B, None, B, None]
    assert hash_table(entry("sh", weights)).shares() == {B: 1.0}
    assert hash_table(entry("sh", weights, flags=frozenset())).shares() == {B: 0.5, None: 0.5}


def test_sh_by_hand_for_one_client() -> None:
    """192.0.2.1 is 0xC0000201; times 0x61C88647 it is 0x..32D51447: bucket 0x32 (50)."""
    assert hash_table(entry("sh", {A: 1, B: 1})).destination("192.0.2.1", 0) == B


def test_the_first_destination_of_the_list_leaves_sh_with_another_order() -> None:
    """With A, B and C, the buckets are C B A C B A ...; without C they are B A B A ...

    They agree where the remainder of the bucket by 6 is 4 or 5: in 42 buckets each.
    """
    share = moved_share(entry("sh", {A: 1, B: 1, C: 1}), entry("sh", {A: 1, B: 1}))
    assert share == (256 - 84) / 256


def test_mh_divides_its_buckets_by_weight() -> None:
    assert hash_table(entry("mh", {A: 1, B: 1})).shares() == {A: 2046 / 4093, B: 2047 / 4093}
    assert hash_table(entry("mh", {A: 30, B: 10})).shares() == {A: 3069 / 4093, B: 1024 / 4093}


def test_mh_prefers_the_same_buckets_after_a_change() -> None:
    """The flows of a destination that leaves move, and few others."""
    before = entry("mh", {A: 1, B: 1, C: 1})
    share = moved_share(before, entry("mh", {A: 1, B: 1}))
    assert share is not None
    assert 1 / 3 < share < 0.36


def test_a_failing_destination_of_mh_moves_its_own_flows_only() -> None:
    shares = {A: 1, B: 1, C: 1}
    before = entry("mh", dict.fromkeys((A, B, C), 1), shares)
    after = entry("mh", {A: 0, B: 1, C: 1}, shares)
    assert moved_share(before, after) == pytest.approx(1364 / 4093)
    # B gets the flows of C, and C those of B: half of the flows of A have moved twice.
    other = entry("mh", {A: 1, B: 0, C: 1}, shares)
    assert moved_share(after, other) == pytest.approx(2 / 3 - 1 / 6 + 1 / 6, abs=0.01)


@pytest.mark.parametrize("address", ["192.0.2.77", "2001:db8::4d"])
def test_a_flow_of_mh_keeps_its_destination(address: str) -> None:
    """Observed in Linux 6.1 for the address of version 4."""
    table = hash_table(entry("mh", {A: 1, B: 1, C: 1}))
    assert table.destination(address, 0) == table.destination(address, 0)
    assert table.destination(address, 0) in (A, B, C)


def test_schedulers_that_do_not_hash_have_no_prediction() -> None:
    assert moved_share(entry("rr", {A: 1}), entry("mh", {A: 1})) is None
    assert moved_share(entry("mh", {A: 0}), entry("mh", {A: 1})) is None
    assert moved_share(entry("sh", {}), entry("sh", {A: 1})) is None


def test_another_hash_scheduler_is_independent() -> None:
    share = moved_share(entry("sh", {A: 1, B: 1}), entry("mh", {A: 1, B: 1}))
    assert share == pytest.approx(0.5)
