"""The dataplane that uses IPVS in the kernel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from time import monotonic
from typing import TypeVar

from hadirector.dataplane.dataplane import (
    Counters,
    DataplaneError,
    DataplaneMissingError,
    OperationFailure,
    Pool,
)
from hadirector.dataplane.ipvs.codec import frames, messages
from hadirector.dataplane.ipvs.codec.failures import edit_instead, failure, is_gone
from hadirector.dataplane.ipvs.codec.fingerprint import pool_fingerprint
from hadirector.dataplane.ipvs.netlink import IpvsNetlink
from hadirector.dataplane.reconcile import Operation
from hadirector.dataplane.slices import Slices
from hadirector.model.ipvs import DestinationKey, Service, ServiceKey

Read = TypeVar("Read")

MISSING_SECONDS = 60.0
"""For this time, reads do not look again for a missing IPVS. A change does."""
BATCH_OPERATIONS = 16
"""The loop runs between batches. The answers to a batch fit into the buffer of a socket."""


class IpvsDataplane:
    """Reads and changes the IPVS table of this network namespace.

    Services of protocols other than TCP, UDP and SCTP are foreign, and reads leave them out.
    After an error the socket is closed, and the next read or change opens a new socket.

    On a kernel without IPVS, the table is empty and each change fails. With ``required``,
    `start` raises an error on such a kernel.
    """

    def __init__(self, *, required: bool = True) -> None:
        self._required = required
        self._missing_until = 0.0
        self._netlink: IpvsNetlink | None = None
        self._in_use = asyncio.Lock()

    async def start(self) -> None:
        """Check that the kernel has IPVS and permits changes. Raises DataplaneError."""
        try:
            async with self._connection() as netlink:
                await netlink.get(messages.get_information())
        except DataplaneMissingError:
            if self._required:
                raise

    async def read_services(
        self, keys: Collection[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, Service]:
        """Read all services, or only the given services that exist. Raises DataplaneError."""
        # Each attempt to open the connection makes a kernel without IPVS look for its module.
        if monotonic() < self._missing_until:
            return {}
        try:
            async with self._connection() as netlink:
                if keys is None:
                    answers = await netlink.list_all(messages.list_services())
                else:
                    found = [await netlink.get(messages.get_service(key)) for key in keys]
                    answers = [answer for answer in found if answer is not None]
        except DataplaneMissingError:
            self._missing_until = monotonic() + MISSING_SECONDS
            return {}
        return dict(read for answer in answers if (read := messages.read_service(answer)))

    async def read_pool(self, key: ServiceKey, fingerprint: int = 0) -> Pool | None:
        """Read the destinations of a service, in the order in which they were added.

        Return None if the destinations have not changed since ``fingerprint``. Then they are not
        decoded, which takes a twentieth of the time.
        Raises DataplaneError.
        """
        async with self._connection() as netlink:
            datagrams = await netlink.dump(messages.list_destinations(key))
        actual = pool_fingerprint(datagrams)
        if actual and actual == fingerprint:
            return None
        return Pool(await _oldest_first(datagrams, key, messages.read_destination), actual)

    async def read_counters(self, key: ServiceKey) -> Mapping[DestinationKey, Counters]:
        """Read the counters of every destination of a service. Raises DataplaneError."""
        async with self._connection() as netlink:
            datagrams = await netlink.dump(messages.list_destinations(key))
        return await _oldest_first(datagrams, key, messages.read_counters)

    async def apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        """Perform the operations in order, in batches.

        An addition of a service or destination that exists becomes an edit. The deletion of a
        missing service or destination succeeds.
        """
        failures: list[OperationFailure] = []
        slices = Slices()
        for start in range(0, len(operations), BATCH_OPERATIONS):
            await slices.pause()
            try:
                failures += await self._apply(operations[start : start + BATCH_OPERATIONS])
            except DataplaneError as error:
                rest = operations[start:]
                failures += [OperationFailure(operation, str(error)) for operation in rest]
                break
        return failures

    async def withhold(self, addresses: frozenset[str]) -> None:
        """Do nothing, because packets to addresses that this host does not hold do not arrive."""

    async def close(self) -> None:
        """Close the socket. The table does not change."""
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None

    async def _apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        async with self._connection() as netlink:
            refused = await _perform(netlink, operations)
            edits = [edit for pair in refused if (edit := edit_instead(*pair))]
            refused = [pair for pair in refused if not edit_instead(*pair) and not is_gone(*pair)]
            refused += await _perform(netlink, edits)
        return [failure(*pair) for pair in refused]

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[IpvsNetlink]:
        async with self._in_use:
            if self._netlink is None:
                self._netlink = await IpvsNetlink.open()
                self._missing_until = 0.0
            try:
                yield self._netlink
            except BaseException:
                # Answers to an interrupted request would be taken for answers to the next one.
                await self.close()
                raise


async def _oldest_first(
    datagrams: Sequence[bytes],
    service: ServiceKey,
    read: Callable[[bytes, ServiceKey], tuple[DestinationKey, Read]],
) -> dict[DestinationKey, Read]:
    """Decode a dump of destinations, in reverse: the kernel lists the newest destination first."""
    slices = Slices()
    pool: dict[DestinationKey, Read] = {}
    for datagram in reversed(datagrams):
        await slices.pause()
        for frame in reversed(tuple(frames.read(datagram))):
            key, value = read(frame.content, service)
            pool[key] = value
    return pool


async def _perform(
    netlink: IpvsNetlink, operations: Sequence[Operation]
) -> list[tuple[Operation, int]]:
    """Perform operations; return the refused operations, each with the errno of the kernel."""
    if not operations:
        return []
    batches = [messages.requests(operation) for operation in operations]
    codes = iter(await netlink.perform([request for batch in batches for request in batch]))
    results = [[next(codes) for _ in batch] for batch in batches]
    first_codes = [next(filter(None, result), 0) for result in results]
    pairs = zip(operations, first_codes, strict=True)
    return [(operation, code) for operation, code in pairs if code]
