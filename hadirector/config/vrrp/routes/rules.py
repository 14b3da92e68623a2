"""Rules for virtual routes and rules."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.addresses import ip_version
from hadirector.config.vrrp.routes.schema import NextHopSection, RouteSection, RuleSection
from hadirector.config.vrrp.schema import VrrpSection

ITEMS_MAX = 100
NEXT_HOPS_MAX = 32
_HOP_KEYS = frozenset({"gateway", "device", "on_link"})
_FORWARDING_KEYS = _HOP_KEYS | {"nexthops", "source", "scope"}


class RoutingItems(NamedTuple):
    """The routes and rules of an instance or of the host, with the paths of the two lists.

    ``family`` is the IP version of an item without an address.
    """

    routes_path: Path
    routes: Sequence[RouteSection]
    rules_path: Path
    rules: Sequence[RuleSection]
    family: int


def instance_items(path: Path, instance: VrrpSection) -> RoutingItems:
    """Return the routes and rules of an instance."""
    return RoutingItems(
        (*path, "virtual_routes"),
        instance.virtual_routes,
        (*path, "virtual_rules"),
        instance.virtual_rules,
        instance.family,
    )


def route_findings(every: Sequence[RoutingItems]) -> Iterator[Finding]:
    """Yield the faults of the routes and rules of a file."""
    yield from duplicates(_route_claims(every))
    yield from duplicates(_rule_claims(every))
    for items in every:
        for path, count in (
            (items.routes_path, len(items.routes)),
            (items.rules_path, len(items.rules)),
        ):
            if count > ITEMS_MAX:
                message = f"wrong number (got {count}, expected at most {ITEMS_MAX})"
                yield Finding(path, message)
        for place, route in enumerate(items.routes):
            yield from _route_findings((*items.routes_path, place), route, items.family)
        for place, rule in enumerate(items.rules):
            yield from _rule_findings((*items.rules_path, place), rule)


def _route_claims(every: Sequence[RoutingItems]) -> Iterator[Claim]:
    for items in every:
        for place, route in enumerate(items.routes):
            # The kernel has one route for these three values.
            value = (route.prefix(items.family), route.table, route.metric)
            description = f"route to {route.destination} with this table and metric"
            yield Claim((*items.routes_path, place), value, description)


def _rule_claims(every: Sequence[RoutingItems]) -> Iterator[Claim]:
    for items in every:
        for place, rule in enumerate(items.rules):
            value = (rule.family(items.family), *rule.model_dump().values())
            yield Claim((*items.rules_path, place), value, "rule")


def _route_findings(path: Path, route: RouteSection, instance_family: int) -> Iterator[Finding]:
    if route.type != "unicast":
        for key in sorted(_FORWARDING_KEYS & route.model_fields_set):
            message = f"a route of type {route.type} forwards no packets; leave this out"
            yield Finding((*path, key), message)
        return
    family = ip_version(route.prefix(instance_family))
    if "nexthops" in route.model_fields_set:
        yield from _next_hops_findings(path, route, family)
    else:
        if route.gateway is None and route.device is None:
            yield Finding(path, "a route needs a gateway, a device or nexthops")
        yield from _hop_findings(path, route, family)
    yield from _family_findings((*path, "source"), route.source, family)
    if family == 6 and route.scope is not None:
        yield Finding((*path, "scope"), "IPv6 routes have no scope; leave this out")


def _next_hops_findings(path: Path, route: RouteSection, family: int) -> Iterator[Finding]:
    for key in sorted(_HOP_KEYS & route.model_fields_set):
        yield Finding((*path, key), f"each of the nexthops has its own {key}; leave this out")
    count = len(route.nexthops)
    if not 2 <= count <= NEXT_HOPS_MAX:
        message = (
            f"a route has 2 to {NEXT_HOPS_MAX} nexthops (got {count}; for a single next hop, use"
            " gateway)"
        )
        yield Finding((*path, "nexthops"), message)
    yield from duplicates(_hop_claims(path, route))
    for place, hop in enumerate(route.nexthops):
        hop_path = (*path, "nexthops", place)
        if hop.gateway is None and (hop.device is None or family == 6):
            needed = "a gateway" if family == 6 else "a gateway or a device"
            yield Finding(hop_path, f"a next hop needs {needed}")
        yield from _hop_findings(hop_path, hop, family)


def _hop_claims(path: Path, route: RouteSection) -> Iterator[Claim]:
    for place, hop in enumerate(route.nexthops):
        yield Claim((*path, "nexthops", place), (hop.gateway, hop.device), "next hop")


def _hop_findings(path: Path, hop: RouteSection | NextHopSection, family: int) -> Iterator[Finding]:
    if hop.on_link and (hop.gateway is None or hop.device is None):
        yield Finding((*path, "on_link"), "on_link needs a gateway and a device")
    yield from _family_findings((*path, "gateway"), hop.gateway, family)
    link_local = hop.gateway is not None and ipaddress.ip_address(hop.gateway).is_link_local
    if link_local and hop.device is None and family == 6:
        yield Finding((*path, "gateway"), "a link-local gateway needs a device")


def _family_findings(path: Path, address: str | None, family: int) -> Iterator[Finding]:
    if address is not None and ip_version(address) != family:
        yield Finding(path, wrong(address, f"an IPv{family} address like the destination"))


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
