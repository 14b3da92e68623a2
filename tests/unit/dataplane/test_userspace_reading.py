"""Reads of the userspace dataplane hold the event loop for no long time."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hadirector.dataplane.reconcile import AddDestination, AddService, DeleteDestination
from hadirector.dataplane.userspace import UserspaceDataplane
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceKey,
)
from tests.loop_turns import count_pauses

SERVICE = ServiceKey(Protocol.TCP, "127.0.0.1", 80)
IN = Destination(1, ForwardingMethod.NAT)
KEYS = [DestinationKey(f"10.0.{each // 250}.{1 + each % 250}", 80) for each in range(300)]


@pytest.fixture
async def dataplane() -> AsyncIterator[UserspaceDataplane]:
    """A dataplane with 300 destinations. It does not listen, because its address is withheld."""
    userspace = UserspaceDataplane()
    await userspace.withhold(frozenset({SERVICE.address}))
    added = [AddDestination(SERVICE, key, IN) for key in KEYS]
    assert not await userspace.apply([AddService(SERVICE, Service("rr")), *added])
    yield userspace
    await userspace.close()


async def test_the_counters_are_read_with_a_pause_at_each_destination(
    dataplane: UserspaceDataplane,
) -> None:
    counters, pauses = await count_pauses(dataplane.read_counters(SERVICE))
    assert list(counters) == KEYS
    assert pauses == 300


async def test_a_pool_that_did_not_change_is_not_read_again(
    dataplane: UserspaceDataplane,
) -> None:
    pool = await dataplane.read_pool(SERVICE)
    assert pool is not None
    assert list(pool.destinations) == KEYS
    assert await dataplane.read_pool(SERVICE, pool.fingerprint) is None
    await dataplane.apply([DeleteDestination(SERVICE, KEYS[0])])
    changed = await dataplane.read_pool(SERVICE, pool.fingerprint)
    assert changed is not None
    assert list(changed.destinations) == KEYS[1:]
    await dataplane.apply([AddDestination(SERVICE, KEYS[1], Destination(7, IN.forwarding))])
    assert await dataplane.read_pool(SERVICE, changed.fingerprint) is not None


async def test_a_service_that_is_added_again_has_another_fingerprint(
    dataplane: UserspaceDataplane,
) -> None:
    other = ServiceKey(Protocol.TCP, "127.0.0.1", 81)
    first = await dataplane.read_pool(SERVICE)
    await dataplane.apply([AddService(other, Service("rr")), AddDestination(other, KEYS[0], IN)])
    assert first is not None
    assert await dataplane.read_pool(other, first.fingerprint) is not None
