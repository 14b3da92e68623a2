"""Virtual addresses on an interface, each with a lifetime, so that the kernel ends what we cannot.

An address is added with a lifetime of 3 s and refreshed every 0.5 s while its router is ACTIVE: the
kernel takes it from a process that died or hangs. The lifetime also tells ours from foreign: an
address that stands without one (the host's own, an address owner's) is never changed or deleted.

Addresses within 127.0.0.0/8 are local to every host; for them there is nothing to do.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING, Any

from vrrp.transport.udp import LOOPBACK

if TYPE_CHECKING:
    from pyroute2 import AsyncIPRoute

LIFETIME_SECONDS = 3
REFRESH_SECONDS = 0.5
KEPT_LIFETIME_SECONDS = 60

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
            failure = AddressError(f"cannot add {address}: {errno.errorcode.get(code, code)}")
    if failure is not None:
        raise failure


async def release(netlink: AsyncIPRoute, index: int, addresses: Sequence[IPv4Interface]) -> None:
    """Delete those of ``addresses`` that stand with a lifetime, that is, are ours.

    Tries all of them, then raises AddressError for the first that failed.
    """
    failure: AddressError | None = None
    ours = await present(netlink, index)
    for address in addresses:
        if ours.get(address) is None:
            continue
        code = await _change(netlink, "del", index, address)
        if code and code not in _NOT_THERE and failure is None:
            failure = AddressError(f"cannot remove {address}: {errno.errorcode.get(code, code)}")
    if failure is not None:
        raise failure


async def present(netlink: AsyncIPRoute, index: int) -> dict[IPv4Interface, int | None]:
    """The IPv4 addresses of an interface with their lifetime in seconds, None for forever."""
    found: dict[IPv4Interface, int | None] = {}
    async for message in await netlink.get_addr(index=index, family=_AF_INET):
        valid = message.get("IFA_CACHEINFO")["ifa_valid"]
        address = IPv4Interface((message.get("IFA_LOCAL"), message["prefixlen"]))
        found[address] = None if valid == _FOREVER else valid
    return found


async def remove(interface: str, addresses: Iterable[str]) -> None:
    """Release ``addresses`` of ``interface`` in place of a vrrp process that cannot.

    Needs CAP_NET_ADMIN, unless all of them are loopback addresses. An interface that is gone has
    taken its addresses with it. Raises AddressError as `release` does.
    """
    wanted = needing_kernel(addresses)
    if not wanted:
        return
    from pyroute2 import AsyncIPRoute

    async with AsyncIPRoute() as netlink:
        for index in await netlink.link_lookup(ifname=interface):
            await release(netlink, index, wanted)


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
