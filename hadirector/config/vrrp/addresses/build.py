"""Builds the placements (device, label, scope) of virtual addresses."""

from __future__ import annotations

from hadirector.config.keys.build import build_struct
from hadirector.config.vrrp.schema import VrrpSection
from vrrp.model.configuration import Placement


def placements(section: VrrpSection) -> tuple[Placement, ...]:
    """Return the placements of addresses for which the file has more than the address."""
    every = (*section.virtual_addresses, *section.unadvertised_addresses)
    return tuple(
        build_struct(Placement, address)
        for address in every
        if address.model_fields_set != {"address"}
    )
