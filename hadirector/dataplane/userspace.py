"""A dataplane in this process: it listens on the virtual addresses and relays TCP connections.

It needs no privilege and no kernel module, knows TCP only, and serves an address only while it is
not withheld. Connections end with the process.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Collection, Mapping, Sequence
from typing import assert_never

from hadirector.dataplane.balance import SCHEDULERS, Offer, balancer
from hadirector.dataplane.dataplane import Counters, OperationFailure, Pool
from hadirector.dataplane.listener import LINGER_SECONDS, Listener
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
)
from hadirector.dataplane.relay import relay, reset
from hadirector.model.ipvs import Destination, DestinationKey, Protocol, Service, ServiceKey

CONNECTIONS_MAX = 4096
CLOSE_SECONDS_MAX = 1.0


class OperationRefusedError(Exception):
    """An operation that cannot be done here; the message says why."""


class RelayedService:
    """One virtual service: what it is, its destinations, its listener and its connections."""

    def __init__(self, key: ServiceKey, service: Service) -> None:
        self.key = key
        self.service = service
        self.destinations: dict[DestinationKey, Destination] = {}
        self.active: dict[DestinationKey, int] = {}
        self.connections: set[asyncio.Task[None]] = set()
        self._balancer = balancer(service.scheduler)
        self._listener: Listener | None = None

    @property
    def listening(self) -> bool:
        """True while connections are accepted, a leaving listener's included."""
        return self._listener is not None and not self._listener.closed

    @property
    def leaving(self) -> bool:
        """True while the listener lingers on its way out."""
        return self._listener is not None and self._listener.lingering

    @property
    def finished(self) -> bool:
        """True when nothing is left of it: no listener and no connection."""
        return not self.listening and not self.connections

    def edit(self, service: Service) -> None:
        """Take other settings; connections go on."""
        self._balancer = balancer(service.scheduler)
        self.service = service

    def open(self) -> None:
        """Listen, or go on listening. Raises OSError."""
        if self._listener is not None and not self._listener.closed:
            self._listener.stay()
        else:
            self._listener = Listener(self.key.address, self.key.port, self._accepted)

    def leave(self) -> None:
        """Stop listening without losing anybody."""
        if self._listener is not None:
            self._listener.leave()

    def close(self) -> None:
        """Stop listening now. Connections go on."""
        if self._listener is not None:
            self._listener.close()

    def _accepted(self, client: socket.socket) -> None:
        """Start a connection; at ``CONNECTIONS_MAX``, or with nowhere to go, reset the client."""
        offers = [
            Offer(key, destination.weight, self.active.get(key, 0))
            for key, destination in self.destinations.items()
            if destination.weight > 0
        ]
        if not offers or len(self.connections) >= CONNECTIONS_MAX:
            reset(client)
            return
        chosen = self._balancer.choose(offers)
        self.active[chosen] = self.active.get(chosen, 0) + 1
        connection = asyncio.create_task(relay(client, chosen))
        self.connections.add(connection)
        connection.add_done_callback(functools.partial(self._ended, client, chosen))

    def _ended(
        self, client: socket.socket, destination: DestinationKey, connection: asyncio.Task[None]
    ) -> None:
        client.close()  # cancelled before its first step, the relay has not closed it
        self.connections.discard(connection)
        self.active[destination] -= 1
        if not self.active[destination]:
            del self.active[destination]


