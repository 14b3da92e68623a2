"""Real servers that leave and join by a reload or a start, in the wanted table."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from hadirector.model.configuration import Configuration, RealServer
from hadirector.model.ipvs import Destination, DestinationKey, Service, ServiceEntry
from tests.unit.director.seam import (
    NAT,
    ONE,
    PASSED,
    REFUSED,
    SILENT,
    TWO,
    WEB,
    Seam,
    check,
    configuration,
)

THREE = DestinationKey("192.0.2.47", 80)
FOUR = DestinationKey("192.0.2.48", 80)


def only(directory: Path, *keys: DestinationKey) -> Configuration:
    """The configuration with these real servers."""
    whole = configuration(directory, 2.0)
    [web] = whole.virtual_servers
    servers = tuple(RealServer(key=key, check=check(key, 2.0)) for key in keys)
    return replace(whole, virtual_servers=(replace(web, real_servers=servers),))


async def test_a_reload_that_replaces_the_pool_does_not_empty_it(
    seam: Seam, tmp_path: Path
) -> None:
    """The old real servers stay until the new one passes, and another reload continues the hold."""
    for _ in range(2):
        await seam.reload(only(tmp_path, THREE))
        assert seam.weights == {ONE: 1}
    await seam.verdict(THREE, PASSED)
    assert seam.weights == {ONE: 0, THREE: 1}


async def test_a_replaced_pool_that_is_restored_goes_on_as_before(
    seam: Seam, tmp_path: Path
) -> None:
    await seam.reload(only(tmp_path, THREE))
    await seam.reload(only(tmp_path, ONE))
    assert seam.weights == {ONE: 1}
    assert seam.parts.pools.judgements["web"].hold.outgoing is None


async def test_a_pool_whose_successors_all_fail_is_left(seam: Seam, tmp_path: Path) -> None:
    await seam.reload(only(tmp_path, THREE))
    await seam.verdict(THREE, REFUSED)
    assert seam.weights == {ONE: 0}


async def test_a_blind_director_does_not_empty_a_replaced_pool(seam: Seam, tmp_path: Path) -> None:
    await seam.reload(only(tmp_path, THREE, FOUR))
    for key in (THREE, FOUR):
        await seam.verdict(key, SILENT)
    assert seam.parts.health.blindness.blind
    assert seam.weights == {ONE: 1}
    await seam.verdict(THREE, PASSED)
    assert not seam.parts.health.blindness.blind
    assert seam.weights == {ONE: 0, THREE: 1}


async def test_the_time_limit_of_a_hold_is_a_change_by_time_alone(
    seam: Seam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hadirector.pools.outgoing.FIRST_PROBES_SECONDS", -0.5)
    monkeypatch.setattr("hadirector.pools.outgoing.DRAIN_SECONDS", 0.1)
    await seam.reload(only(tmp_path, THREE))
    assert seam.weights == {ONE: 1}
    waking = asyncio.create_task(seam.parts.pools.run(seam.queue.put))
    async with asyncio.timeout(30):
        await seam.dispatcher.handle(await seam.queue.get())
    assert seam.weights == {ONE: 0}
    async with asyncio.timeout(30):
        await seam.dispatcher.handle(await seam.queue.get())
    waking.cancel()
    assert seam.weights == {}


async def test_a_start_with_another_pool_than_in_the_table_does_not_empty_it(
    tmp_path: Path,
) -> None:
    """For example a restart after the file has changed, or the first start after keepalived."""
    seam = Seam(only(tmp_path, THREE))
    seam.dispatcher.adopt({WEB: ServiceEntry(Service("rr"), {ONE: Destination(1, NAT)})})
    assert seam.weights == {ONE: 1}
    await seam.verdict(THREE, PASSED)
    assert seam.weights == {ONE: 0, THREE: 1}


async def test_a_reload_does_not_shorten_a_drain(seam: Seam, tmp_path: Path) -> None:
    """Nor does it bring a drained real server back, unless it is configured again."""
    await seam.reload(only(tmp_path, THREE))
    await seam.verdict(THREE, PASSED)
    until = seam.parts.pools.outgoing["web"].drained_at
    await seam.reload(only(tmp_path, THREE))
    assert seam.weights == {ONE: 0, THREE: 1}
    assert seam.parts.pools.outgoing["web"].drained_at == until
    await seam.reload(only(tmp_path, THREE, ONE))
    assert seam.parts.pools.outgoing == {}
    await seam.verdict(ONE, PASSED)
    assert seam.weights == {ONE: 1, THREE: 1}


async def test_a_real_server_that_is_only_removed_drains(seam: Seam, tmp_path: Path) -> None:
    await seam.verdict(TWO, PASSED)
    await seam.reload(only(tmp_path, TWO))
    assert seam.weights == {ONE: 0, TWO: 1}


async def test_a_drained_server_that_comes_back_has_not_failed(seam: Seam, tmp_path: Path) -> None:
    """Its weight is 0, but its verdict is unknown, so the outgoing server stays."""
    await seam.reload(only(tmp_path, THREE))
    await seam.verdict(THREE, PASSED)
    assert seam.weights == {ONE: 0, THREE: 1}
    await seam.reload(only(tmp_path, ONE))
    assert seam.weights == {THREE: 1}
    await seam.verdict(ONE, PASSED)
    assert seam.weights == {THREE: 0, ONE: 1}
