"""A small dataplane in memory, for tests of its reconciler."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from hadirector.dataplane.dataplane import Counters, DataplaneError, OperationFailure, Pool
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
)
from hadirector.model.ipvs import DestinationKey, Service, ServiceEntry, ServiceKey


class MemoryDataplane:
    """A table, with attributes that make reads and operations fail."""

    def __init__(self) -> None:
        self.table: dict[ServiceKey, ServiceEntry] = {}
        self.broken = False
        self.refuse: Callable[[Operation], bool] = lambda operation: False
        self.takes_fingerprints = False
        self.reads: list[frozenset[ServiceKey] | None] = []
        self.pools_read = 0
        self.unchanged_reads = 0

    async def start(self) -> None: ...

    async def read_services(
        self, keys: Collection[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, Service]:
        self.reads.append(None if keys is None else frozenset(keys))
        if self.broken:
            raise DataplaneError("broken")
        return {k: v.service for k, v in self.table.items() if keys is None or k in keys}

    async def read_pool(self, key: ServiceKey, fingerprint: int = 0) -> Pool | None:
        self.pools_read += 1
        entry = self.table.get(key)
        destinations = {} if entry is None else entry.destinations
        actual = hash(repr(destinations)) if self.takes_fingerprints else 0
        if actual and actual == fingerprint:
            self.unchanged_reads += 1
            return None
        return Pool(destinations, actual)

    async def read_counters(self, key: ServiceKey) -> Mapping[DestinationKey, Counters]:
        return {}

    async def apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        failures = []
        for operation in operations:
            if self.refuse(operation):
                failures.append(OperationFailure(operation, "refused"))
            else:
                self._perform(operation)
        return failures

    def _perform(self, operation: Operation) -> None:
        match operation:
            case AddService(key, service):
                self.table[key] = ServiceEntry(service, {})
            case EditService(key, service):
                self.table[key] = ServiceEntry(service, self.table[key].destinations)
            case DeleteService(key):
                del self.table[key]
            case AddDestination(service, key, destination) | EditDestination(
                service, key, destination
            ):
                entry = self.table[service]
                self.table[service] = ServiceEntry(
                    entry.service, {**entry.destinations, key: destination}
                )
            case DeleteDestination(service, key):
                entry = self.table[service]
                rest = {k: v for k, v in entry.destinations.items() if k != key}
                self.table[service] = ServiceEntry(entry.service, rest)

    async def withhold(self, addresses: frozenset[str]) -> None: ...

    async def close(self) -> None: ...
