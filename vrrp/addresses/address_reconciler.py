"""Adds and removes the virtual addresses of one instance in the kernel, and retries on errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from vrrp.addresses.addresses import (
    ADDED_AT_ONCE,
    KEPT_LIFETIME_SECONDS,
    REFRESH_SECONDS,
    AddressError,
    Target,
    acquire,
    release,
)
from vrrp.addresses.macvlan import Macvlan
from vrrp.addresses.route_reconciler import RouteReconciler
from vrrp.netlink.rtnetlink import Interface, InterfaceAddress, VirtualAddress
from vrrp.netlink.rtnetlink_socket import RtnetlinkSocket

SETTLE_SECONDS: Final = 1.0
RESTORED_MAX: Final = 256
"""The number of removed addresses that are restored at once between two renewals: enough for the
255 advertised addresses of an instance. The next renewal restores further addresses."""


class DeviceState(msgspec.Struct, frozen=True):
    """The state of a network device that holds virtual addresses.

    ``index`` is 0 while the device does not exist. ``foreign`` are addresses that another
    program or the administrator has added; they must not be changed. While ``carrier`` is
    False, announcements reach no host.
    """

    index: int = 0
    foreign: frozenset[Interface] = frozenset()
    carrier: bool = False


_ABSENT: Final = DeviceState()


class AddressReconciler:
    """Adds the virtual addresses of one instance after `hold`, and removes them after `release`.

    Both methods return at once; the task `run` changes the kernel. After an error it calls
    ``failed`` and tries again 0.5 s later; the other addresses are not affected. After
    addresses were added it calls ``acquired``, so that they can be announced. At the start it
    removes addresses that an earlier process has left, unless `hold` was called.

    If a device disappears or has another index, it was deleted or renamed. A renamed device
    still has the addresses, so they are deleted by the last known index.

    ``lifetime`` is the lifetime of the addresses in the kernel, in seconds. ``routes`` are
    added after the addresses and removed before them, because an address may be the source of a
    route. The ``macvlan`` is up while the addresses are wanted.
    """

    def __init__(
        self,
        addresses: Sequence[VirtualAddress],
        lifetime: int,
        acquired: Callable[[], None],
        failed: Callable[[AddressError], None],
        routes: RouteReconciler,
        *,
        macvlan: Macvlan | None = None,
    ) -> None:
        self.configured = tuple(addresses)
        self._by_device = {(virtual.device, virtual.address): virtual for virtual in addresses}
        self._lifetime = lifetime
        self._surplus: frozenset[VirtualAddress] = frozenset()
        self._acquired = acquired
        self._failed = failed
        self._routes = routes
        self._macvlan = macvlan
        self._kernel: RtnetlinkSocket | None = None
        self._devices: dict[str, DeviceState] = {}
        self._left: dict[str, DeviceState] = {}
        self._wanted = False
        self._held: frozenset[VirtualAddress] = frozenset()
        self._released = False
        self._renewed_at = 0.0
        self._restored = 0
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def held(self) -> list[VirtualAddress]:
        """The configured addresses that are on their devices, including foreign addresses."""
        return [virtual for virtual in self.configured if virtual in self._held]

    @property
    def devices(self) -> frozenset[str]:
        """The devices that hold the addresses and routes."""
        return self._routes.devices | {virtual.device for virtual in self.configured}

    def use(self, kernel: RtnetlinkSocket) -> None:
        """Use this socket from now on. `update_device` also sets it; rules need no device."""
        self._kernel = kernel

    def update_device(self, kernel: RtnetlinkSocket, device: str, state: DeviceState) -> None:
        """Store the new state of a device that holds addresses or routes."""
        before = self._devices.get(device, _ABSENT)
        if state != before:
            self._routes.invalidate()
        if before.index not in (0, state.index):
            self._left[device] = before
        elif state.index and self._left.get(device, _ABSENT).index == state.index:
            del self._left[device]  # it has its name again
        if state.index != before.index or state.carrier > before.carrier:
            self._request_pass()
        self._kernel, self._devices[device] = kernel, state

    def configure(self, addresses: Sequence[VirtualAddress], lifetime: int) -> None:
        """Replace the configured addresses and their lifetime, which is in seconds."""
        self._lifetime = lifetime
        self._surplus = (self._surplus | set(self.configured)) - set(addresses)
        self.configured = tuple(addresses)
        self._by_device = {(virtual.device, virtual.address): virtual for virtual in addresses}
        self._request_pass()

    def hold(self) -> None:
        """Start to hold the addresses. A small number of them is added before this method returns.

        If the kernel refuses an address, the task `run` reports it.
        """
        self._wanted = True
        self._request_pass()
        targets = self._targets(self.configured)
        if self._kernel is None or len(targets) > ADDED_AT_ONCE:
            return
        if self._bring_macvlan_up():
            return
        with suppress(OSError):
            codes = self._kernel.renew(targets, self._lifetime)
            refused = [virtual for (_, virtual), code in zip(targets, codes, strict=True) if code]
            self._note_held(refused)
            self._routes.hold(self._kernel, self._indexes())

    def release(self) -> None:
        """Start to remove the addresses. The task `run` removes them."""
        self._wanted = False
        self._request_pass()

    def restore(self, removed: InterfaceAddress) -> bool:
        """Add an address again that was removed from an interface. Return True if it was added.

        It is not added if its lifetime may have ended, because it was not renewed in time.
        In this case the process was stalled and a peer may hold the address, so the router
        must listen first.
        """
        stalled = asyncio.get_running_loop().time() - self._renewed_at > 2 * REFRESH_SECONDS
        if stalled or self._kernel is None or self._restored >= RESTORED_MAX:
            return False
        ours = self._find_held(removed)
        if ours is None:
            return False
        self._restored += 1
        with suppress(OSError):  # `run` tries again, and reports the error
            if self._kernel.restore(removed.interface, ours, self._lifetime) != 0:
                return False
            self._routes.invalidate()
            self._routes.hold(self._kernel, self._indexes())
            return True
        return False

    async def settle(self) -> bool:
        """Wait until all requested changes are made. Return False if that takes longer than 1 s."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await self._settled.wait()
        except TimeoutError:
            return False
        return True

    async def extend_lifetime(self) -> None:
        """Set the lifetime of held addresses to `KEPT_LIFETIME_SECONDS`, for the next process.

        Call this after `run` has ended. Raises AddressError.
        """
        if self._wanted and self._kernel is not None:
            targets = self._targets(self.configured)
            refused = await acquire(self._kernel, targets, KEPT_LIFETIME_SECONDS)
            if refused:
                raise next(iter(refused.values()))

    async def run(self) -> None:
        """Reconcile until cancelled."""
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
        """Add or renew all addresses once. If the request changes, ignore the result."""
        failures = await self._release_surplus() + self._bring_macvlan_up()
        refused: dict[VirtualAddress, AddressError] = {}
        complete = True
        if self._kernel is not None:
            refused = self._missing()
            refused |= await acquire(self._kernel, self._targets(self.configured), self._lifetime)
            complete = await self._routes.acquire(self._kernel, self._indexes())
        self._report_first([*failures, *refused.values()])
        if self._wake.is_set():
            return
        before = self._held
        self._note_held(refused)
        if complete and not refused and not failures:
            self._settled.set()
        if self._held - before:
            self._acquired()

    async def _release(self) -> None:
        """Delete the routes and addresses, unless an earlier pass has deleted all of them."""
        if self._released:
            return
        indexes = {name: state.index for name, state in self._left.items()} | self._indexes()
        removed = self._kernel is None or await self._routes.release(self._kernel, indexes)
        failures = await self._release_surplus()
        if self._kernel is not None:
            failures += await release(self._kernel, self._targets(self.configured))
        failures += await self._bring_macvlan_down()
        self._report_first(failures)
        if removed and not failures and not self._wake.is_set():
            self._released = True
            self._settled.set()

    async def _release_surplus(self) -> list[AddressError]:
        surplus, left = self._surplus, dict(self._left)
        if self._kernel is None or not (surplus or left):
            return []
        targets = self._targets(surplus)
        for device, state in left.items():
            configured = {each for each in (*self.configured, *surplus) if each.device == device}
            targets += [(state.index, each) for each in configured - _foreign(configured, state)]
        failures = await release(self._kernel, targets)
        if not failures:
            self._surplus -= surplus
            self._left = {name: each for name, each in self._left.items() if left.get(name) != each}
        return failures

    def _bring_macvlan_up(self) -> list[AddressError]:
        try:
            if self._macvlan is not None:
                self._macvlan.bring_up()
        except OSError as error:
            return [AddressError(f"cannot bring the macvlan up: {error}")]
        return []

    async def _bring_macvlan_down(self) -> list[AddressError]:
        try:
            if self._macvlan is not None:
                await self._macvlan.bring_down()
        except OSError as error:
            return [AddressError(f"cannot bring the macvlan down: {error}")]
        return []

    def _report_first(self, failures: Sequence[AddressError]) -> None:
        """Report the first failure only: failures of one pass usually have the same cause."""
        if failures:
            self._failed(failures[0])

    def _missing(self) -> dict[VirtualAddress, AddressError]:
        return {
            virtual: AddressError(
                f"cannot add {virtual.address}: there is no interface {virtual.device}"
            )
            for virtual in self.configured
            if not self._devices.get(virtual.device, _ABSENT).index
        }

    def _indexes(self) -> dict[str, int]:
        """Return the indexes of the devices that exist."""
        return {name: state.index for name, state in self._devices.items() if state.index}

    def _targets(self, addresses: Iterable[VirtualAddress]) -> list[Target]:
        """Return the addresses that can be changed, with the indexes of their devices."""
        states = ((self._devices.get(virtual.device, _ABSENT), virtual) for virtual in addresses)
        return [
            (state.index, virtual)
            for state, virtual in states
            if state.index and virtual.address not in state.foreign
        ]

    def _find_held(self, removed: InterfaceAddress) -> VirtualAddress | None:
        """Return the held address, not a foreign one, that was removed from an interface."""
        for device, state in self._devices.items():
            if state.index == removed.interface and removed.address not in state.foreign:
                ours = self._by_device.get((device, removed.address))
                return ours if ours in self._held else None
        return None

    def _note_held(self, refused: Iterable[VirtualAddress]) -> None:
        configured = self.configured if self._kernel is not None else ()
        self._held = frozenset(configured) - frozenset(refused)
        self._renewed_at = asyncio.get_running_loop().time()

    def _request_pass(self) -> None:
        self._held = frozenset()
        self._released = False
        self._settled.clear()
        self._wake.set()


def _foreign(addresses: Iterable[VirtualAddress], state: DeviceState) -> set[VirtualAddress]:
    return {virtual for virtual in addresses if virtual.address in state.foreign}
