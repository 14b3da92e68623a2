"""A dataplane that only logs the operations that a real dataplane would perform."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import assert_never

import structlog

from hadirector.dataplane.dataplane import Counters, OperationFailure, Pool
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
    describe,
)
from hadirector.model.ipvs import Destination, DestinationKey, Service, ServiceKey


class DryRunDataplane:
    """Logs each operation as ``would_apply`` and stores its result in memory.

    It forwards nothing.
    """

    def __init__(self) -> None:
        self._services: dict[ServiceKey, Service] = {}
        self._pools: dict[ServiceKey, dict[DestinationKey, Destination]] = {}
        self._log = structlog.get_logger()

    async def start(self) -> None:
        """Do nothing, because no preparation is needed."""

    async def read_services(
        self, keys: Collection[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, Service]:
        """Return the services that would exist."""
        return {
            key: service for key, service in self._services.items() if keys is None or key in keys
        }

    async def read_pool(self, key: ServiceKey, fingerprint: int = 0) -> Pool:  # noqa: ARG002  # there are no fingerprints
        """Return the destinations that would exist."""
        return Pool(dict(self._pools.get(key, {})))

    async def read_counters(self, key: ServiceKey) -> Mapping[DestinationKey, Counters]:
        """Return the weights of destinations that would exist. All other counters are 0."""
        pool = self._pools.get(key, {})
        return {key: Counters(destination.weight, 0, 0) for key, destination in pool.items()}

    async def apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        """Log the operations; no operation fails."""
        for operation in operations:
            self._log.info("would_apply", operation=describe(operation))
            self._store(operation)
            await asyncio.sleep(0)  # 10,000 lines take a second, and others need the loop
        return []

    async def withhold(self, addresses: frozenset[str]) -> None:
        """Do nothing, because no address is served."""

    async def close(self) -> None:
        """Do nothing, because there are no sockets."""

    def _store(self, operation: Operation) -> None:
        match operation:
            case AddService(key, service):
                self._services[key] = service
                self._pools[key] = {}
            case EditService(key, service):
                self._services[key] = service
            case DeleteService(key):
                del self._services[key], self._pools[key]
            case AddDestination(service_key, key, destination) | EditDestination(
                service_key, key, destination
            ):
                self._pools[service_key][key] = destination
            case DeleteDestination(service_key, key):
                del self._pools[service_key][key]
            case _:
                assert_never(operation)
