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
from ipaddress import IPv6Interface, ip_interface
from pathlib import Path

from vrrp.addresses.routes import RouteError, delete, items
from vrrp.model.configuration import InstanceConfiguration, Placement
from vrrp.netlink.address_socket import AddressSocket
from vrrp.netlink.rtnetlink import Interface, VirtualAddress

SHORTEST_LIFETIME_SECONDS = 3
REFRESH_SECONDS = 0.5
KEPT_LIFETIME_SECONDS = 60
ADDED_AT_ONCE = 16
"""Addresses added before timers get their turn: a fraction of a millisecond. They are deleted one
by one, for that may take the kernel half a millisecond each."""

_NOT_THERE = (errno.EADDRNOTAVAIL, errno.ENODEV)  # the address, or its interface, is gone already


Target = tuple[int, VirtualAddress]
"""An address, and the index of the interface to change it on."""


class AddressError(Exception):
    """The kernel refused to change an address."""


def virtual_addresses(configuration: InstanceConfiguration) -> tuple[VirtualAddress, ...]:
    """What an instance has to add to interfaces: all that is not local to every host anyway."""
    placements = {each.address: each for each in configuration.placements}
    found = []
    for text in configuration.held_addresses:
        address = ip_interface(text)
        placement = placements.get(text) or Placement(text)
        device = placement.device or configuration.device
        if device == configuration.virtual_mac and _is_lone_link_local(address):
            # Nothing else on a macvlan gives it the way back to the hosts of its link.
            address = IPv6Interface(f"{address.ip}/64")
        if not address.ip.is_loopback:
            found.append(VirtualAddress(address, device, placement.label, placement.scope))
    return tuple(found)


def _is_lone_link_local(address: Interface) -> bool:
    return address.version == 6 and address.is_link_local and address.network.prefixlen == 128


def shared_subnets(addresses: Iterable[VirtualAddress]) -> frozenset[str]:
    """The devices on which one of them can be the primary address of an IPv4 subnet of others."""
    return frozenset(
        each.device
        for each in addresses
        if each.address.version == 4 and each.address.network.prefixlen < 32
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
    kernel: AddressSocket, targets: Sequence[Target], seconds: int
) -> dict[VirtualAddress, AddressError]:
    """Add each address, or renew its lifetime where it stands. Returns what was refused."""
    refused: dict[VirtualAddress, AddressError] = {}
    for start in range(0, len(targets), ADDED_AT_ONCE):
        some = targets[start : start + ADDED_AT_ONCE]
        for (_, each), code in zip(some, kernel.renew(some, seconds), strict=True):
            if code:
                refused[each] = AddressError(f"cannot add {each.address}: {_reason(code)}")
        if start + ADDED_AT_ONCE < len(targets):
            await asyncio.sleep(0)
    return refused


async def release(kernel: AddressSocket, targets: Sequence[Target]) -> list[AddressError]:
    """Delete addresses, which have to be ours; those that are not there are no failure.

    Returns what failed.
    """
    failures: list[AddressError] = []
    for index, each in targets:
        code = kernel.delete(index, each.address)
        if code not in (0, *_NOT_THERE):
            failures.append(AddressError(f"cannot remove {each.address}: {_reason(code)}"))
        await asyncio.sleep(0)
    return failures


async def remove(configuration: InstanceConfiguration) -> None:
    """Delete what an instance holds and is ours, in place of a vrrp process that cannot.

    Needs CAP_NET_ADMIN, unless all of them are loopback addresses. An interface that is gone has
    taken all on it along. Raises AddressError, RouteError or OSError.
    """
    wanted, routes = virtual_addresses(configuration), items(configuration)
    if not wanted and not routes:
        return
    indexes = {name: index for index, name in socket.if_nameindex()}
    with closing(AddressSocket()) as kernel:
        failures: list[AddressError | RouteError] = [*await delete(kernel, routes, indexes)]
        targets: list[Target] = []
        for device in {each.device for each in wanted} & indexes.keys():
            standing = kernel.standing(indexes[device])
            ours = {each.address for each in standing if not each.permanent}
            here = (each for each in wanted if each.device == device and each.address in ours)
            targets += [(indexes[device], each) for each in here]
        failures += await release(kernel, targets)
        if failures:
            raise failures[0]


def _reason(code: int) -> str:
    return "CAP_NET_ADMIN is needed" if code == errno.EPERM else os.strerror(code)
