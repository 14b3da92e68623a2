"""Decides which operations turn the table that is into the table that is wanted."""

from __future__ import annotations

import msgspec

from hadirector.model import Destination, DestinationKey, Service, ServiceKey


class AddService(msgspec.Struct, frozen=True, tag=True):
    """Create a service that is not there."""

    key: ServiceKey
    service: Service


class EditService(msgspec.Struct, frozen=True, tag=True):
    """Change scheduler, flags or persistence in place; its connections go on."""

    key: ServiceKey
    service: Service


class DeleteService(msgspec.Struct, frozen=True, tag=True):
    """Remove a service with all its destinations."""

    key: ServiceKey


class AddDestination(msgspec.Struct, frozen=True, tag=True):
    """Add a destination to a service."""

    service: ServiceKey
    key: DestinationKey
    destination: Destination


class EditDestination(msgspec.Struct, frozen=True, tag=True):
    """Change a destination's weight or forwarding in place; its connections go on."""

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
