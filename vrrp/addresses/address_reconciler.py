"""Makes the kernel agree with whether an instance is to hold its virtual addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from vrrp.addresses.addresses import (
    ADDED_AT_ONCE,
    KEPT_LIFETIME_SECONDS,
    REFRESH_SECONDS,
    AddressError,
    Target,
    acquire,
    lifetime,
    release,
)
from vrrp.addresses.macvlan import Macvlan
from vrrp.addresses.route_reconciler import RouteReconciler
from vrrp.netlink.address_socket import AddressSocket
from vrrp.netlink.rtnetlink import Interface, Standing, VirtualAddress

SETTLE_SECONDS: Final = 1.0
RESTORED_MAX: Final = 256
"""Addresses put back at once in one period of refreshing: all of an instance. Against somebody who
takes away faster than that, the refresh has to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A device: its index, 0 while there is none, and the addresses that are not ours to change.

    Without ``carrier`` nobody hears what is announced on it.
    """

    index: int = 0
    foreign: frozenset[Interface] = frozenset()
    carrier: bool = False


_NOWHERE: Final = Place()


class AddressReconciler:
    """Holds one instance's virtual addresses while told to, and keeps them away otherwise.

    The instance says what is wanted and goes on at once; ``run`` makes the kernel agree. A change
    that fails is told to ``failed``, tried again after 0.5 s, and stops no other. ``acquired`` is
    called when addresses have come to stand, for the announcements that follow. Leftovers of an
    earlier process are removed first, unless the addresses are wanted by then. The ``routes`` come
    after the addresses, which may be their sources, and go before them. The ``macvlan`` that they
    stand on, if any, is up while they are wanted.
    """

    def __init__(
        self,
        addresses: Sequence[VirtualAddress],
        advert_interval: float,
        acquired: Callable[[], None],
        failed: Callable[[AddressError], None],
        routes: RouteReconciler,
        *,
        macvlan: Macvlan | None = None,
    ) -> None:
        self.configured = tuple(addresses)
        self._by_place = {(each.device, each.address): each for each in addresses}
        self._lifetime = lifetime(advert_interval)
        self._surplus: frozenset[VirtualAddress] = frozenset()
        self._acquired = acquired
        self._failed = failed
        self._routes = routes
        self._macvlan = macvlan
        self._kernel: AddressSocket | None = None
        self._places: dict[str, Place] = {}
        self._wanted = False
        self._standing: frozenset[VirtualAddress] = frozenset()
        self._released = False
        self._renewed_at = 0.0
        self._restored = 0
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def held(self) -> list[VirtualAddress]:
        """The addresses that stand by our doing or, foreign, without it."""
        return [each for each in self.configured if each in self._standing]

    def place(self, kernel: AddressSocket, device: str, place: Place) -> None:
        """Say where what goes on a device goes; without index it is gone, and all with it."""
        before = self._places.get(device, _NOWHERE)
        if place != before:
            self._routes.disturb()
        if place.index != before.index or place.carrier > before.carrier:
            self._unsettle()
        self._kernel, self._places[device] = kernel, place

    def change(self, addresses: Sequence[VirtualAddress], advert_interval: float) -> None:
        """Hold these instead of those configured until now."""
        self._lifetime = lifetime(advert_interval)
        self._surplus = (self._surplus | set(self.configured)) - set(addresses)
        self.configured = tuple(addresses)
        self._by_place = {(each.device, each.address): each for each in addresses}
        self._unsettle()

    def hold(self) -> None:
        """Want the addresses here; as many as are added at once stand when this returns.

        If one is refused, ``run`` meets that again and tells it.
        """
        self._wanted = True
        self._unsettle()
        targets = self._targets(self.configured)
        if self._kernel is None or len(targets) > ADDED_AT_ONCE:
            return
        if self._raise_macvlan():
            return
        with suppress(OSError):
            codes = self._kernel.renew(targets, self._lifetime)
            refused = [each for (_, each), code in zip(targets, codes, strict=True) if code]
            self._stand(refused)
            self._routes.hold(self._kernel, self._indexes())

    def let_go(self) -> None:
        """Want them gone."""
        self._wanted = False
        self._unsettle()

    def restore(self, gone: Standing) -> bool:
        """Put an address back that is gone from an interface; whether somebody had taken it.

        Not if it has not been renewed for so long that its lifetime may be over. This process was
        stalled then, and its router has to listen before anything is claimed.
        """
        stalled = asyncio.get_running_loop().time() - self._renewed_at > 2 * REFRESH_SECONDS
        if stalled or self._kernel is None or self._restored >= RESTORED_MAX:
            return False
        ours = self._at(gone)
        if ours is None:
            return False
        self._restored += 1
        with suppress(OSError):  # the next refresh meets it, and tells
            if self._kernel.restore(gone.interface, ours, self._lifetime) != 0:
                return False
            self._routes.disturb()
            self._routes.hold(self._kernel, self._indexes())
            return True
        return False

    async def settle(self) -> bool:
        """Wait until the kernel agrees with what is wanted; False if it does not within 1 s."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await self._settled.wait()
        except TimeoutError:
            return False
        return True

    async def keep(self) -> None:
        """Leave held addresses standing for `KEPT_LIFETIME_SECONDS` after us.

        Call it when ``run`` has ended. Raises AddressError.
        """
        if self._wanted and self._kernel is not None:
            targets = self._targets(self.configured)
            refused = await acquire(self._kernel, targets, KEPT_LIFETIME_SECONDS)
            if refused:
                raise next(iter(refused.values()))

    async def run(self) -> None:
        """Make the kernel agree, until cancelled."""
        while True:
            self._wake.clear()
            self._restored = 0
            try:
                await (self._refresh() if self._wanted else self._release())
            except OSError as error:
                self._failed(AddressError(str(error)))
            idle = self._released and not self._wanted
            with suppress(TimeoutError):
                async with asyncio.timeout(None if idle else REFRESH_SECONDS):
                    await self._wake.wait()

    async def _refresh(self) -> None:
        """Add or renew once. What is wanted may change meanwhile; then this is void."""
        failures = await self._release_surplus() + self._raise_macvlan()
        refused: dict[VirtualAddress, AddressError] = {}
        whole = True
        if self._kernel is not None:
            refused = self._missing()
            refused |= await acquire(self._kernel, self._targets(self.configured), self._lifetime)
            whole = await self._routes.acquire(self._kernel, self._indexes())
        self._tell([*failures, *refused.values()])
        if self._wake.is_set():
            return
        stood = self._standing
        self._stand(refused)
        if whole and not refused and not failures:
            self._settled.set()
        if self._standing - stood:
            self._acquired()

    async def _release(self) -> None:
        """Delete once, until it has worked."""
        if self._released:
            return
        gone = self._kernel is None or await self._routes.release(self._kernel, self._indexes())
        failures = await self._release_surplus()
        if self._kernel is not None:
            failures += await release(self._kernel, self._targets(self.configured))
        failures += await self._lower_macvlan()
        self._tell(failures)
        if gone and not failures and not self._wake.is_set():
            self._released = True
            self._settled.set()

    async def _release_surplus(self) -> list[AddressError]:
        surplus = self._surplus
        if not surplus or self._kernel is None:
            return []
        failures = await release(self._kernel, self._targets(surplus))
        if not failures:
            self._surplus -= surplus
        return failures

    def _raise_macvlan(self) -> list[AddressError]:
        try:
            if self._macvlan is not None:
                self._macvlan.raise_up()
        except OSError as error:
            return [AddressError(f"cannot raise the virtual MAC: {error}")]
        return []

    async def _lower_macvlan(self) -> list[AddressError]:
        try:
            if self._macvlan is not None:
                await self._macvlan.lower()
        except OSError as error:
            return [AddressError(f"cannot lower the virtual MAC: {error}")]
        return []

    def _tell(self, failures: Sequence[AddressError]) -> None:
        """One is told for all: they mostly have the same cause."""
        if failures:
            self._failed(failures[0])

    def _missing(self) -> dict[VirtualAddress, AddressError]:
        return {
            each: AddressError(f"cannot add {each.address}: there is no interface {each.device}")
            for each in self.configured
            if not self._places.get(each.device, _NOWHERE).index
        }

    def _indexes(self) -> dict[str, int]:
        """The devices that are there."""
        return {name: place.index for name, place in self._places.items() if place.index}

    def _targets(self, addresses: Iterable[VirtualAddress]) -> list[Target]:
        """Those to change, and where: on devices that are there, and not foreign."""
        placed = ((self._places.get(each.device, _NOWHERE), each) for each in addresses)
        return [
            (place.index, each)
            for place, each in placed
            if place.index and each.address not in place.foreign
        ]

    def _at(self, gone: Standing) -> VirtualAddress | None:
        """Find which of those that stand by our doing has been there."""
        for device, place in self._places.items():
            if place.index == gone.interface and gone.address not in place.foreign:
                ours = self._by_place.get((device, gone.address))
                return ours if ours in self._standing else None
        return None

    def _stand(self, refused: Iterable[VirtualAddress]) -> None:
        there = self._kernel is not None
        self._standing = frozenset(self.configured if there else ()) - frozenset(refused)
        self._renewed_at = asyncio.get_running_loop().time()

    def _unsettle(self) -> None:
        self._standing = frozenset()
        self._released = False
        self._settled.clear()
        self._wake.set()
