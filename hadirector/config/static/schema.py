"""The keys of the static items."""

from __future__ import annotations

from typing import Annotated

from hadirector.config.keys.addresses import VIRTUAL_ADDRESS
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import InterfaceName
from hadirector.config.keys.section import Section
from hadirector.config.vrrp.addresses.schema import SCOPES, AddressScope, OptionalLabel
from hadirector.config.vrrp.routes.schema import RouteSection, RuleSection
from vrrp.model.configuration import Placement

FAMILY = 4
"""The IP version of a route or rule without a key that determines it."""


class StaticAddressSection(Section):
    """A static address with its device."""

    model = Placement

    address: Annotated[
        str,
        VIRTUAL_ADDRESS,
        Key(
            "Without a prefix length, the address is a /32 or a /128. A /128 is never the source"
            " of connections of the host itself."
        ),
    ]
    device: Annotated[InterfaceName, Key("The interface that holds the address.")]
    label: OptionalLabel = None
    scope: AddressScope = SCOPES["global"]

    @property
    def host(self) -> str:
        """The address without its prefix length."""
        return self.address.partition("/")[0]


class StaticSection(Section):
    """The addresses, routes and rules that do not move."""

    addresses: Annotated[
        list[StaticAddressSection],
        Key(
            "The addresses.",
            type="list of at most 1000 [static addresses](#static-addresses)",
            default="empty",
        ),
    ] = []
    routes: Annotated[
        list[RouteSection],
        Key(
            "The routes. `default` without a gateway and a source is an IPv4 route.",
            type="list of at most 100 [routes](#virtual_routes)",
            default="empty",
        ),
    ] = []
    rules: Annotated[
        list[RuleSection],
        Key(
            "The routing rules. A rule without a prefix is an IPv4 rule.",
            type="list of at most 100 [rules](#virtual_rules)",
            default="empty",
        ),
    ] = []
