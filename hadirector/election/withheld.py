"""Decides which virtual addresses this director must not serve at present."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State


def withheld_addresses(
    instances: Iterable[InstanceConfiguration], states: Mapping[str, State]
) -> frozenset[str]:
    """Return the addresses of all instances that are not ACTIVE."""
    return frozenset(
        address.partition("/")[0]
        for instance in instances
        if states.get(instance.name) is not State.ACTIVE
        for address in instance.held_addresses
    )
