"""Judges virtual routes and rules."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root, VrrpSection
from hadirector.config.vrrp.routes.schema import DEFAULT_ROUTE, RouteSection, RuleSection
from hadirector.config.vrrp.transport import family, version

ITEMS_MAX = 100
_LEADING = frozenset({"gateway", "device", "source", "scope", "on_link"})
_DEFAULT_ROUTES = {4: "0.0.0.0/0", 6: "::/0"}


def route_findings(root: Root) -> Iterator[Finding]:
    """Find what is wrong with the routes and rules."""
    yield from duplicates(_route_claims(root))
    yield from duplicates(_rule_claims(root))
    for index, instance in valid_items(root.vrrp):
        path = ("vrrp", index)
        for key, items in (
            ("virtual_routes", instance.virtual_routes),
            ("virtual_rules", instance.virtual_rules),
        ):
            if len(items) > ITEMS_MAX:
                message = f"wrong number (got {len(items)}, expected at most {ITEMS_MAX})"
                yield Finding((*path, key), message)
        for place, route in enumerate(instance.virtual_routes):
            yield from _route_findings((*path, "virtual_routes", place), route, instance)
        for place, rule in enumerate(instance.virtual_rules):
            yield from _rule_findings((*path, "virtual_rules", place), rule)


def destination(route: RouteSection, instance: VrrpSection) -> str:
    """Where a route leads; a default one is of its gateway's or source's family, or else of the
    instance's.
    """
    if route.destination != DEFAULT_ROUTE:
        return route.destination
    telling = route.gateway or route.source
    return _DEFAULT_ROUTES[family(instance) if telling is None else version(telling)]


def rule_family(rule: RuleSection, instance: VrrpSection) -> int:
    """The IP version of a rule; of one that names no address, the instance's."""
    telling = rule.origin or rule.to
    return family(instance) if telling is None else version(telling)


def _route_claims(root: Root) -> Iterator[Claim]:
    for index, instance in valid_items(root.vrrp):
        for place, route in enumerate(instance.virtual_routes):
            # What the kernel has one of.
            value = (destination(route, instance), route.table, route.metric)
            words = f"route to {route.destination} of this table and metric"
            yield Claim(("vrrp", index, "virtual_routes", place), value, words)


def _rule_claims(root: Root) -> Iterator[Claim]:
    for index, instance in valid_items(root.vrrp):
        for place, rule in enumerate(instance.virtual_rules):
            value = (rule_family(rule, instance), *rule.model_dump().values())
            yield Claim(("vrrp", index, "virtual_rules", place), value, "rule")


def _route_findings(path: Path, route: RouteSection, instance: VrrpSection) -> Iterator[Finding]:
    if route.type != "unicast":
        for key in sorted(_LEADING & route.model_fields_set):
            yield Finding((*path, key), f"{route.type} leads nowhere; leave this out")
        return
    if route.gateway is None and route.device is None:
        yield Finding(path, "a route needs a gateway or a device")
    if route.on_link and (route.gateway is None or route.device is None):
        yield Finding((*path, "on_link"), "this needs a gateway and a device")
    expected = version(destination(route, instance))
    for key, address in (("gateway", route.gateway), ("source", route.source)):
        if address is not None and version(address) != expected:
            message = wrong(address, f"an IPv{expected} address like the destination")
            yield Finding((*path, key), message)
    if expected == 6:
        yield from _ipv6_findings(path, route)


def _ipv6_findings(path: Path, route: RouteSection) -> Iterator[Finding]:
    if route.scope is not None:
        yield Finding((*path, "scope"), "IPv6 routes have no scope; leave this out")
    linked = route.gateway is not None and ipaddress.ip_address(route.gateway).is_link_local
    if linked and route.device is None:
        yield Finding((*path, "gateway"), "a link-local gateway needs a device")


def _rule_findings(path: Path, rule: RuleSection) -> Iterator[Finding]:
    if (rule.table is None) == (rule.type is None):
        yield Finding(path, "a rule needs either a table or a type")
    if rule.origin is not None and rule.to is not None and version(rule.origin) != version(rule.to):
        message = wrong(rule.to, f"an IPv{version(rule.origin)} prefix like the other one")
        yield Finding((*path, "to"), message)
    if rule.fwmask is not None and rule.fwmark is None:
        yield Finding((*path, "fwmask"), "a mask needs a fwmark")
