"""Virtual addresses on an interface, each with a lifetime, so that the kernel ends what we cannot.

An address is added with a lifetime of 3 s and refreshed every 0.5 s while its router is ACTIVE: the
kernel takes it from a process that died or hangs. The lifetime also tells ours from foreign: an
address that stands without one (the host's own, an address owner's) is never changed or deleted.

Addresses within 127.0.0.0/8 are local to every host; for them there is nothing to do.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING, Any

from vrrp.transport.udp import LOOPBACK

if TYPE_CHECKING:
    from pyroute2 import AsyncIPRoute

LIFETIME_SECONDS = 3
REFRESH_SECONDS = 0.5
KEPT_LIFETIME_SECONDS = 60
SETTLE_SECONDS = 1.0

_AF_INET = 2
_FOREVER = 0xFFFFFFFF  # INFINITY_LIFE_TIME, include/net/addrconf.h
_NOT_THERE = (errno.EADDRNOTAVAIL, errno.ENODEV)  # the address, or its interface, is gone already


class AddressError(Exception):
    """The kernel refused to change an address."""


def needing_kernel(addresses: Iterable[str]) -> tuple[IPv4Interface, ...]:
    """Those of ``addresses`` ("192.0.2.1/32") that have to be added to an interface."""
    parsed = (IPv4Interface(address) for address in addresses)
    return tuple(address for address in parsed if address.ip not in LOOPBACK)


async def acquire(
    netlink: AsyncIPRoute,
    index: int,
    addresses: Sequence[IPv4Interface],
    lifetime: int = LIFETIME_SECONDS,
) -> None:
    """Add each address, or renew its lifetime (seconds) where it stands.

    Tries all of them, then raises AddressError for the first that failed.
    """
    failure: AddressError | None = None
    for address in addresses:
        code = await _change(
            netlink, "replace", index, address, valid_lft=lifetime, preferred_lft=lifetime
        )
        if code and failure is None:
            failure = AddressError(f"cannot add {address}: {_reason(code)}")
    if failure is not None:
        raise failure


async def release(netlink: AsyncIPRoute, index: int, addresses: Sequence[IPv4Interface]) -> None:
    """Delete ``addresses``, which have to be ours; those that are not there are no failure.

    Tries all of them, then raises AddressError for the first that failed.
    """
    failure: AddressError | None = None
    for address in addresses:
        code = await _change(netlink, "del", index, address)
        if code and code not in _NOT_THERE and failure is None:
            failure = AddressError(f"cannot remove {address}: {_reason(code)}")
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

    async with AsyncIPRoute() as netlink:
        for index in await netlink.link_lookup(ifname=interface):
            standing = await present(netlink, index)
            ours = [address for address in wanted if standing.get(address) is not None]
            await release(netlink, index, ours)


async def _change(
    netlink: AsyncIPRoute, command: str, index: int, address: IPv4Interface, **lifetimes: Any
) -> int:
    """Change one address; the kernel's error number, 0 when it agreed."""
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        await netlink.addr(
            command,
            family=_AF_INET,
            index=index,
            address=str(address.ip),
            prefixlen=address.network.prefixlen,
            **lifetimes,
        )
    except NetlinkError as error:
        return int(error.code)
    return 0


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
        acquired: Callable[[], None],
        failed: Callable[[AddressError], None],
    ) -> None:
        self._addresses = tuple(addresses)
        self._surplus: tuple[IPv4Interface, ...] = ()
        self._acquired = acquired
        self._failed = failed
        self._netlink: AsyncIPRoute | None = None
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

    def place(self, netlink: AsyncIPRoute, index: int, foreign: frozenset[IPv4Interface]) -> None:
        """Say where the addresses go; index 0: the interface is gone, and they with it.

        ``foreign`` stand there without a lifetime: they are let be.
        """
        if index != self._index:
            self._unsettle()
        self._netlink, self._index, self._foreign = netlink, index, foreign

    def change(self, addresses: Sequence[IPv4Interface]) -> None:
        """Hold these instead of those configured until now."""
        dropped = set(self._addresses + self._surplus) - set(addresses)
        self._addresses, self._surplus = tuple(addresses), tuple(dropped)
        self._unsettle()

    def hold(self) -> None:
        """Want the addresses here."""
        self._wanted = True
        self._unsettle()

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
        if self._wanted and self._netlink is not None and self._index:
            await acquire(
                self._netlink, self._index, self._ours(self._addresses), KEPT_LIFETIME_SECONDS
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
        if self._netlink is None or not self._index:
            return
        if wanted:
            await acquire(self._netlink, self._index, self._ours(self._addresses))
        elif self._agreed is None:
            await release(self._netlink, self._index, self._ours(self._addresses))
        surplus = self._surplus
        if surplus:
            await release(self._netlink, self._index, self._ours(surplus))
            self._surplus = tuple(set(self._surplus) - set(surplus))

    def _ours(self, addresses: Iterable[IPv4Interface]) -> list[IPv4Interface]:
        return [address for address in addresses if address not in self._foreign]

    def _unsettle(self) -> None:
        self._agreed = None
        self._settled.clear()
        self._wake.set()
