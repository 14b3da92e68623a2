"""Makes the kernel agree with the routes and rules an instance puts beside its addresses."""

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
    described,
    device_index,
    our_routes,
    reason,
)
from vrrp.model.configuration import VirtualRoute, VirtualRule
from vrrp.netlink.address_socket import AddressSocket
from vrrp.netlink.route_message import (
    FAMILIES,
    is_in_place_of,
    is_route,
    listed_route_deletion,
    route_addition,
)


class RouteReconciler:
    """Adds what is missing every time it is asked to, and deletes what is ours.

    Adding again is also how a loss is noticed: the kernel tells of few of them. What stood by our
    doing and is missing was taken by somebody, which ``removed`` is told, unless the kernel may
    have taken it along with an address or a device (`disturb`). A route of somebody else's in the
    place of ours is left alone, and told to ``failed`` once; so is what the kernel refuses, each
    time. ``indexes`` are the devices that are there.
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
        self._standing: set[Item] = set()
        self._foreign: set[Item] = set()

    @property
    def devices(self) -> frozenset[str]:
        """The devices whose indexes are needed."""
        routes = (each for each in self.configured if isinstance(each, VirtualRoute))
        return frozenset(each.device for each in routes if each.device is not None)

    def change(self, items: Sequence[Item]) -> None:
        """Hold these instead of those configured until now."""
        dropped = set(self.configured + self._surplus) - set(items)
        self._surplus = tuple(each for each in self.configured + self._surplus if each in dropped)
        self.configured = tuple(items)
        self._standing -= dropped
        self._foreign -= dropped

    def disturb(self) -> None:
        """An address or a device went or came, and routes may have gone with it."""
        self._standing.clear()
        self._foreign.clear()

    def hold(self, kernel: AddressSocket, indexes: Mapping[str, int]) -> None:
        """Add what can be added at once, for a takeover; `acquire` follows. Raises OSError."""
        if len(self.configured) <= ADDED_AT_ONCE:
            self._add(kernel, self.configured, indexes)

    async def acquire(self, kernel: AddressSocket, indexes: Mapping[str, int]) -> bool:
        """Add what is missing, once; whether nothing was refused. Raises OSError."""
        good = await self._delete_surplus(kernel, indexes)
        refused: dict[Item, int] = {}
        for start in range(0, len(self.configured), ADDED_AT_ONCE):
            some = self.configured[start : start + ADDED_AT_ONCE]
            refused |= self._add(kernel, some, indexes)
            await asyncio.sleep(0)
        refused |= self._judge(kernel, _in_doubt(refused), indexes)
        for each, code in refused.items():
            if code:
                self._failed(RouteError(f"cannot add {described(each)}: {reason(code)}"))
        return good and not any(refused.values())

    async def release(self, kernel: AddressSocket, indexes: Mapping[str, int]) -> bool:
        """Delete what is ours, once; whether all of it is gone. Raises OSError."""
        self.disturb()
        gone = await self._delete_surplus(kernel, indexes)
        gone = await self._delete(kernel, self.configured, indexes) and gone
        self.disturb()  # a takeover meanwhile has added some, and we have deleted them
        return gone

    def _add(
        self, kernel: AddressSocket, wanted: Sequence[Item], indexes: Mapping[str, int]
    ) -> dict[Item, int]:
        """Add each; the error numbers of those that were refused.

        EEXIST of a route is one of them only while it is not known what stands there.
        """
        requests = {each: addition(each, indexes) for each in wanted}
        possible = {each: request for each, request in requests.items() if request is not None}
        codes = dict.fromkeys(requests, errno.ENODEV)
        if possible:
            answers = kernel.change(list(possible.values()))
            codes |= dict(zip(possible, answers, strict=True))
        refused = {}
        for each, code in codes.items():
            if code == 0:
                if each in self._standing:
                    self._removed(each)
                self._standing.add(each)
                self._foreign.discard(each)
            elif code == errno.EEXIST and isinstance(each, VirtualRule):
                self._standing.add(each)  # the kernel compares all of a rule
            elif code != errno.EEXIST or each not in self._standing | self._foreign:
                self._standing.discard(each)
                refused[each] = code
        return refused

    def _judge(
        self, kernel: AddressSocket, doubtful: Sequence[VirtualRoute], indexes: Mapping[str, int]
    ) -> dict[Item, int]:
        """Find out what stands in place of routes, and put them in place of older ones of ours.

        Returns the kernel's error numbers, 0 where nothing is to be done any more.
        """
        if not doubtful:
            return {}
        ours = [body for family in FAMILIES for body in our_routes(kernel, family)]
        codes: dict[Item, int] = {}
        for route in doubtful:
            index = device_index(route, indexes) or 0
            there = [body for body in ours if is_in_place_of(body, route)]
            codes[route] = 0
            if not there:
                self._foreign.add(route)
                self._failed(RouteError(f"{described(route)} is there already, and not ours"))
                continue
            if not any(is_route(body, route, index) for body in there):
                away = [listed_route_deletion(body) for body in there]
                *_, codes[route] = kernel.change([*away, route_addition(route, index)])
            if codes[route] == 0:
                self._standing.add(route)
        return codes

    async def _delete_surplus(self, kernel: AddressSocket, indexes: Mapping[str, int]) -> bool:
        surplus = self._surplus
        gone = await self._delete(kernel, surplus, indexes)
        if gone:
            self._surplus = tuple(each for each in self._surplus if each not in surplus)
        return gone

    async def _delete(
        self, kernel: AddressSocket, wanted: Sequence[Item], indexes: Mapping[str, int]
    ) -> bool:
        failures = await delete(kernel, wanted, indexes)
        for each in failures:
            self._failed(each)
        return not failures


def _in_doubt(refused: Mapping[Item, int]) -> list[VirtualRoute]:
    """The routes that the kernel says are there already."""
    return [
        each
        for each, code in refused.items()
        if code == errno.EEXIST and isinstance(each, VirtualRoute)
    ]
