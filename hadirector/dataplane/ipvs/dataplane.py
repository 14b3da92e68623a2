"""The kernel's IPVS as a dataplane."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from hadirector.dataplane.dataplane import Counters, DataplaneError, OperationFailure, Pool
from hadirector.dataplane.ipvs.codec import frames, messages
from hadirector.dataplane.ipvs.codec.failures import edit_instead, failure, is_gone
from hadirector.dataplane.ipvs.codec.fingerprint import pool_fingerprint
from hadirector.dataplane.ipvs.netlink import IpvsNetlink
from hadirector.dataplane.reconcile import Operation
from hadirector.dataplane.slices import Slices
from hadirector.model.ipvs import DestinationKey, Service, ServiceKey

Read = TypeVar("Read")

BATCH_OPERATIONS = 16
"""The loop runs between batches; their answers are far below what a socket buffers."""


class IpvsDataplane:
    """Reads and changes the IPVS table of this network namespace.

    Firewall mark and SCTP services are not in what is read: they are never ours. A conversation
    that broke off costs that one read or change; the next opens a new socket.
    """

    def __init__(self) -> None:
        self._netlink: IpvsNetlink | None = None
        self._in_use = asyncio.Lock()

    async def start(self) -> None:
        """See that the kernel has IPVS and lets us program it. Raises DataplaneError."""
        async with self._conversation() as netlink:
            await netlink.get(messages.get_information())

    async def read_services(
        self, keys: Collection[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, Service]:
        """Read what services there are: all, or those of the given ones. Raises DataplaneError."""
        async with self._conversation() as netlink:
            if keys is None:
                answers = await netlink.list_all(messages.list_services())
            else:
                found = [await netlink.get(messages.get_service(key)) for key in keys]
                answers = [answer for answer in found if answer is not None]
        return dict(read for answer in answers if (read := messages.read_service(answer)))

    async def read_pool(self, key: ServiceKey, fingerprint: int = 0) -> Pool | None:
        """Read the destinations of a service, in the order they were added.

        None where they are still those of this fingerprint: what is not read into values costs a
        twentieth. Raises DataplaneError.
        """
        async with self._conversation() as netlink:
            datagrams = await netlink.dump(messages.list_destinations(key))
        seen = pool_fingerprint(datagrams)
        if seen and seen == fingerprint:
            return None
        return Pool(await _oldest_first(datagrams, key, messages.read_destination), seen)

    async def read_counters(self, key: ServiceKey) -> Mapping[DestinationKey, Counters]:
        """Read how many connections every destination of a service has. Raises DataplaneError."""
        async with self._conversation() as netlink:
            datagrams = await netlink.dump(messages.list_destinations(key))
        return await _oldest_first(datagrams, key, messages.read_counters)

    async def apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        """Perform the operations in order, in batches.

        What is already there is edited instead of added, what is already gone counts as deleted.
        """
        failures: list[OperationFailure] = []
        slices = Slices()
        for start in range(0, len(operations), BATCH_OPERATIONS):
            await slices.pause()
            try:
                failures += await self._apply(operations[start : start + BATCH_OPERATIONS])
            except DataplaneError as error:
                failures += [OperationFailure(each, str(error)) for each in operations[start:]]
                break
        return failures

    async def withhold(self, addresses: frozenset[str]) -> None:
        """Do nothing: packets to an address that is not held do not arrive."""

    async def close(self) -> None:
        """Close the socket; the table stays as it is."""
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None

    async def _apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        async with self._conversation() as netlink:
            refused = await _perform(netlink, operations)
            edits = [edit for pair in refused if (edit := edit_instead(*pair))]
            refused = [pair for pair in refused if not edit_instead(*pair) and not is_gone(*pair)]
            refused += await _perform(netlink, edits)
        return [failure(*pair) for pair in refused]

    @contextlib.asynccontextmanager
    async def _conversation(self) -> AsyncIterator[IpvsNetlink]:
        async with self._in_use:
            if self._netlink is None:
                self._netlink = await IpvsNetlink.open()
            try:
                yield self._netlink
            except BaseException:
                # Answers still under way would stay in this socket's queues for ever.
                await self.close()
                raise


async def _oldest_first(
    datagrams: Sequence[bytes],
    service: ServiceKey,
    read: Callable[[bytes, ServiceKey], tuple[DestinationKey, Read]],
) -> dict[DestinationKey, Read]:
    """Read a dump of destinations; the kernel keeps the newest at the head of its list."""
    slices = Slices()
    pool: dict[DestinationKey, Read] = {}
    for datagram in reversed(datagrams):
        await slices.pause()
        for frame in reversed(tuple(frames.read(datagram))):
            key, held = read(frame.content, service)
            pool[key] = held
    return pool


async def _perform(
    netlink: IpvsNetlink, operations: Sequence[Operation]
) -> list[tuple[Operation, int]]:
    """Perform operations; return those that were refused, with the kernel's errno."""
    if not operations:
        return []
    written = [messages.requests(operation) for operation in operations]
    codes = iter(await netlink.perform([message for several in written for message in several]))
    outcomes = [[next(codes) for _ in several] for several in written]
    refusals = [next(filter(None, several), 0) for several in outcomes]
    return [(each, code) for each, code in zip(operations, refusals, strict=True) if code]
