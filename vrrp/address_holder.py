"""Makes the kernel agree with whether an instance is to hold its virtual addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

from vrrp.address_socket import AddressSocket
from vrrp.addresses import (
    ADDED_AT_ONCE,
    KEPT_LIFETIME_SECONDS,
    REFRESH_SECONDS,
    AddressError,
    acquire,
    lifetime,
    release,
)
from vrrp.packet import Address
from vrrp.rtnetlink import Interface, Standing

SETTLE_SECONDS: Final = 1.0
RESTORED_MAX: Final = 256
"""Addresses put back at once in one period of refreshing: all of an instance. Against somebody who
takes away faster than that, the refresh has to do."""


class AddressHolder:
    """Holds one instance's virtual addresses while told to, and keeps them away otherwise.

    The instance says what is wanted and goes on at once; ``run`` makes the kernel agree. A change
    that fails is told to ``failed`` and tried again after 0.5 s. ``acquired`` is called when the
    addresses have come to stand, for the announcements that follow. Leftovers of an earlier
    process are removed first, unless the addresses are wanted by then.
    """

    def __init__(
        self,
        addresses: Sequence[Interface],
        advert_interval: float,
        acquired: Callable[[], None],
        failed: Callable[[AddressError], None],
    ) -> None:
        self._addresses = tuple(addresses)
        self._lifetime = lifetime(advert_interval)
        self._surplus: tuple[Interface, ...] = ()
        self._acquired = acquired
        self._failed = failed
        self._kernel: AddressSocket | None = None
        self._index = 0
        self._foreign: frozenset[Interface] = frozenset()
        self._wanted = False
        self._agreed: bool | None = None  # what the kernel was last made to agree with
        self._renewed_at = 0.0
        self._restored = 0
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def held(self) -> list[Address]:
        """The addresses that stand by our doing or, foreign, without it."""
        standing = self._wanted and self._agreed is True
        return [address.ip for address in self._addresses] if standing else []

    def place(self, kernel: AddressSocket, index: int, foreign: frozenset[Interface]) -> None:
        """Say where the addresses go; index 0: the interface is gone, and they with it.

        ``foreign`` stand there without a lifetime: they are let be.
        """
        if index != self._index:
            self._unsettle()
        self._kernel, self._index, self._foreign = kernel, index, foreign

    def change(self, addresses: Sequence[Interface], advert_interval: float) -> None:
        """Hold these instead of those configured until now."""
        self._lifetime = lifetime(advert_interval)
        dropped = set(self._addresses + self._surplus) - set(addresses)
        self._addresses, self._surplus = tuple(addresses), tuple(dropped)
        self._unsettle()

    def hold(self) -> None:
        """Want the addresses here; as many as are changed at once stand when this returns.

        If one is refused, ``run`` meets that again and tells it.
        """
        self._wanted = True
        self._unsettle()
        ours = self._ours(self._addresses)
        if self._kernel is None or not self._index or len(ours) > ADDED_AT_ONCE:
            return
        with suppress(OSError):
            if not any(self._kernel.renew(self._index, ours, self._lifetime)):
                self._renewed()
                self._agreed = True

    def let_go(self) -> None:
        """Want them gone."""
        self._wanted = False
        self._unsettle()

    def restore(self, gone: Standing) -> bool:
        """Put an address back that is gone from an interface; whether somebody had taken it.

        Not if it has not been renewed for so long that its lifetime may be over. This process was
        stalled then, and its router has to listen before anything is claimed.
        """
        if not self._wanted or self._kernel is None or self._agreed is None:
            return False
        if gone.interface != self._index or gone.address not in self._addresses:
            return False
        stalled = asyncio.get_running_loop().time() - self._renewed_at > 2 * REFRESH_SECONDS
        if stalled or self._restored >= RESTORED_MAX:
            return False
        self._restored += 1
        try:
            return self._kernel.restore(self._index, gone.address, self._lifetime) == 0
        except OSError:
            return False  # the next refresh meets it, and tells

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
        if self._wanted and self._kernel is not None and self._index:
            await acquire(
                self._kernel, self._index, self._ours(self._addresses), KEPT_LIFETIME_SECONDS
            )

    async def run(self) -> None:
        """Make the kernel agree, until cancelled."""
        while True:
            self._wake.clear()
            self._restored = 0
            await self._agree()
            idle = self._agreed is False
            with suppress(TimeoutError):
                async with asyncio.timeout(None if idle else REFRESH_SECONDS):
                    await self._wake.wait()

    async def _agree(self) -> None:
        """One attempt. What is wanted may change while the kernel is asked; then it is void."""
        wanted, before = self._wanted, self._agreed
        try:
            await self._apply(wanted)
        except (AddressError, OSError) as error:
            self._failed(error if isinstance(error, AddressError) else AddressError(str(error)))
            return
        if self._wake.is_set():
            return
        self._agreed = wanted
        self._settled.set()
        if wanted and before is not True:
            self._acquired()

    async def _apply(self, wanted: bool) -> None:
        if self._kernel is None or not self._index:
            return
        if wanted:
            await acquire(self._kernel, self._index, self._ours(self._addresses), self._lifetime)
            self._renewed()
        elif self._agreed is None:
            await release(self._kernel, self._index, self._ours(self._addresses))
        surplus = self._surplus
        if surplus:
            await release(self._kernel, self._index, self._ours(surplus))
            self._surplus = tuple(set(self._surplus) - set(surplus))

    def _renewed(self) -> None:
        self._renewed_at = asyncio.get_running_loop().time()

    def _ours(self, addresses: Iterable[Interface]) -> list[Interface]:
        return [address for address in addresses if address not in self._foreign]

    def _unsettle(self) -> None:
        self._agreed = None
        self._settled.clear()
        self._wake.set()
