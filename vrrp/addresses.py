"""Virtual addresses on an interface, each with a lifetime, so that the kernel ends what we cannot.

An address is added with a lifetime and refreshed every 0.5 s while its router is ACTIVE: the kernel
takes it from a process that died or hangs, after 3 s at the earliest and not before a peer has had
the time to take over, so that a killed process costs no time without an answer. The lifetime also
tells ours from foreign: an address that stands without one (the host's own, an address owner's) is
never changed or deleted.

Addresses within 127.0.0.0/8, and ::1, are local to every host; for them there is nothing to do.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
import socket
from collections.abc import Iterable, Sequence
from contextlib import closing
from ipaddress import ip_interface
from pathlib import Path

from vrrp.address_socket import AddressSocket
from vrrp.rtnetlink import Interface

SHORTEST_LIFETIME_SECONDS = 3
REFRESH_SECONDS = 0.5
KEPT_LIFETIME_SECONDS = 60
ADDED_AT_ONCE = 16
"""Addresses added before timers get their turn: a fraction of a millisecond. They are deleted one
by one, for that may take the kernel half a millisecond each."""

_NOT_THERE = (errno.EADDRNOTAVAIL, errno.ENODEV)  # the address, or its interface, is gone already


class AddressError(Exception):
    """The kernel refused to change an address."""


def needing_kernel(addresses: Iterable[str]) -> tuple[Interface, ...]:
    """Those of ``addresses`` ("192.0.2.1/32") that have to be added to an interface."""
    parsed = (ip_interface(address) for address in addresses)
    return tuple(address for address in parsed if not address.ip.is_loopback)


def may_be_primary(addresses: Iterable[str]) -> bool:
    """Whether one of them can be the primary address of an IPv4 subnet that has others."""
    return any(
        address.version == 4 and address.network.prefixlen < 32
        for address in needing_kernel(addresses)
    )


def promote_secondaries(interface: str) -> None:
    """Have the kernel keep the other addresses of a subnet when its primary one goes.

    Without this (ip-sysctl, promote_secondaries) it deletes all of them, whether the primary one
    is removed or its lifetime ends. Raises OSError where it cannot be set.
    """
    setting = Path("/proc/sys/net/ipv4/conf", interface, "promote_secondaries")
    if setting.read_text(encoding="ascii").strip() == "0":
        setting.write_text("1", encoding="ascii")


def lifetime(advert_interval: float) -> int:
    """Seconds an address stands by itself: a peer's longest active-down interval, which is four
    advertisement intervals, and the time since the last refresh.
    """
    return max(SHORTEST_LIFETIME_SECONDS, math.ceil(4 * advert_interval + REFRESH_SECONDS))


async def acquire(
    kernel: AddressSocket, index: int, addresses: Sequence[Interface], seconds: int
) -> None:
    """Add each address, or renew its lifetime where it stands.

    Tries all of them, then raises AddressError for the first that failed.
    """
    failure: AddressError | None = None
    for start in range(0, len(addresses), ADDED_AT_ONCE):
        some = addresses[start : start + ADDED_AT_ONCE]
        for address, code in zip(some, kernel.renew(index, some, seconds), strict=True):
            if code and failure is None:
                failure = AddressError(f"cannot add {address}: {_reason(code)}")
        if start + ADDED_AT_ONCE < len(addresses):
            await asyncio.sleep(0)
    if failure is not None:
        raise failure


async def release(kernel: AddressSocket, index: int, addresses: Sequence[Interface]) -> None:
    """Delete ``addresses``, which have to be ours; those that are not there are no failure.

    Tries all of them, then raises AddressError for the first that failed.
    """
    failure: AddressError | None = None
    for address in addresses:
        code = kernel.delete(index, address)
        if code not in (0, *_NOT_THERE) and failure is None:
            failure = AddressError(f"cannot remove {address}: {_reason(code)}")
        await asyncio.sleep(0)
    if failure is not None:
        raise failure


async def remove(interface: str, addresses: Iterable[str]) -> None:
    """Delete those of ``addresses`` that are ours, in place of a vrrp process that cannot.

    Needs CAP_NET_ADMIN, unless all of them are loopback addresses. An interface that is gone has
    taken its addresses with it. Raises AddressError or OSError.
    """
    wanted = needing_kernel(addresses)
    if not wanted:
        return
    try:
        index = socket.if_nametoindex(interface)
    except OSError:
        return
    with closing(AddressSocket()) as kernel:
        ours = {each.address for each in kernel.standing(index) if not each.permanent}
        await release(kernel, index, [address for address in wanted if address in ours])


def _reason(code: int) -> str:
    return "CAP_NET_ADMIN is needed" if code == errno.EPERM else os.strerror(code)
