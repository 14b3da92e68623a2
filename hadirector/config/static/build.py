"""Makes the static items."""

from __future__ import annotations

from hadirector.config.keys.build import build_struct
from hadirector.config.static.schema import FAMILY, StaticSection
from hadirector.config.vrrp.routes.build import make_route, make_rule
from vrrp.model.configuration import Placement
from vrrp.model.static_items import NO_STATIC_ITEMS, StaticItems


def static_items(section: StaticSection | None) -> StaticItems:
    """Return the static items of a file."""
    if section is None:
        return NO_STATIC_ITEMS
    return StaticItems(
        addresses=tuple(build_struct(Placement, address) for address in section.addresses),
        routes=tuple(make_route(route, FAMILY) for route in section.routes),
        rules=tuple(make_rule(rule, FAMILY) for rule in section.rules),
    )
