"""Virtual routes and rules in the kernel, by calls that look at it once.

Unlike addresses they have no lifetime: what a killed process leaves is recognised by its protocol
number (`vrrp.netlink.route_message`) and removed by the next one. A route whose preferred source is
a virtual address of IPv4 goes with that address even then.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vrrp.model.configuration import InstanceConfiguration, VirtualRoute, VirtualRule
from vrrp.netlink.address_socket import AddressSocket
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

Item = VirtualRoute | VirtualRule

_NOT_THERE: Final = (errno.ESRCH, errno.ENOENT, errno.ENODEV)


class RouteError(Exception):
    """The kernel refused to change a route or a rule."""


def described(item: Item) -> str:
    """What an item is called in notices."""
    if isinstance(item, VirtualRoute):
        return f"route {item.destination} of table {item.table}"
    return f"rule {item.priority} from {item.source} to {item.destination}"


def items(configuration: InstanceConfiguration) -> tuple[Item, ...]:
    """What an instance puts beside its addresses, in the order it comes: nothing is ruled to a
    table before that has its routes.
    """
    return (*configuration.virtual_routes, *configuration.virtual_rules)


def addition(item: Item, indexes: Mapping[str, int]) -> bytes | None:
    """Build the message that adds an item; None when its device is missing."""
    if isinstance(item, VirtualRule):
        return rule_addition(item)
    index = device_index(item, indexes)
    return None if index is None else route_addition(item, index)


async def delete(
    kernel: AddressSocket, wanted: Sequence[Item], indexes: Mapping[str, int]
) -> list[RouteError]:
    """Delete items of ours, the last one first; those that are not there are no failure.

    Returns what failed.
    """
    failures: list[RouteError] = []
    for each in reversed(wanted):
        index = device_index(each, indexes)
        if index is None:
            continue  # the kernel has taken it along with its device
        request = (
            route_deletion(each, index) if isinstance(each, VirtualRoute) else rule_deletion(each)
        )
        (code,) = kernel.change([request])
        if code not in (0, *_NOT_THERE):
            failures.append(RouteError(f"cannot remove {described(each)}: {reason(code)}"))
        await asyncio.sleep(0)
    return failures


async def sweep(
    kernel: AddressSocket, configured: Iterable[Item], indexes: Mapping[str, int]
) -> list[RouteError]:
    """Delete what has our protocol number and is not configured any more. Returns what failed.

    Raises OSError when the kernel cannot list it at this moment.
    """
    wanted = tuple(configured)
    routes = [each for each in wanted if isinstance(each, VirtualRoute)]
    rules = [each for each in wanted if isinstance(each, VirtualRule)]
    requests: list[bytes] = []
    for family in FAMILIES:
        requests += [
            listed_route_deletion(body)
            for body in our_routes(kernel, family)
            if not any(_is_placed(body, each, indexes) for each in routes)
        ]
        requests += [
            listed_rule_deletion(body)
            for body in kernel.listed(rules_listing(family), RTM_NEWRULE)
            if is_our_rule(body) and not any(is_rule(body, each) for each in rules)
        ]
    failures = []
    for request in requests:
        (code,) = kernel.change([request])
        if code not in (0, *_NOT_THERE):
            failures.append(RouteError(f"cannot remove what was left over: {reason(code)}"))
        await asyncio.sleep(0)
    return failures


def our_routes(kernel: AddressSocket, family: int) -> list[bytes]:
    """List the routes with our protocol number. Raises OSError."""
    return [
        each for each in kernel.listed(routes_listing(family), RTM_NEWROUTE) if is_our_route(each)
    ]


def reason(code: int) -> str:
    """Say what an error number means here."""
    return "CAP_NET_ADMIN is needed" if code == errno.EPERM else os.strerror(code)


def device_index(item: Item, indexes: Mapping[str, int]) -> int | None:
    """The index of an item's device: 0 where it needs none, None where that is missing."""
    if isinstance(item, VirtualRule) or item.device is None:
        return 0
    return indexes.get(item.device) or None


def _is_placed(body: bytes, route: VirtualRoute, indexes: Mapping[str, int]) -> bool:
    index = device_index(route, indexes)
    return index is not None and is_route(body, route, index)
