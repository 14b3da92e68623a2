"""Builds virtual routes and rules."""

from __future__ import annotations

from hadirector.config.keys.addresses import ip_version
from hadirector.config.keys.build import build_struct
from hadirector.config.vrrp.addresses.schema import SCOPES
from hadirector.config.vrrp.routes.schema import EVERYTHING, RouteSection, RuleSection
from hadirector.config.vrrp.schema import VrrpSection
from vrrp.model.configuration import VirtualRoute, VirtualRule

IPV6_METRIC = 1024
"""The metric that the kernel gives an IPv6 route with metric 0 (IP6_RT_PRIO_USER)."""


def virtual_routes(section: VrrpSection) -> tuple[VirtualRoute, ...]:
    """Return the routes of an instance."""
    return tuple(make_route(route, section.family) for route in section.virtual_routes)


def virtual_rules(section: VrrpSection) -> tuple[VirtualRule, ...]:
    """Return the rules of an instance."""
    return tuple(make_rule(rule, section.family) for rule in section.virtual_rules)


def make_route(route: RouteSection, default_family: int) -> VirtualRoute:
    """Return a route. ``default_family`` is the IP version of a route without an address."""
    destination = route.prefix(default_family)
    ipv6 = ip_version(destination) == 6
    # As ip-route(8): a destination without a gateway is on the link.
    on_link = route.gateway is None and not route.nexthops and route.type == "unicast"
    default_scope = SCOPES["link" if on_link else "global"]
    scope = default_scope if route.scope is None else route.scope
    return build_struct(
        VirtualRoute,
        route,
        destination=destination,
        metric=route.metric or (IPV6_METRIC if ipv6 else 0),
        scope=0 if ipv6 else scope,
    )


def make_rule(rule: RuleSection, default_family: int) -> VirtualRule:
    """Return a rule. ``default_family`` is the IP version of a rule without a prefix."""
    everything = EVERYTHING[rule.family(default_family)]
    return build_struct(
        VirtualRule, rule, source=rule.origin or everything, destination=rule.to or everything
    )
