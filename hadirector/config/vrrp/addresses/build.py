"""Makes what an ACTIVE instance puts on its host out of sections that have been found good."""

from __future__ import annotations

from typing import Final

from hadirector.config.schema import VrrpSection
from hadirector.config.vrrp.addresses.schema import AddressSection, Scope
from vrrp.model.configuration import Placement

SCOPES: Final[dict[Scope, int]] = {"global": 0, "site": 200, "link": 253, "host": 254}
"""The kernel's numbers (rtnetlink(7), rtm_scope)."""


def placements(section: VrrpSection) -> tuple[Placement, ...]:
    """How those addresses are put that say anything about it."""
    every = (*section.virtual_addresses, *section.unadvertised_addresses)
    return tuple(_placement(each) for each in every if each.model_fields_set != {"address"})


def _placement(section: AddressSection) -> Placement:
    return Placement(
        address=section.address,
        device=section.device,
        label=section.label,
        scope=SCOPES[section.scope],
    )
