"""Virtual addresses on an interface, each with a lifetime, so that the kernel ends what we cannot.

An address is added with a lifetime and refreshed every 0.5 s while its router is ACTIVE: the kernel
takes it from a process that died or hangs, after 3 s at the earliest and not before a peer has had
the time to take over, so that a killed process costs no time without an answer. The lifetime also
tells ours from foreign: an address that stands without one (the host's own, an address owner's) is
never changed or deleted.

Addresses within 127.0.0.0/8 are local to every host; for them there is nothing to do.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from vrrp.address_socket import AddressSocket
from vrrp.transport.udp import LOOPBACK

if TYPE_CHECKING:
    from pyroute2 import AsyncIPRoute

SHORTEST_LIFETIME_SECONDS = 3
REFRESH_SECONDS = 0.5
KEPT_LIFETIME_SECONDS = 60
SETTLE_SECONDS = 1.0
CHANGED_AT_ONCE = 16
"""Addresses changed before timers get their turn: a fraction of a millisecond."""

_AF_INET = 2
_FOREVER = 0xFFFFFFFF  # INFINITY_LIFE_TIME, include/net/addrconf.h
_NOT_THERE = (errno.EADDRNOTAVAIL, errno.ENODEV)  # the address, or its interface, is gone already


class AddressError(Exception):
    """The kernel refused to change an address."""


def needing_kernel(addresses: Iterable[str]) -> tuple[IPv4Interface, ...]:
    """Those of ``addresses`` ("192.0.2.1/32") that have to be added to an interface."""
    parsed = (IPv4Interface(address) for address in addresses)
    return tuple(address for address in parsed if address.ip not in LOOPBACK)


def lifetime(advert_interval: float) -> int:
    """Seconds an address stands by itself: a peer's longest active-down interval, which is four
    advertisement intervals, and the time since the last refresh.
    """
    return max(SHORTEST_LIFETIME_SECONDS, math.ceil(4 * advert_interval + REFRESH_SECONDS))


async def acquire(
    kernel: AddressSocket, index: int, addresses: Sequence[IPv4Interface], seconds: int
) -> None:
    """Add each address, or renew its lifetime where it stands.

    Tries all of them, then raises AddressError for the first that failed.
    """
    await _change("add", lambda some: kernel.renew(index, some, seconds), addresses, harmless=(0,))


async def release(kernel: AddressSocket, index: int, addresses: Sequence[IPv4Interface]) -> None:
    """Delete ``addresses``, which have to be ours; those that are not there are no failure.

    Tries all of them, then raises AddressError for the first that failed.
    """
    harmless = (0, *_NOT_THERE)
    await _change("remove", lambda some: kernel.delete(index, some), addresses, harmless)


async def _change(
    verb: str,
    change: Callable[[Sequence[IPv4Interface]], list[int]],
    addresses: Sequence[IPv4Interface],
    harmless: tuple[int, ...],
) -> None:
    failure: AddressError | None = None
    for start in range(0, len(addresses), CHANGED_AT_ONCE):
        some = addresses[start : start + CHANGED_AT_ONCE]
        for address, code in zip(some, change(some), strict=True):
            if code not in harmless and failure is None:
                failure = AddressError(f"cannot {verb} {address}: {_reason(code)}")
        if start + CHANGED_AT_ONCE < len(addresses):
            await asyncio.sleep(0)
    if failure is not None:
        raise failure


async def present(netlink: AsyncIPRoute, index: int) -> dict[IPv4Interface, int | None]:
    """The IPv4 addresses of an interface with their lifetime in seconds, None for forever.

    Raises AddressError when the kernel cannot say, which may be different a moment later.
    """
    from pyroute2.netlink.exceptions import NetlinkError

    found: dict[IPv4Interface, int | None] = {}
    try:
        async for message in await netlink.get_addr(index=index, family=_AF_INET):
            valid = message.get("IFA_CACHEINFO")["ifa_valid"]
            address = IPv4Interface((message.get("IFA_LOCAL"), message["prefixlen"]))
            found[address] = None if valid == _FOREVER else valid
    except NetlinkError as error:
        raise AddressError(f"cannot list addresses: {error}") from error
    return found


async def remove(interface: str, addresses: Iterable[str]) -> None:
    """Delete those of ``addresses`` that are ours, in place of a vrrp process that cannot.

    Needs CAP_NET_ADMIN, unless all of them are loopback addresses. An interface that is gone has
    taken its addresses with it. Raises AddressError.
    """
    wanted = needing_kernel(addresses)
    if not wanted:
        return
    from pyroute2 import AsyncIPRoute

    with closing(AddressSocket()) as kernel:
        async with AsyncIPRoute() as netlink:
            for index in await netlink.link_lookup(ifname=interface):
                standing = await present(netlink, index)
                ours = [address for address in wanted if standing.get(address) is not None]
                await release(kernel, index, ours)


def _reason(code: int) -> str:
    return "CAP_NET_ADMIN is needed" if code == errno.EPERM else os.strerror(code)


class AddressHolder:
    """Holds one instance's virtual addresses while told to, and keeps them away otherwise.

    The instance says what is wanted and goes on at once; ``run`` makes the kernel agree. A change
    that fails is told to ``failed`` and tried again after 0.5 s. ``acquired`` is called when the
    addresses have come to stand, for the announcements that follow. Leftovers of an earlier
    process are removed first, unless the addresses are wanted by then.
    """

    def __init__(
        self,
        addresses: Sequence[IPv4Interface],
        advert_interval: float,
        acquired: Callable[[], None],
        failed: Callable[[AddressError], None],
    ) -> None:
        self._addresses = tuple(addresses)
        self._lifetime = lifetime(advert_interval)
        self._surplus: tuple[IPv4Interface, ...] = ()
        self._acquired = acquired
        self._failed = failed
        self._kernel: AddressSocket | None = None
        self._index = 0
        self._foreign: frozenset[IPv4Interface] = frozenset()
        self._wanted = False
        self._agreed: bool | None = None  # what the kernel was last made to agree with
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def held(self) -> list[IPv4Address]:
        """The addresses that stand by our doing or, foreign, without it."""
        standing = self._wanted and self._agreed is True
        return [address.ip for address in self._addresses] if standing else []

    def place(self, kernel: AddressSocket, index: int, foreign: frozenset[IPv4Interface]) -> None:
        """Say where the addresses go; index 0: the interface is gone, and they with it.

        ``foreign`` stand there without a lifetime: they are let be.
        """
        if index != self._index:
            self._unsettle()
        self._kernel, self._index, self._foreign = kernel, index, foreign

    def change(self, addresses: Sequence[IPv4Interface], advert_interval: float) -> None:
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
        if self._kernel is None or not self._index or len(ours) > CHANGED_AT_ONCE:
            return
        with suppress(OSError):
            if not any(self._kernel.renew(self._index, ours, self._lifetime)):
                self._agreed = True

    def let_go(self) -> None:
        """Want them gone."""
        self._wanted = False
        self._unsettle()

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
        elif self._agreed is None:
            await release(self._kernel, self._index, self._ours(self._addresses))
        surplus = self._surplus
        if surplus:
            await release(self._kernel, self._index, self._ours(surplus))
            self._surplus = tuple(set(self._surplus) - set(surplus))

    def _ours(self, addresses: Iterable[IPv4Interface]) -> list[IPv4Interface]:
        return [address for address in addresses if address not in self._foreign]

    def _unsettle(self) -> None:
        self._agreed = None
        self._settled.clear()
        self._wake.set()