class UserspaceDataplane:
    """The dataplane port over ``RelayedService``."""

    def __init__(self) -> None:
        self._services: dict[ServiceKey, RelayedService] = {}
        self._withheld: frozenset[str] = frozenset()
        self._deleted: list[RelayedService] = []

    async def start(self) -> None:
        """Nothing to get ready."""

    async def read_services(
        self, keys: Collection[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, Service]:
        """What is there. A service that should listen and could not is not there, so that the
        next pass adds it again and its failure is reported.
        """
        return {
            key: served.service
            for key, served in self._services.items()
            if (keys is None or key in keys) and (served.listening or key.address in self._withheld)
        }

    async def read_pool(self, key: ServiceKey, fingerprint: int = 0) -> Pool:  # noqa: ARG002  # none is ever told
        """Where a service relays to."""
        served = self._services.get(key)
        return Pool({} if served is None else dict(served.destinations))

    async def read_counters(self, key: ServiceKey) -> Mapping[DestinationKey, Counters]:
        """What every destination carries now. There are no inactive connections here."""
        served = self._services.get(key)
        if served is None:
            return {}
        return {
            each: Counters(destination.weight, served.active.get(each, 0), inactive=0)
            for each, destination in served.destinations.items()
        }

    async def apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        """Perform the operations in order; one that fails does not stop those after it."""
        failures = []
        for operation in operations:
            try:
                self._perform(operation)
            except OperationRefusedError as error:
                failures.append(OperationFailure(operation, str(error)))
        return failures

    async def withhold(self, addresses: frozenset[str]) -> None:
        """Stop listening on these virtual addresses, and listen on all others.

        A service that cannot listen is missing from what is read next.
        """
        self._withheld = addresses
        for key, served in self._services.items():
            try:
                self._listen_if_wanted(key, served)
            except OperationRefusedError:
                continue

    async def close(self) -> None:
        """Let go of sockets; connections have 1 s to end."""
        services = [*self._services.values(), *self._deleted]
        if any(served.leaving for served in services):
            await asyncio.sleep(LINGER_SECONDS)
        for served in services:
            served.close()
        connections = set[asyncio.Task[None]]().union(*(served.connections for served in services))
        if connections:
            _, unfinished = await asyncio.wait(connections, timeout=CLOSE_SECONDS_MAX)
            for connection in unfinished:
                connection.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        self._services.clear()

    def _perform(self, operation: Operation) -> None:
        match operation:
            case AddService():
                self._add_service(operation.key, operation.service)
            case EditService():
                _refuse_unsupported(operation.key, operation.service)
                self._service(operation.key).edit(operation.service)
            case DeleteService():
                self._delete_service(operation.key)
            case AddDestination() | EditDestination():
                self._service(operation.service).destinations[operation.key] = operation.destination
            case DeleteDestination():
                self._service(operation.service).destinations.pop(operation.key, None)
            case _:
                assert_never(operation)

    def _add_service(self, key: ServiceKey, service: Service) -> None:
        _refuse_unsupported(key, service)
        served = self._services.get(key)
        if served is None:
            served = self._services[key] = RelayedService(key, service)
        else:
            served.edit(service)
        self._listen_if_wanted(key, served)

    def _delete_service(self, key: ServiceKey) -> None:
        """Forget a service. A listener on its way out stays for its successor's sake."""
        served = self._service(key)
        if not served.leaving:
            served.close()
        del self._services[key]
        self._deleted = [each for each in (*self._deleted, served) if not each.finished]

    def _service(self, key: ServiceKey) -> RelayedService:
        try:
            return self._services[key]
        except KeyError:
            raise OperationRefusedError(f"{key}: no such service") from None

    def _listen_if_wanted(self, key: ServiceKey, served: RelayedService) -> None:
        if key.address in self._withheld:
            served.leave()
            return
        try:
            served.open()
        except OSError as error:
            raise OperationRefusedError(f"cannot listen on {key}: {error.strerror}") from error


def _refuse_unsupported(key: ServiceKey, service: Service) -> None:
    if key.protocol is not Protocol.TCP:
        raise OperationRefusedError(f"{key}: the userspace dataplane relays tcp only")
    if service.scheduler not in SCHEDULERS:
        raise OperationRefusedError(
            f"{key}: the userspace dataplane has no scheduler {service.scheduler!r}; "
            f"it has {', '.join(SCHEDULERS)}"
        )
    if service.persistence:
        raise OperationRefusedError(f"{key}: the userspace dataplane has no persistence")
