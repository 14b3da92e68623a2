"""The connections are counted at a limited cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.dataplane.dataplane import Counters, DataplaneError
from hadirector.director import connection_counts as module
from hadirector.director.connection_counts import ConnectionCounts
from hadirector.director.parts import Parts
from hadirector.model.ipvs import DestinationKey, ServiceKey
from tests.unit.director.seam import ONE, WEB, Seam, configuration
from vrrp.model.report import State


class Table:
    """A table whose reading takes 0.1 s, as with 10,000 real servers."""

    now = 100.0
    readings = 0
    connections = 5
    fails = False

    async def read_counters(self) -> dict[ServiceKey, dict[DestinationKey, Counters]]:
        self.readings += 1
        self.now += 0.1
        if self.fails:
            raise DataplaneError("no answer")
        return {WEB: {ONE: Counters(1, self.connections, 2)}}


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def parts(tmp_path: Path, table: Table, monkeypatch: pytest.MonkeyPatch) -> Parts:
    monkeypatch.setattr(module, "monotonic", lambda: table.now)
    made = Seam(configuration(tmp_path, 2.0)).parts
    monkeypatch.setattr(made.table_reconciler, "read_counters", table.read_counters)
    return made


async def test_a_role_that_changes_again_and_again_costs_a_tenth_of_the_time(
    parts: Parts, table: Table
) -> None:
    counts = ConnectionCounts(parts)
    began = table.now
    for number in range(100):
        parts.election.states["web"] = State.ACTIVE if number % 2 else State.BACKUP
        await counts.current()
        table.now += 0.1
    assert table.now - began == pytest.approx(11.0, abs=0.2)
    assert table.readings == 10


async def test_a_change_of_a_role_is_followed_by_a_reading_before_the_next_regular_one(
    parts: Parts, table: Table
) -> None:
    counts = ConnectionCounts(parts)
    assert await counts.current() == {"web": 7}
    table.connections = 8
    table.now += 1.5
    assert await counts.current() == {"web": 7}
    parts.election.states["web"] = State.ACTIVE
    assert await counts.current() == {"web": 10}
    assert table.readings == 2


async def test_a_change_of_a_role_during_a_failed_reading_is_not_forgotten(
    parts: Parts, table: Table
) -> None:
    counts = ConnectionCounts(parts)
    assert await counts.current() == {"web": 7}
    table.now += 1.5
    parts.election.states["web"] = State.ACTIVE
    table.fails = True
    assert await counts.current() == {"web": 7}
    table.fails, table.connections = False, 8
    table.now += 1.5
    assert await counts.current() == {"web": 10}
