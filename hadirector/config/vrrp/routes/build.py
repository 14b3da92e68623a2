"""Makes virtual routes and rules out of sections that have been found good."""

from __future__ import annotations

from hadirector.config.schema import VrrpSection
from hadirector.config.vrrp.addresses.build import SCOPES
from hadirector.config.vrrp.addresses.schema import Scope
from hadirector.config.vrrp.routes.rules import destination, rule_family
from hadirector.config.vrrp.routes.schema import NUMBER_MAX, RouteSection, RuleSection
from hadirector.config.vrrp.transport import version
from vrrp.model.configuration import VirtualRoute, VirtualRule

IPV6_METRIC = 1024
"""What the kernel makes of an IPv6 route's metric 0 (IP6_RT_PRIO_USER)."""
_EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}


def virtual_routes(section: VrrpSection) -> tuple[VirtualRoute, ...]:
    """The routes of an instance."""
    return tuple(_route(each, section) for each in section.virtual_routes)


def virtual_rules(section: VrrpSection) -> tuple[VirtualRule, ...]:
    """The rules of an instance."""
    return tuple(_rule(each, section) for each in section.virtual_rules)


def _route(route: RouteSection, instance: VrrpSection) -> VirtualRoute:
    prefix = destination(route, instance)
    family = version(prefix)
    # As ip-route(8): what needs no gateway is on the link.
    near: Scope = "link" if route.gateway is None and route.type == "unicast" else "global"
    return VirtualRoute(
        destination=prefix,
        gateway=route.gateway,
        device=route.device,
        source=route.source,
        metric=route.metric or (IPV6_METRIC if family == 6 else 0),
        table=route.table,
        scope=SCOPES[route.scope or near] if family == 4 else 0,
        kind=route.type,
        on_link=route.on_link,
    )


def _rule(rule: RuleSection, instance: VrrpSection) -> VirtualRule:
    everything = _EVERYTHING[rule_family(rule, instance)]
    return VirtualRule(
        source=rule.origin or everything,
        destination=rule.to or everything,
        priority=rule.priority,
        table=rule.table or 0,
        kind=rule.type or "table",
        input_device=rule.input_device,
        output_device=rule.output_device,
        mark=rule.fwmark,
        mask=NUMBER_MAX if rule.fwmask is None else rule.fwmask,
    )
