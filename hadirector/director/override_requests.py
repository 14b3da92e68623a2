"""Answers the requests of operators about overrides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from functools import partial
from heapq import nsmallest
from time import monotonic
from typing import Final, NamedTuple

from hadirector.dataplane.connections import connections
from hadirector.dataplane.dataplane import DataplaneError
from hadirector.dataplane.slices import Slices
from hadirector.director.objects import find_real_server, select_real_servers
from hadirector.director.observing import REFUSED
from hadirector.director.parts import Parts
from hadirector.director.request_errors import RequestError, StaleError, UnknownObjectError
from hadirector.host.sysctl import files
from hadirector.host.sysctl.rules import dotted_name
from hadirector.model.configuration import RealServer, VirtualServer
from hadirector.overrides.model import (
    Action,
    Author,
    Override,
    OverrideRequest,
    RealServerName,
    fingerprint,
    hashing_fault,
    persistence_fault,
)
from hadirector.overrides.registers import OVERRIDES_MAX
from hadirector.status.override_status import Knowledge, OverrideStatus, override_status

BULK_MAX: Final = 1000
"""Real servers that one request can change."""
EXPIRE_QUIESCENT_TEMPLATE: Final = "net/ipv4/vs/expire_quiescent_template"


class Precondition(NamedTuple):
    """The state that an override must have for a change.

    ``any_of`` are fingerprints; the current override must have one of these fingerprints.
    ``exists`` is whether there must be an override. None permits every state.
    """

    any_of: frozenset[str] | None = None
    exists: bool | None = None

    def check(self, name: RealServerName, current: Override | None) -> None:
        """Raise StaleError if the current override differs."""
        if self.exists is False and current is not None:
            raise StaleError(f"{name} has an override already: it is {current.description}")
        if self.exists is True and current is None:
            raise StaleError(f"{name} has no override")
        if self.any_of is not None and (current is None or fingerprint(current) not in self.any_of):
            state = f"it is {current.description}" if current else "it has no override"
            raise StaleError(f"{name} has changed: {state}")


NO_PRECONDITION: Final = Precondition()


class OverrideRequests:
    """Sets, shows and removes overrides. Every change is stored before it takes effect."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def count(self) -> int:
        """The number of overrides in force."""
        return len(self._parts.overrides.current)

    def resolve(self, name: str) -> RealServerName:
        """Return the full name of a real server, which may have no port. Raises RequestError.

        The full name of an override is enough, even if its real server is not configured.
        """
        first, _, second = name.partition("/")
        if (known := RealServerName(first, second)) in self._parts.overrides.current:
            return known
        server, real_server = find_real_server(self._parts.configuration, name)
        return RealServerName(server.name, real_server.name)

    async def select(self, virtual_server: str, real_server: str) -> list[RealServerName]:
        """Return the names of the real servers that two patterns select. Raises RequestError."""
        # A configuration never changes, so a thread can read it.
        found = await asyncio.to_thread(
            select_real_servers, self._parts.configuration, virtual_server, real_server
        )
        return [RealServerName(server.name, member.name) for server, member in found]

    async def select_overrides(
        self, virtual_server: str, real_server: str, action: Action | None
    ) -> list[RealServerName]:
        """Return the selected real servers that have an override, with this action if given.

        Raises RequestError if there is none.
        """
        current = self._parts.overrides.current
        found = [
            name
            for name in await self.select(virtual_server, real_server)
            if name in current and action in (None, current[name].action)
        ]
        if not found:
            raise UnknownObjectError("override of", real_server, map(str, current))
        return found

    async def set(
        self,
        names: Collection[RealServerName],
        request: OverrideRequest,
        author: Author,
        precondition: Precondition = NO_PRECONDITION,
    ) -> tuple[OverrideStatus, ...]:
        """Set an override for each of these real servers, or for none of them.

        Raises RequestError if the request makes no sense, or cannot be stored.
        """
        self._refuse_while_observing()
        if len(names) > BULK_MAX:
            raise RequestError(
                f"{len(names)} real servers are selected (expected at most {BULK_MAX})"
            )
        if faults := self._faults(names, request):
            raise RequestError("\n".join(faults))
        current = self._parts.overrides.current
        if len(current.keys() | set(names)) > OVERRIDES_MAX:
            raise RequestError(
                f"there are {len(current)} overrides already (expected at most {OVERRIDES_MAX});"
                " remove some first"
            )
        now = monotonic()
        overrides = [request.override(name, author, now) for name in names]
        if not await self._parts.sharing.has_room(overrides):
            raise RequestError(
                "the overrides would be too large to share with the peers; remove some, or set"
                " pair.overrides to local"
            )
        try:
            await self._parts.overrides.set(overrides, partial(_check, precondition, names))
        except OSError as error:
            raise RequestError(
                f"the overrides cannot be stored for the next start: {error}"
            ) from error
        await self._parts.sharing.wait()
        current = self._parts.overrides.current
        return await self.describe(
            {override.name: current.get(override.name, override) for override in overrides}
        )

    async def remove(
        self,
        names: Collection[RealServerName],
        author: Author,
        *,
        action: Action | None = None,
        reason: str = "",
        precondition: Precondition = NO_PRECONDITION,
    ) -> dict[RealServerName, Override]:
        """Remove the overrides of these real servers; return them. Raises RequestError.

        With an ``action``, an override with another action is refused.
        """
        current = self._parts.overrides.current
        found = {name: override for name in names if (override := current.get(name))}
        if missing := [name for name in names if name not in found]:
            raise UnknownObjectError("override of", str(missing[0]), map(str, current))
        for name, override in found.items():
            if action is not None and override.action is not action:
                raise RequestError(f"{name} is {override.description}")
        try:
            await self._parts.overrides.remove(
                found, author, reason=reason, check=partial(_check, precondition, names)
            )
        except OSError as error:
            raise RequestError(
                f"the overrides cannot be stored for the next start: {error}"
            ) from error
        return found

    async def wait_for_peers(self) -> dict[str, Knowledge]:
        """Wait a moment for the peers; return which of them has the latest order."""
        return await self._parts.sharing.wait()

    async def read(self, name: RealServerName) -> OverrideStatus:
        """Return the override of a real server. Raises UnknownObjectError."""
        current = self._parts.overrides.current
        if name not in current:
            raise UnknownObjectError("override of", str(name), map(str, current))
        [status] = await self.describe({name: current[name]})
        return status

    async def read_page(self, after: str, limit: int) -> tuple[OverrideStatus, ...]:
        """Return the first overrides whose names are after this name."""
        current = self._parts.overrides.current
        names = nsmallest(limit, (name for name in current if str(name) > after), key=str)
        return await self.describe({name: current[name] for name in names})

    async def describe(
        self, overrides: Mapping[RealServerName, Override]
    ) -> tuple[OverrideStatus, ...]:
        """Return the state of overrides, with the connections that their real servers have.

        The connections are not known while the dataplane does not answer.
        """
        configured = self._find_members(overrides)
        counts = await self._count_connections(configured)
        now, utc = monotonic(), time.time()  # noqa: TID251  # shown as a date
        statuses, slices = [], Slices()
        for name, override in sorted(overrides.items(), key=lambda item: str(item[0])):
            statuses.append(
                override_status(
                    override,
                    configured=name in configured,
                    connections=counts.get(name),
                    peers=self._parts.sharing.describe(override.stamp),
                    now=now,
                    utc=utc,
                )
            )
            await slices.pause()
        return tuple(statuses)

    def _find_members(
        self, names: Collection[RealServerName]
    ) -> dict[RealServerName, tuple[VirtualServer, RealServer]]:
        wanted = {name.virtual_server for name in names}
        return {
            name: (server, member)
            for server in self._parts.configuration.virtual_servers
            if server.name in wanted
            for member in server.real_servers
            if (name := RealServerName(server.name, member.name)) in names
        }

    async def _count_connections(
        self, found: Mapping[RealServerName, tuple[VirtualServer, RealServer]]
    ) -> dict[RealServerName, int | None]:
        keys = {key for server, _ in found.values() for key in server.keys}
        if not keys:
            return {}
        try:
            table = await self._parts.table_reconciler.read_counters(sorted(keys))
        except DataplaneError:
            return {}
        return {
            name: connections(server, member, table) for name, (server, member) in found.items()
        }

    def _faults(self, names: Collection[RealServerName], request: OverrideRequest) -> list[str]:
        """Return why the request makes no sense for these real servers, each fault once."""
        if contradiction := request.contradiction():
            return [contradiction]
        if request.keep_clients is None:
            return self._hashing_faults(names, request)
        value = files.read([EXPIRE_QUIESCENT_TEMPLATE])[EXPIRE_QUIESCENT_TEMPLATE]
        sysctl = dotted_name(EXPIRE_QUIESCENT_TEMPLATE)
        wanted = {name.virtual_server for name in names}
        return [
            fault
            for server in self._parts.configuration.virtual_servers
            if server.name in wanted
            and (fault := persistence_fault(server, request, sysctl, value)) is not None
        ]

    def _hashing_faults(
        self, names: Collection[RealServerName], request: OverrideRequest
    ) -> list[str]:
        announcement = self._parts.configuration.announce
        announced = () if announcement is None else announcement.addresses
        wanted = {name.virtual_server for name in names}
        return [
            fault
            for server in self._parts.configuration.virtual_servers
            if server.name in wanted
            and (fault := hashing_fault(server, request, announced)) is not None
        ]

    def _refuse_while_observing(self) -> None:
        if self._parts.configuration.observing:
            raise RequestError(REFUSED)


def _check(
    precondition: Precondition,
    names: Collection[RealServerName],
    current: Mapping[RealServerName, Override],
) -> None:
    for name in names:
        precondition.check(name, current.get(name))
