"""Decides the operations that make the actual IPVS table equal to the wanted table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import assert_never

import msgspec

from hadirector.dataplane.hash_order import Destinations, moves
from hadirector.model.ipvs import (
    HASH_SCHEDULERS,
    Destination,
    DestinationKey,
    Service,
    ServiceEntry,
    ServiceKey,
    Table,
)


class AddService(msgspec.Struct, frozen=True, tag=True):
    """Operation: create a service."""

    key: ServiceKey
    service: Service


class EditService(msgspec.Struct, frozen=True, tag=True):
    """Operation: change the settings of a service; its connections continue."""

    key: ServiceKey
    service: Service


class DeleteService(msgspec.Struct, frozen=True, tag=True):
    """Operation: remove a service with all its destinations."""

    key: ServiceKey


class AddDestination(msgspec.Struct, frozen=True, tag=True):
    """Operation: add a destination to a service.

    The schedulers sh and mh leave a new destination with weight 0 out of their hash table,
    which would then differ from that of other directors. If ``share`` is set, the destination
    is first added with the share as its weight.
    """

    service: ServiceKey
    key: DestinationKey
    destination: Destination
    share: int = 0


class EditDestination(msgspec.Struct, frozen=True, tag=True):
    """Operation: change the settings of a destination; its connections continue."""

    service: ServiceKey
    key: DestinationKey
    destination: Destination


class DeleteDestination(msgspec.Struct, frozen=True, tag=True):
    """Operation: remove a destination from a service."""

    service: ServiceKey
    key: DestinationKey


Operation = (
    AddService | EditService | DeleteService | AddDestination | EditDestination | DeleteDestination
)


def diff(actual: Table, wanted: Table, owned: Collection[ServiceKey]) -> list[Operation]:
    """Return the operations that turn ``actual`` into ``wanted``, in order.

    A service that is owned but not wanted is deleted. A service that is neither owned nor
    wanted is foreign, and is not changed. If a pool has destinations before and after, it has
    destinations at every moment between; the same holds for destinations with a weight above 0.
    For sh and mh, the operations also establish the order of the destinations.
    """
    operations: list[Operation] = []
    for key, entry in wanted.items():
        operations += _service_operations(key, actual.get(key), entry)
    withdrawn = frozenset(owned) - wanted.keys()
    operations += [DeleteService(key) for key in actual if key in withdrawn]
    return operations


def _service_operations(
    key: ServiceKey, actual: ServiceEntry | None, wanted: ServiceEntry
) -> Iterator[Operation]:
    if actual is None:
        yield AddService(key, wanted.service)
        actual = ServiceEntry(wanted.service, {})
    elif actual.service != wanted.service:
        yield EditService(key, wanted.service)
    yield from _destination_operations(key, actual.destinations, wanted)


def _destination_operations(
    service: ServiceKey, actual: Destinations, wanted: ServiceEntry
) -> Iterator[Operation]:
    hashed = wanted.service.scheduler in HASH_SCHEDULERS
    moved = moves(actual, wanted.destinations) if hashed else frozenset()
    edits = [
        EditDestination(service, key, destination)
        for key, destination in wanted.destinations.items()
        if key in actual and key not in moved and actual[key] != destination
    ]
    yield from (edit for edit in edits if edit.destination.weight)
    for key, destination in wanted.destinations.items():
        if key in moved:
            yield DeleteDestination(service, key)
        if key in moved or key not in actual:
            share = 0 if destination.weight else wanted.shares.get(key, 0)
            yield AddDestination(service, key, destination, share)
    yield from (edit for edit in edits if not edit.destination.weight)
    for key in actual:
        if key not in wanted.destinations:
            yield DeleteDestination(service, key)


def outcome(
    actual: ServiceEntry | None, operations: Iterable[Operation], wanted: ServiceEntry | None
) -> ServiceEntry | None:
    """Return a service as it will be after the operations of `diff`; None if it is deleted.

    It equals ``wanted``, except that the destinations of sh and mh may be in another order.
    """
    if wanted is None or wanted.service.scheduler not in HASH_SCHEDULERS:
        return wanted
    destinations = {} if actual is None else dict(actual.destinations)
    for operation in operations:
        match operation:
            case AddDestination(_, key, destination) | EditDestination(_, key, destination):
                destinations[key] = destination
            case DeleteDestination(_, key):
                del destinations[key]
    if list(destinations) == list(wanted.destinations):
        return wanted
    return ServiceEntry(wanted.service, destinations)


def service_of(operation: Operation) -> ServiceKey:
    """Return the service of an operation."""
    match operation:
        case AddService(key) | EditService(key) | DeleteService(key):
            return key
        case AddDestination(key) | EditDestination(key) | DeleteDestination(key):
            return key
        case _:
            assert_never(operation)


def describe(operation: Operation) -> str:
    """Describe an operation in one line, for logs and error messages."""
    match operation:
        case AddService(key, service):
            return f"add service {key} ({_service_settings(service)})"
        case EditService(key, service):
            return f"edit service {key} ({_service_settings(service)})"
        case DeleteService(key):
            return f"delete service {key}"
        case AddDestination(service_key, key, destination):
            return f"add destination {key} to {service_key} ({_destination_settings(destination)})"
        case EditDestination(service_key, key, destination):
            return f"edit destination {key} of {service_key} ({_destination_settings(destination)})"
        case DeleteDestination(service_key, key):
            return f"delete destination {key} of {service_key}"
        case _:
            assert_never(operation)


def describe_actual(operation: Operation, actual: Table) -> str:
    """Describe the current state of the service or destination that an operation changes."""
    entry = actual.get(service_of(operation))
    match operation:
        case EditService() if entry is not None:
            return _service_settings(entry.service)
        case AddDestination(_, key) if entry is not None and key in entry.destinations:
            return "at another position"
        case EditDestination(_, key) | DeleteDestination(_, key) if entry is not None:
            return _destination_settings(entry.destinations[key])
        case DeleteService() if entry is not None:
            count = len(entry.destinations)
            return f"{_service_settings(entry.service)}, {count} destination{'s' * (count != 1)}"
        case _:
            return "missing"


def _service_settings(service: Service) -> str:
    settings = [service.scheduler, *sorted(service.flags)]
    if service.persistence:
        settings.append(f"persistence {service.persistence} s")
    if service.prefix_length is not None:
        settings.append(f"per /{service.prefix_length}")
    if service.engine:
        settings.append(f"engine {service.engine}")
    if service.one_packet:
        settings.append("one packet")
    return ", ".join(settings)


def _destination_settings(destination: Destination) -> str:
    settings = [str(destination.forwarding)]
    if destination.tunnel is not None:
        settings[0] += f" in {destination.tunnel}"
    settings.append(f"weight {destination.weight}")
    if destination.upper_threshold:
        settings.append(f"upper threshold {destination.upper_threshold}")
    if destination.lower_threshold:
        settings.append(f"lower threshold {destination.lower_threshold}")
    return ", ".join(settings)
