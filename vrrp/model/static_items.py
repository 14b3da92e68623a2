"""The items that a host keeps in every state of its VRRP instances."""

from __future__ import annotations

import msgspec

from vrrp.model.configuration import Placement, VirtualRoute, VirtualRule


class StaticItems(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses, routes and rules that do not move. Each placement names a device."""

    addresses: tuple[Placement, ...] = ()
    routes: tuple[VirtualRoute, ...] = ()
    rules: tuple[VirtualRule, ...] = ()


NO_STATIC_ITEMS = StaticItems()
