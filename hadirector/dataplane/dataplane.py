"""The port through which the director changes a dataplane."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from hadirector.dataplane.reconcile import Operation
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    Service,
    ServiceEntry,
    ServiceKey,
    Table,
)


class OperationFailure(msgspec.Struct, frozen=True):
    """An operation that did not take, in words a person can act on."""

    operation: Operation
    error: str


class Traffic(msgspec.Struct, frozen=True, gc=False):
    """Connections, packets and bytes; ``in`` is towards the real server.

    What does not come back through this host (dr, tun) is not in ``out``.
    """

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


NO_TRAFFIC = Traffic()


class Counters(msgspec.Struct, frozen=True, gc=False):
    """What a destination carries at this moment, and has carried since it was added.

    Both are up to 2 s old; ``per_second`` is the kernel's own estimate, over some seconds.
    """

    weight: int
    active: int
    inactive: int
    total: Traffic = NO_TRAFFIC
    per_second: Traffic = NO_TRAFFIC


TableCounters = Mapping[ServiceKey, Mapping[DestinationKey, Counters]]


class Pool(msgspec.Struct, frozen=True, gc=False):
    """A service's destinations as they were read, in the order in which they were added.

    Equal fingerprints mean equal pools; 0 says nothing.
    """

    destinations: Mapping[DestinationKey, Destination]
    fingerprint: int = 0


class DataplaneError(Exception):
    """The dataplane cannot be used at all, or a whole read failed. The message says what to do."""


class Dataplane(Protocol):
    """Holds services and destinations and forwards traffic to them.

    Reads and writes never run at the same time: the dataplane serialises them.
    """

    async def start(self) -> None:
        """Get ready to read and apply. Raises DataplaneError."""

    async def read_services(
        self, keys: Collection[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, Service]:
        """What services there are: all, or those of the given ones. Raises DataplaneError."""

    async def read_pool(self, key: ServiceKey, fingerprint: int = 0) -> Pool | None:
        """The destinations of a service; None where they are still those of this fingerprint.

        There are none of a service that is not there. Raises DataplaneError.
        """

    async def read_counters(self, key: ServiceKey) -> Mapping[DestinationKey, Counters]:
        """What every destination of a service carries now. Raises DataplaneError."""

    async def apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        """Perform the operations in order; one that fails does not stop those after it."""

    async def withhold(self, addresses: frozenset[str]) -> None:
        """Stop serving these virtual addresses, and serve all others.

        They are the addresses of VRRP instances that are not ACTIVE here. A kernel dataplane need
        do nothing: packets to an address that is not held do not arrive. Connections that were
        begun before are left to end by themselves.
        """

    async def close(self) -> None:
        """Let go of sockets. Does not withdraw services."""


async def read_table(dataplane: Dataplane, keys: Collection[ServiceKey] | None = None) -> Table:
    """Read everything there is now, or of the given services those that exist.

    Raises DataplaneError.
    """
    table: dict[ServiceKey, ServiceEntry] = {}
    for key, service in (await dataplane.read_services(keys)).items():
        pool = await dataplane.read_pool(key)
        assert pool is not None, "without a fingerprint a pool is told"
        table[key] = ServiceEntry(service, pool.destinations)
    return table


async def read_all_counters(dataplane: Dataplane) -> TableCounters:
    """Read what every destination of every service carries now. Raises DataplaneError."""
    return {key: await dataplane.read_counters(key) for key in await dataplane.read_services()}
