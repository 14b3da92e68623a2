"""Decides which operations turn the table that is into the table that is wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import assert_never

import msgspec

from hadirector.dataplane.hash_order import Pool, moves
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
    """Create a service that is not there."""

    key: ServiceKey
    service: Service


class EditService(msgspec.Struct, frozen=True, tag=True):
    """Change anything about a service in place; its connections go on."""

    key: ServiceKey
    service: Service


class DeleteService(msgspec.Struct, frozen=True, tag=True):
    """Remove a service with all its destinations."""

    key: ServiceKey


class AddDestination(msgspec.Struct, frozen=True, tag=True):
    """Add a destination to a service.

    At weight 0 sh and mh would leave it out of their table, on this director only: it is first
    added with the weight ``share``, if there is one.
    """

    service: ServiceKey
    key: DestinationKey
    destination: Destination
    share: int = 0


class EditDestination(msgspec.Struct, frozen=True, tag=True):
    """Change anything about a destination in place; its connections go on."""

    service: ServiceKey
    key: DestinationKey
    destination: Destination


class DeleteDestination(msgspec.Struct, frozen=True, tag=True):
    """Remove a destination from a service."""

    service: ServiceKey
    key: DestinationKey


Operation = (
    AddService | EditService | DeleteService | AddDestination | EditDestination | DeleteDestination
)


def diff(actual: Table, wanted: Table, owned: Collection[ServiceKey]) -> list[Operation]:
    """Decide the operations that make ``wanted`` so and withdraw what is owned but not wanted.

    A service that is neither wanted nor owned is foreign and not touched. In the order given here,
    a pool that has servers before and after has servers at every moment between; the same holds
    for servers with a weight above 0. For sh and mh the order of destinations counts too.
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
    service: ServiceKey, held: Pool, wanted: ServiceEntry
) -> Iterator[Operation]:
    hashed = wanted.service.scheduler in HASH_SCHEDULERS
    moved = moves(held, wanted.destinations) if hashed else frozenset()
    edits = [
        EditDestination(service, key, destination)
        for key, destination in wanted.destinations.items()
        if key in held and key not in moved and held[key] != destination
    ]
    yield from (each for each in edits if each.destination.weight)
    for key, destination in wanted.destinations.items():
        if key in moved:
            yield DeleteDestination(service, key)
        if key in moved or key not in held:
            share = 0 if destination.weight else wanted.shares.get(key, 0)
            yield AddDestination(service, key, destination, share)
    yield from (each for each in edits if not each.destination.weight)
    for key in held:
        if key not in wanted.destinations:
            yield DeleteDestination(service, key)


def outcome(
    actual: ServiceEntry | None, operations: Iterable[Operation], wanted: ServiceEntry | None
) -> ServiceEntry | None:
    """Say what a service is when its operations (`diff`) have been performed; None if not there.

    That is what is wanted; only for sh and mh the destinations may yet stand in another order.
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
    """Name the service that an operation is about."""
    match operation:
        case AddService(key) | EditService(key) | DeleteService(key):
            return key
        case AddDestination(key) | EditDestination(key) | DeleteDestination(key):
            return key
        case _:
            assert_never(operation)


def describe(operation: Operation) -> str:
    """Say in one line what an operation does, for logs and error messages."""
    match operation:
        case AddService(key, service):
            return f"add service {key} ({_settings(service)})"
        case EditService(key, service):
            return f"edit service {key} ({_settings(service)})"
        case DeleteService(key):
            return f"delete service {key}"
        case AddDestination(service_key, key, destination):
            return f"add destination {key} to {service_key} ({_forwards(destination)})"
        case EditDestination(service_key, key, destination):
            return f"edit destination {key} of {service_key} ({_forwards(destination)})"
        case DeleteDestination(service_key, key):
            return f"delete destination {key} of {service_key}"
        case _:
            assert_never(operation)


def describe_actual(operation: Operation, actual: Table) -> str:
    """Say what was there before an operation."""
    entry = actual.get(service_of(operation))
    match operation:
        case EditService() if entry is not None:
            return _settings(entry.service)
        case AddDestination(_, key) if entry is not None and key in entry.destinations:
            return "in another place"
        case EditDestination(_, key) | DeleteDestination(_, key) if entry is not None:
            return _forwards(entry.destinations[key])
        case DeleteService() if entry is not None:
            return f"{_settings(entry.service)}, {len(entry.destinations)} destinations"
        case _:
            return "not there"


def _settings(service: Service) -> str:
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


def _forwards(destination: Destination) -> str:
    settings = [str(destination.forwarding)]
    if destination.tunnel is not None:
        settings[0] += f" in {destination.tunnel}"
    settings.append(f"weight {destination.weight}")
    if destination.upper_threshold:
        settings.append(f"upper threshold {destination.upper_threshold}")
    if destination.lower_threshold:
        settings.append(f"lower threshold {destination.lower_threshold}")
    return ", ".join(settings)
