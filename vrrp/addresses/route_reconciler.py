"""Adds and removes the virtual routes and rules of one instance in the kernel."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Mapping, Sequence

from vrrp.addresses.addresses import ADDED_AT_ONCE
from vrrp.addresses.routes import (
    Item,
    RouteError,
    addition,
    delete,
    describe,
    our_routes,
    reason,
)
from vrrp.model.configuration import VirtualRoute, VirtualRule
from vrrp.netlink.route_message import (
    FAMILIES,
    blocks_route,
    is_route,
    listed_route_deletion,
    route_addition,
)
from vrrp.netlink.rtnetlink_socket import RtnetlinkSocket


class RouteReconciler:
    """Adds routes and rules at each call of `acquire`, and deletes them at `release`.

    An item is a route or a rule. The kernel does not report every removed route. Therefore
    `acquire` adds all items again each time. If an item was missing, another program has
    removed it, and `acquire` calls ``removed``. The first `acquire` after `invalidate` does not
    call ``removed``, because the kernel may have removed the item together with an address or a
    device.

    If a foreign route with the same destination exists, it stays, and ``failed`` is called
    once. If the kernel refuses an item, ``failed`` is called each time. ``indexes`` are the
    indexes of the existing devices.
    """

    def __init__(
        self,
        items: Sequence[Item],
        removed: Callable[[Item], None],
        failed: Callable[[RouteError], None],
    ) -> None:
        self.configured = tuple(items)
        self._removed = removed
        self._failed = failed
        self._surplus: tuple[Item, ...] = ()
        self._present: set[Item] = set()
        self._foreign: set[Item] = set()

    @property
    def devices(self) -> frozenset[str]:
        """The names of the devices of the routes."""
        routes = (item for item in self.configured if isinstance(item, VirtualRoute))
        return frozenset(device for route in routes for device in route.devices)

    def configure(self, items: Sequence[Item]) -> None:
        """Replace the configured routes and rules."""
        dropped = set(self.configured + self._surplus) - set(items)
        self._surplus = tuple(item for item in self.configured + self._surplus if item in dropped)
        self.configured = tuple(items)
        self._present -= dropped
        self._foreign -= dropped

    def invalidate(self) -> None:
        """Record that an address or a device has changed, which may have removed routes."""
        self._present.clear()
        self._foreign.clear()

    def hold(self, kernel: RtnetlinkSocket, indexes: Mapping[str, int]) -> None:
        """Add the items now if there are few. Call `acquire` afterwards. Raises OSError."""
        if len(self.configured) <= ADDED_AT_ONCE:
            self._add(kernel, self.configured, indexes)

    async def acquire(self, kernel: RtnetlinkSocket, indexes: Mapping[str, int]) -> bool:
        """Add all missing items. Return False if the kernel refused an item. Raises OSError."""
        deleted = await self._delete_surplus(kernel, indexes)
        refused: dict[Item, int] = {}
        for start in range(0, len(self.configured), ADDED_AT_ONCE):
            batch = self.configured[start : start + ADDED_AT_ONCE]
            refused |= self._add(kernel, batch, indexes)
            await asyncio.sleep(0)
        refused |= self._replace(kernel, _conflicting(refused), indexes)
        for item, code in refused.items():
            if code:
                self._failed(RouteError(f"cannot add {describe(item)}: {reason(code)}"))
        return deleted and not any(refused.values())

    async def release(self, kernel: RtnetlinkSocket, indexes: Mapping[str, int]) -> bool:
        """Delete all items. Return False if an item could not be deleted. Raises OSError."""
        self.invalidate()
        deleted = await self._delete_surplus(kernel, indexes)
        deleted = await self._delete(kernel, self.configured, indexes) and deleted
        self.invalidate()  # a takeover may have added items, which were then deleted here
        return deleted

    def _add(
        self, kernel: RtnetlinkSocket, wanted: Sequence[Item], indexes: Mapping[str, int]
    ) -> dict[Item, int]:
        """Add each item; return the error numbers of the refused items.

        EEXIST for a route counts as an error only if the existing route is not known yet.
        """
        requests = {item: addition(item, indexes) for item in wanted}
        possible = {item: request for item, request in requests.items() if request is not None}
        codes = dict.fromkeys(requests, errno.ENODEV)
        if possible:
            answers = kernel.change(list(possible.values()))
            codes |= dict(zip(possible, answers, strict=True))
        refused = {}
        for item, code in codes.items():
            if code == 0:
                if item in self._present:
                    self._removed(item)
                self._present.add(item)
                self._foreign.discard(item)
            elif code == errno.EEXIST and isinstance(item, VirtualRule):
                self._present.add(item)  # the kernel compares all fields of a rule
            elif code != errno.EEXIST or item not in self._present | self._foreign:
                self._present.discard(item)
                refused[item] = code
        return refused

    def _replace(
        self, kernel: RtnetlinkSocket, routes: Sequence[VirtualRoute], indexes: Mapping[str, int]
    ) -> dict[Item, int]:
        """Replace outdated routes that have our protocol number and conflict with ``routes``.

        Return the error number of each route. It is 0 for a route that is present, replaced, or
        blocked by a foreign route.
        """
        if not routes:
            return {}
        ours = [body for family in FAMILIES for body in our_routes(kernel, family)]
        codes: dict[Item, int] = {}
        for route in routes:
            blocking = [body for body in ours if blocks_route(body, route)]
            codes[route] = 0
            if not blocking:
                self._foreign.add(route)
                self._failed(
                    RouteError(f"{describe(route)} exists already and belongs to another program")
                )
                continue
            if not any(is_route(body, route, indexes) for body in blocking):
                deletions = [listed_route_deletion(body) for body in blocking]
                *_, codes[route] = kernel.change([*deletions, route_addition(route, indexes)])
            if codes[route] == 0:
                self._present.add(route)
        return codes

    async def _delete_surplus(self, kernel: RtnetlinkSocket, indexes: Mapping[str, int]) -> bool:
        surplus = self._surplus
        deleted = await self._delete(kernel, surplus, indexes)
        if deleted:
            self._surplus = tuple(item for item in self._surplus if item not in surplus)
        return deleted

    async def _delete(
        self, kernel: RtnetlinkSocket, wanted: Sequence[Item], indexes: Mapping[str, int]
    ) -> bool:
        failures = await delete(kernel, wanted, indexes)
        for failure in failures:
            self._failed(failure)
        return not failures


def _conflicting(refused: Mapping[Item, int]) -> list[VirtualRoute]:
    """Return the routes that the kernel refused because a similar route exists."""
    return [
        item
        for item, code in refused.items()
        if code == errno.EEXIST and isinstance(item, VirtualRoute)
    ]
