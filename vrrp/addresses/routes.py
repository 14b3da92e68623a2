"""Adds, deletes and lists virtual routes and rules in the kernel. Each call does this once.

Unlike addresses, routes and rules have no lifetime. If a process is killed, the next process finds
them by their protocol number (`vrrp.netlink.route_message`) and removes them. The kernel removes an
IPv4 route together with the virtual address that is its preferred source.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vrrp.model.configuration import InstanceConfiguration, VirtualRoute, VirtualRule
from vrrp.netlink.route_message import (
    FAMILIES,
    RTM_NEWROUTE,
    RTM_NEWRULE,
    is_our_route,
    is_our_rule,
    is_route,
    is_rule,
    listed_route_deletion,
    listed_rule_deletion,
    route_addition,
    route_deletion,
    routes_listing,
    rule_addition,
    rule_deletion,
    rules_listing,
)
from vrrp.netlink.rtnetlink_socket import RtnetlinkSocket

Item = VirtualRoute | VirtualRule

_MISSING: Final = (errno.ESRCH, errno.ENOENT, errno.ENODEV)


class RouteError(Exception):
    """The kernel refused to change a route or a rule."""


def describe(item: Item) -> str:
    """Return the name of a route or rule in reports."""
    if isinstance(item, VirtualRoute):
        return f"route {item.destination} of table {item.table}"
    return f"rule {item.priority} from {item.source} to {item.destination}"


def items(configuration: InstanceConfiguration) -> tuple[Item, ...]:
    """Return the routes and rules of an instance, in the order in which they are added.

    Rules follow the routes, so that a routing table is filled before a rule selects it.
    """
    return (*configuration.virtual_routes, *configuration.virtual_rules)


def addition(item: Item, indexes: Mapping[str, int]) -> bytes | None:
    """Build the message that adds a route or rule; None if one of its devices is missing."""
    if isinstance(item, VirtualRule):
        return rule_addition(item)
    return route_addition(item, indexes) if has_devices(item, indexes) else None


async def delete(
    kernel: RtnetlinkSocket, wanted: Sequence[Item], indexes: Mapping[str, int]
) -> list[RouteError]:
    """Delete routes and rules in reverse order. Return the failures.

    A missing item is no failure.
    """
    failures: list[RouteError] = []
    for item in reversed(wanted):
        if isinstance(item, VirtualRule):
            request = rule_deletion(item)
        elif has_devices(item, indexes):
            request = route_deletion(item, indexes)
        else:
            continue  # the kernel deleted the route together with its device
        (code,) = kernel.change([request])
        if code not in (0, *_MISSING):
            failures.append(RouteError(f"cannot remove {describe(item)}: {reason(code)}"))
        await asyncio.sleep(0)
    return failures


async def sweep(
    kernel: RtnetlinkSocket, configured: Iterable[Item], indexes: Mapping[str, int]
) -> list[RouteError]:
    """Delete routes and rules with our protocol number that are not in the configuration.

    Return the failures. Raises OSError if the kernel cannot list them at this moment.
    """
    wanted = tuple(configured)
    routes = [item for item in wanted if isinstance(item, VirtualRoute)]
    rules = [item for item in wanted if isinstance(item, VirtualRule)]
    requests: list[bytes] = []
    for family in FAMILIES:
        requests += [
            listed_route_deletion(body)
            for body in our_routes(kernel, family)
            if not any(_matches(body, route, indexes) for route in routes)
        ]
        requests += [
            listed_rule_deletion(body)
            for body in kernel.dump(rules_listing(family), RTM_NEWRULE)
            if is_our_rule(body) and not any(is_rule(body, rule) for rule in rules)
        ]
    failures = []
    for request in requests:
        (code,) = kernel.change([request])
        if code not in (0, *_MISSING):
            failures.append(RouteError(f"cannot remove a leftover route or rule: {reason(code)}"))
        await asyncio.sleep(0)
    return failures


def our_routes(kernel: RtnetlinkSocket, family: int) -> list[bytes]:
    """List the routes with our protocol number. Raises OSError."""
    return [
        body for body in kernel.dump(routes_listing(family), RTM_NEWROUTE) if is_our_route(body)
    ]


def reason(code: int) -> str:
    """Return the text of an error number (errno) of the kernel."""
    return "CAP_NET_ADMIN is needed" if code == errno.EPERM else os.strerror(code)


def has_devices(route: VirtualRoute, indexes: Mapping[str, int]) -> bool:
    """Return whether all devices of a route exist."""
    return all(indexes.get(device) for device in route.devices)


def _matches(body: bytes, route: VirtualRoute, indexes: Mapping[str, int]) -> bool:
    return has_devices(route, indexes) and is_route(body, route, indexes)
