"""The interface that all dataplanes have, its errors, and the values that it returns."""

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
    """A failed operation, with a text for the operator: the cause and the remedy."""

    operation: Operation
    error: str


class Traffic(msgspec.Struct, frozen=True, gc=False):
    """Numbers of connections, packets and bytes; ``in`` is the direction towards the real server.

    With dr and tun, replies do not pass through this host, so ``out`` stays 0.
    """

    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


NO_TRAFFIC = Traffic()


class Counters(msgspec.Struct, frozen=True, gc=False):
    """The weight, connections and traffic of a destination.

    ``total`` counts since the destination was added. ``per_second`` is the kernel's estimate over
    a few seconds. The kernel updates both every 2 s.
    """

    weight: int
    active: int
    inactive: int
    total: Traffic = NO_TRAFFIC
    per_second: Traffic = NO_TRAFFIC


TableCounters = Mapping[ServiceKey, Mapping[DestinationKey, Counters]]


class Pool(msgspec.Struct, frozen=True, gc=False):
    """The destinations of a service, in the order in which they were added.

    The fingerprint is a hash of the settings: pools with equal fingerprints are equal. 0 means
    that there is no fingerprint.
    """

    destinations: Mapping[DestinationKey, Destination]
    fingerprint: int = 0


class DataplaneError(Exception):
    """The dataplane cannot be used, or a read failed. The message has the cause and the remedy."""


class DataplaneMissingError(DataplaneError):
    """The kernel does not have the dataplane, for example because IPVS is not built."""


class Dataplane(Protocol):
    """Holds services with destinations, and forwards traffic to them.

    Calls may overlap. The dataplane performs its reads and writes one after the other.
    """

    async def start(self) -> None:
        """Prepare to read and apply. Raises DataplaneError."""

    async def read_services(
        self, keys: Collection[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, Service]:
        """Read all services, or only the given services that exist. Raises DataplaneError."""

    async def read_pool(self, key: ServiceKey, fingerprint: int = 0) -> Pool | None:
        """Read the destinations of a service; return None if they still have this fingerprint.

        The pool of a service that does not exist is empty. Raises DataplaneError.
        """

    async def read_counters(self, key: ServiceKey) -> Mapping[DestinationKey, Counters]:
        """Read the counters of every destination of a service. Raises DataplaneError."""

    async def apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        """Perform the operations in order.

        Return the failures; a failure does not stop later operations.
        """

    async def withhold(self, addresses: frozenset[str]) -> None:
        """Stop serving these virtual addresses, and serve all others.

        These are the addresses of VRRP instances that are not ACTIVE on this host. A kernel
        dataplane does nothing, because packets to these addresses do not arrive. Existing
        connections continue.
        """

    async def close(self) -> None:
        """Close all sockets. Services are not removed."""


async def read_table(dataplane: Dataplane, keys: Collection[ServiceKey] | None = None) -> Table:
    """Read all services with their destinations, or only the existing ones of the given services.

    Raises DataplaneError.
    """
    table: dict[ServiceKey, ServiceEntry] = {}
    for key, service in (await dataplane.read_services(keys)).items():
        pool = await dataplane.read_pool(key)
        assert pool is not None, "a read without a fingerprint returns a pool"
        table[key] = ServiceEntry(service, pool.destinations)
    return table


async def read_all_counters(
    dataplane: Dataplane, keys: Collection[ServiceKey] | None = None
) -> TableCounters:
    """Read the counters of these services, or of all. Raises DataplaneError."""
    services = await dataplane.read_services(keys)
    return {key: await dataplane.read_counters(key) for key in services}
