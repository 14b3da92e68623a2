"""Decides which virtual addresses must not be served here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State


def withheld_addresses(
    instances: Iterable[InstanceConfiguration], states: Mapping[str, State]
) -> frozenset[str]:
    """Decide which virtual addresses must not be served here: those of instances not ACTIVE."""
    return frozenset(
        address.partition("/")[0]
        for instance in instances
        if states.get(instance.name) is not State.ACTIVE
        for address in instance.held_addresses
    )
