"""Makes the placements of virtual addresses."""

from __future__ import annotations

from hadirector.config.keys.build import build_struct
from hadirector.config.vrrp.schema import VrrpSection
from vrrp.model.configuration import Placement


def placements(section: VrrpSection) -> tuple[Placement, ...]:
    """Return the placements of the addresses that have further keys."""
    every = (*section.virtual_addresses, *section.unadvertised_addresses)
    return tuple(
        build_struct(Placement, address)
        for address in every
        if address.model_fields_set != {"address"}
    )
