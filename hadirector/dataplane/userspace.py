"""A dataplane in this process, for trials: it listens on virtual addresses and relays TCP.

It needs no privileges and no kernel module. It supports TCP only, and at most 4096 connections per
service. A number of file descriptors is reserved for the director. A connection that would need one
of them is reset. Connections end with the process. Every address is served unless it is withheld.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import socket
from collections.abc import Collection, Mapping, Sequence
from typing import Final, assert_never

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
from hadirector.dataplane.relay import ReservedError, open_towards, relay, reset
from hadirector.dataplane.slices import Slices
from hadirector.model.ipvs import Destination, DestinationKey, Protocol, Service, ServiceKey
from hadirector.runtime.shortage import ShortageLog

CONNECTIONS_MAX = 4096
CLOSE_SECONDS_MAX = 1.0

_fingerprints: Final = itertools.count(1)
"""The destinations of a service get a new number with each change, since no other program changes
them."""


class OperationRefusedError(Exception):
    """This dataplane cannot perform an operation. The message has the reason."""


class RelayedService:
    """One service: its settings, destinations, listener and connections."""

    def __init__(self, key: ServiceKey, service: Service) -> None:
        self.key = key
        self.service = service
        self.destinations: dict[DestinationKey, Destination] = {}
        self.fingerprint = next(_fingerprints)
        self.active: dict[DestinationKey, int] = {}
        self.connections: set[asyncio.Task[None]] = set()
        self._balancer = balancer(service.scheduler)
        self._listener: Listener | None = None
        self._shortage = ShortageLog(
            "connections_refused", "connections_relayed_again", service=str(key)
        )

    @property
    def listening(self) -> bool:
        """Whether the service accepts connections. After `leave`, it accepts its last ones."""
        return self._listener is not None and not self._listener.closed

    @property
    def leaving(self) -> bool:
        """Whether the listener accepts its last connections and then closes."""
        return self._listener is not None and self._listener.lingering

    @property
    def finished(self) -> bool:
        """Whether the service has neither a listener nor a connection."""
        return not self.listening and not self.connections

    def edit(self, service: Service) -> None:
        """Change the settings; connections continue."""
        self._balancer = balancer(service.scheduler)
        self.service = service

    def set(self, key: DestinationKey, destination: Destination) -> None:
        """Add a destination, or change its settings; its connections continue."""
        self.destinations[key] = destination
        self.fingerprint = next(_fingerprints)

    def remove(self, key: DestinationKey) -> None:
        """Remove a destination, if it exists; its connections continue."""
        self.destinations.pop(key, None)
        self.fingerprint = next(_fingerprints)

    def open(self) -> None:
        """Listen, or continue to listen. Raises OSError."""
        if self._listener is not None and not self._listener.closed:
            self._listener.stay()
        else:
            self._listener = Listener(self.key.address, self.key.port, self._start_connection)

    def leave(self) -> None:
        """Stop listening without losing a connection."""
        if self._listener is not None:
            self._listener.leave()

    def close(self) -> None:
        """Stop listening now. Connections continue."""
        if self._listener is not None:
            self._listener.close()

    def _start_connection(self, client: socket.socket) -> None:
        """Relay a connection. Reset it if there is no destination, or no place for it."""
        offers = [
            Offer(key, destination.weight, self.active.get(key, 0))
            for key, destination in self.destinations.items()
            if destination.weight > 0
        ]
        if not offers or len(self.connections) >= CONNECTIONS_MAX:
            reset(client)
            return
        chosen = self._balancer.choose(offers)
        try:
            server = open_towards(client, chosen)
        except ReservedError as error:
            self._shortage.begin(str(error))
            reset(client)
            return
        self._shortage.end()
        self.active[chosen] = self.active.get(chosen, 0) + 1
        connection = asyncio.create_task(relay(client, server, chosen))
        self.connections.add(connection)
        connection.add_done_callback(
            functools.partial(self._end_connection, (client, server), chosen)
        )

    def _end_connection(
        self,
        ends: tuple[socket.socket, socket.socket],
        destination: DestinationKey,
        connection: asyncio.Task[None],
    ) -> None:
        for end in ends:
            end.close()  # a relay that was canceled before its first step did not close them
        self.connections.discard(connection)
        self.active[destination] -= 1
        if not self.active[destination]:
            del self.active[destination]


class UserspaceDataplane:
    """A dataplane with a ``RelayedService`` for each service."""

    def __init__(self) -> None:
        self._services: dict[ServiceKey, RelayedService] = {}
        self._withheld: frozenset[str] = frozenset()
        self._deleted: list[RelayedService] = []

    async def start(self) -> None:
        """Do nothing, because no preparation is needed."""

    async def read_services(
        self, keys: Collection[ServiceKey] | None = None
    ) -> Mapping[ServiceKey, Service]:
        """Return the services that listen or are withheld.

        A service that cannot listen is left out, so that the next pass of the reconciler
        tries to add it and reports the failure.
        """
        return {
            key: served.service
            for key, served in self._services.items()
            if (keys is None or key in keys) and (served.listening or key.address in self._withheld)
        }

    async def read_pool(self, key: ServiceKey, fingerprint: int = 0) -> Pool | None:
        """Return the destinations of a service; None if they still have this fingerprint."""
        served = self._services.get(key)
        if served is None:
            return Pool({})
        if served.fingerprint == fingerprint:
            return None
        return Pool(dict(served.destinations), served.fingerprint)

    async def read_counters(self, key: ServiceKey) -> Mapping[DestinationKey, Counters]:
        """Return the counters of every destination. This dataplane has no inactive connections."""
        served = self._services.get(key)
        if served is None:
            return {}
        counters: dict[DestinationKey, Counters] = {}
        slices = Slices()
        for destination_key, destination in tuple(served.destinations.items()):
            active = served.active.get(destination_key, 0)
            counters[destination_key] = Counters(destination.weight, active, inactive=0)
            await slices.pause()
        return counters

    async def apply(self, operations: Sequence[Operation]) -> list[OperationFailure]:
        """Perform the operations in order.

        Return the failures; a failure does not stop later operations.
        """
        failures = []
        for operation in operations:
            try:
                self._perform(operation)
            except OperationRefusedError as error:
                failures.append(OperationFailure(operation, str(error)))
        return failures

    async def withhold(self, addresses: frozenset[str]) -> None:
        """Stop listening on these virtual addresses, and listen on all others.

        A service that cannot listen is then missing from ``read_services``.
        """
        self._withheld = addresses
        for key, served in self._services.items():
            try:
                self._update_listener(key, served)
            except OperationRefusedError:
                continue

    async def close(self) -> None:
        """Close all sockets. Connections get 1 s to end."""
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
                _require_support(operation.key, operation.service)
                self._service(operation.key).edit(operation.service)
            case DeleteService():
                self._delete_service(operation.key)
            case AddDestination() | EditDestination():
                self._service(operation.service).set(operation.key, operation.destination)
            case DeleteDestination():
                self._service(operation.service).remove(operation.key)
            case _:
                assert_never(operation)

    def _add_service(self, key: ServiceKey, service: Service) -> None:
        _require_support(key, service)
        served = self._services.get(key)
        if served is None:
            served = self._services[key] = RelayedService(key, service)
        else:
            served.edit(service)
        self._update_listener(key, served)

    def _delete_service(self, key: ServiceKey) -> None:
        """Remove a service. A listener that leaves continues until its successor listens."""
        served = self._service(key)
        if not served.leaving:
            served.close()
        del self._services[key]
        self._deleted = [old for old in (*self._deleted, served) if not old.finished]

    def _service(self, key: ServiceKey) -> RelayedService:
        try:
            return self._services[key]
        except KeyError:
            raise OperationRefusedError(f"{key}: the service does not exist") from None

    def _update_listener(self, key: ServiceKey, served: RelayedService) -> None:
        if key.address in self._withheld:
            served.leave()
            return
        try:
            served.open()
        except OSError as error:
            raise OperationRefusedError(f"cannot listen on {key}: {error.strerror}") from error


def _require_support(key: ServiceKey, service: Service) -> None:
    if key.protocol is not Protocol.TCP:
        raise OperationRefusedError(f"{key}: the userspace dataplane relays tcp only")
    if service.scheduler not in SCHEDULERS:
        raise OperationRefusedError(
            f"{key}: the userspace dataplane has no scheduler {service.scheduler!r}; "
            f"it has {', '.join(SCHEDULERS)}"
        )
    if service.persistence:
        raise OperationRefusedError(f"{key}: the userspace dataplane has no persistence")
