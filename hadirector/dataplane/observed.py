"""A dataplane that is only read, because another program changes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from hadirector.dataplane.dataplane import Counters, Dataplane, OperationFailure, Pool
from hadirector.dataplane.reconcile import Operation
from hadirector.model.ipvs import DestinationKey, Service, ServiceKey

NOT_APPLIED: Final = "not applied: this director only observes"


class ObservedDataplane:
    """Reads another dataplane.

    Every operation fails, and so appears as a difference in the status.
    """

    def __init__(self, observed: Dataplane) -> None:
        self._observed = observed

    async def start(self) -> None:
        """Prepare to read. Raises DataplaneError."""
        await self._observed.start()

    async def read_services(
        self, keys: Collection[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, Service]:
        """Read all services, or only the given services that exist. Raises DataplaneError."""
        return await self._observed.read_services(keys)

    async def read_pool(self, key: ServiceKey, fingerprint: int = 0) -> Pool | None:
        """Read the destinations of a service (`Dataplane.read_pool`). Raises DataplaneError."""
        return await self._observed.read_pool(key, fingerprint)

    async def read_counters(self, key: ServiceKey) -> Mapping[DestinationKey, Counters]:
        """Read the counters of every destination of a service. Raises DataplaneError."""
        return await self._observed.read_counters(key)

    async def apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        """Change nothing: return every operation as a failure."""
        return [OperationFailure(operation, NOT_APPLIED) for operation in operations]

    async def withhold(self, addresses: frozenset[str]) -> None:
        """Do nothing, because the other program serves the addresses."""

    async def close(self) -> None:
        """Close the observed dataplane. Its services stay in the kernel."""
        await self._observed.close()
