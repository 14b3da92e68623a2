"""Rules for virtual routes and rules."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.addresses import ip_version
from hadirector.config.keys.section import Placed
from hadirector.config.vrrp.routes.schema import RouteSection, RuleSection
from hadirector.config.vrrp.schema import VrrpSection

ITEMS_MAX = 100
_FORWARDING_KEYS = frozenset({"gateway", "device", "source", "scope", "on_link"})


def route_findings(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Finding]:
    """Yield the faults of the routes and rules."""
    yield from duplicates(_route_claims(instances))
    yield from duplicates(_rule_claims(instances))
    for path, instance in instances:
        for key, count in (
            ("virtual_routes", len(instance.virtual_routes)),
            ("virtual_rules", len(instance.virtual_rules)),
        ):
            if count > ITEMS_MAX:
                message = f"wrong number (got {count}, expected at most {ITEMS_MAX})"
                yield Finding((*path, key), message)
        for place, route in enumerate(instance.virtual_routes):
            yield from _route_findings((*path, "virtual_routes", place), route, instance.family)
        for place, rule in enumerate(instance.virtual_rules):
            yield from _rule_findings((*path, "virtual_rules", place), rule)


def _route_claims(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Claim]:
    for path, instance in instances:
        for place, route in enumerate(instance.virtual_routes):
            # The kernel has one route for these three values.
            value = (route.prefix(instance.family), route.table, route.metric)
            description = f"route to {route.destination} with this table and metric"
            yield Claim((*path, "virtual_routes", place), value, description)


def _rule_claims(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Claim]:
    for path, instance in instances:
        for place, rule in enumerate(instance.virtual_rules):
            value = (rule.family(instance.family), *rule.model_dump().values())
            yield Claim((*path, "virtual_rules", place), value, "rule")


def _route_findings(path: Path, route: RouteSection, instance_family: int) -> Iterator[Finding]:
    if route.type != "unicast":
        for key in sorted(_FORWARDING_KEYS & route.model_fields_set):
            message = f"a route of type {route.type} forwards no packets; leave this out"
            yield Finding((*path, key), message)
        return
    if route.gateway is None and route.device is None:
        yield Finding(path, "a route needs a gateway or a device")
    if route.on_link and (route.gateway is None or route.device is None):
        yield Finding((*path, "on_link"), "on_link needs a gateway and a device")
    family = ip_version(route.prefix(instance_family))
    for key, address in (("gateway", route.gateway), ("source", route.source)):
        if address is not None and ip_version(address) != family:
            message = wrong(address, f"an IPv{family} address like the destination")
            yield Finding((*path, key), message)
    if family == 6:
        yield from _ipv6_findings(path, route)


def _ipv6_findings(path: Path, route: RouteSection) -> Iterator[Finding]:
    if route.scope is not None:
        yield Finding((*path, "scope"), "IPv6 routes have no scope; leave this out")
    link_local = route.gateway is not None and ipaddress.ip_address(route.gateway).is_link_local
    if link_local and route.device is None:
        yield Finding((*path, "gateway"), "a link-local gateway needs a device")


def _rule_findings(path: Path, rule: RuleSection) -> Iterator[Finding]:
    if (rule.table is None) == (rule.type is None):
        yield Finding(path, "a rule needs either a table or a type")
    if (
        rule.origin is not None
        and rule.to is not None
        and ip_version(rule.origin) != ip_version(rule.to)
    ):
        message = wrong(rule.to, f"an IPv{ip_version(rule.origin)} prefix like the key from")
        yield Finding((*path, "to"), message)
    if rule.fwmask is not None and rule.fwmark is None:
        yield Finding((*path, "fwmask"), "fwmask needs a fwmark")
