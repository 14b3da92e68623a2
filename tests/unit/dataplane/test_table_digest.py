"""The digest changes with everything that shapes a hash table, and with nothing else."""

from __future__ import annotations

import pytest

from hadirector.dataplane.table_digest import table_digest
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

WEB = ServiceKey(Protocol.TCP, "203.0.113.1", 80)
ONE, TWO = (DestinationKey(f"192.0.2.{number}", 80) for number in (1, 2))
MH = Service("mh", frozenset({SchedulerFlag.FALLBACK}))


def table(*weights: int, shares: tuple[int, int] = (1, 1), service: Service = MH) -> Table:
    destinations = {
        key: Destination(weight, ForwardingMethod.DR)
        for key, weight in zip((ONE, TWO), weights, strict=False)
    }
    return {WEB: ServiceEntry(service, destinations, dict(zip((ONE, TWO), shares, strict=True)))}


BEFORE = table_digest(table(1, 1), "12")


def test_a_failing_server_keeps_its_part() -> None:
    assert table_digest(table(1, 0), "12") == BEFORE
    assert len(BEFORE) == 64


@pytest.mark.parametrize(
    ("changed", "bits"),
    [
        (table(1), "12"),
        (table(1, 2), "12"),
        (table(1, 0, shares=(1, 2)), "12"),
        (table(1, 1, service=Service("mh", frozenset(SchedulerFlag))), "12"),
        (table(1, 1, service=Service("sh", MH.flags)), "12"),
        (table(1, 1), "16"),
    ],
    ids=["membership", "weight", "share", "flag", "scheduler", "table bits"],
)
def test_a_change_of_the_shape_changes_the_digest(changed: Table, bits: str) -> None:
    assert table_digest(changed, bits) != BEFORE


def test_other_services_do_not_count() -> None:
    other = ServiceKey(Protocol.TCP, "203.0.113.9", 80)
    wrr = ServiceEntry(Service("wrr"), {ONE: Destination(1, ForwardingMethod.DR)})
    assert table_digest({other: wrr, **table(1, 1)}, "12") == BEFORE
    assert table_digest({other: wrr}, "12") == ""
