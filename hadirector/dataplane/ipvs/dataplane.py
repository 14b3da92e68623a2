"""The kernel's IPVS as a dataplane."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import TypeVar

from hadirector.dataplane.base import DataplaneError, Held, OperationFailure
from hadirector.dataplane.ipvs import messages
from hadirector.dataplane.ipvs.failures import edit_instead, failure, is_gone
from hadirector.dataplane.ipvs.netlink import IpvsNetlink
from hadirector.model import (
    DestinationKey,
    Service,
    ServiceEntry,
    ServiceKey,
    Table,
)
from hadirector.reconcile import Operation
from hadirector.slices import Slices

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

    async def start(self) -> None:
        """See that the kernel has IPVS and lets us program it. Raises DataplaneError."""
        async with self._conversation() as netlink:
            await netlink.get(messages.get_information())

    async def read(self, keys: Collection[ServiceKey] | None = None) -> Table:
        """Read the given services, or all. Destinations come in the order they were added.

        Raises DataplaneError.
        """
        table: dict[ServiceKey, ServiceEntry] = {}
        async with self._conversation() as netlink:
            for key, service in (await _services(netlink, keys)).items():
                destinations = await _pool(netlink, key, messages.read_destination)
                table[key] = ServiceEntry(service, destinations)
        return table

    async def read_counters(self) -> Held:
        """Read how many connections every destination has. Raises DataplaneError."""
        async with self._conversation() as netlink:
            return {
                key: await _pool(netlink, key, messages.read_counters)
                for key in await _services(netlink, None)
            }

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
        if self._netlink is None:
            self._netlink = await IpvsNetlink.open()
        try:
            yield self._netlink
        except BaseException:
            # Answers still under way would stay in this socket's queues for ever.
            await self.close()
            raise


async def _services(
    netlink: IpvsNetlink, keys: Collection[ServiceKey] | None
) -> dict[ServiceKey, Service]:
    if keys is None:
        answers = await netlink.list_all(messages.list_services())
    else:
        found = [await netlink.get(messages.get_service(key)) for key in keys]
        answers = [answer for answer in found if answer is not None]
    return dict(read for answer in answers if (read := messages.read_service(answer)))


async def _pool(
    netlink: IpvsNetlink,
    key: ServiceKey,
    read: Callable[[bytes, ServiceKey], tuple[DestinationKey, Read]],
) -> dict[DestinationKey, Read]:
    """Oldest first; the kernel keeps the newest at the head of its list."""
    answers = await netlink.list_all(messages.list_destinations(key))
    slices = Slices()
    pool: dict[DestinationKey, Read] = {}
    for answer in reversed(answers):
        await slices.pause()
        destination_key, held = read(answer, key)
        pool[destination_key] = held
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
