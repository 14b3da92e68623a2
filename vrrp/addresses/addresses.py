"""Virtual addresses on the interfaces of the host, each with a lifetime.

While a router is ACTIVE, the lifetime of its addresses is renewed every 0.5 s. If the process exits
or hangs, the kernel removes the addresses at the end of their lifetime. The lifetime is at least 3
s. It is also longer than the time after which a peer takes over, so that after a crash at least one
host holds the address.

An address without a lifetime is foreign: it belongs to the host, or to an address owner (priority
255). It is never changed or deleted.

Addresses in 127.0.0.0/8 and the address ::1 are local to every host. They are not added.
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

from vrrp.addresses.routes import Item, RouteError, delete, items
from vrrp.model.configuration import InstanceConfiguration, Placement
from vrrp.netlink.rtnetlink import Interface, VirtualAddress
from vrrp.netlink.rtnetlink_socket import RtnetlinkSocket

SHORTEST_LIFETIME_SECONDS = 3
REFRESH_SECONDS = 0.5
KEPT_LIFETIME_SECONDS = 60
ADDED_AT_ONCE = 16
"""The number of addresses that are added without a pause, which takes a fraction of a millisecond.
Deletions have a pause after each address, because a deletion may take half a millisecond."""

_MISSING = (errno.EADDRNOTAVAIL, errno.ENODEV)  # the address or its interface does not exist


Target = tuple[int, VirtualAddress]
"""An address, and the index of the interface on which it is added or deleted."""


class AddressError(Exception):
    """The kernel refused to change an address."""


def virtual_addresses(configuration: InstanceConfiguration) -> tuple[VirtualAddress, ...]:
    """Return the addresses of an instance that must be added to an interface."""
    placements = {placement.address: placement for placement in configuration.placements}
    found = []
    for text in configuration.held_addresses:
        address = ip_interface(text)
        placement = placements.get(text) or Placement(text)
        device = placement.device or configuration.device
        if device == configuration.virtual_mac and _is_lone_link_local(address):
            # A macvlan has no other address with a route to the hosts of the link.
            address = IPv6Interface(f"{address.ip}/64")
        if not address.ip.is_loopback:
            found.append(VirtualAddress(address, device, placement.label, placement.scope))
    return tuple(found)


def _is_lone_link_local(address: Interface) -> bool:
    return address.version == 6 and address.is_link_local and address.network.prefixlen == 128


def shared_subnets(addresses: Iterable[VirtualAddress]) -> frozenset[str]:
    """Return the devices on which IPv4 addresses of an instance may share a subnet with others."""
    return frozenset(
        virtual.device
        for virtual in addresses
        if virtual.address.version == 4 and virtual.address.network.prefixlen < 32
    )


def promote_secondaries(interface: str) -> None:
    """Make the kernel keep the other addresses of a subnet when the primary address is removed.

    Without this sysctl (ip-sysctl, promote_secondaries), the kernel deletes all addresses of
    the subnet when the primary address is deleted or expires. Raises OSError if it cannot be
    set.
    """
    setting = Path("/proc/sys/net/ipv4/conf", interface, "promote_secondaries")
    if setting.read_text(encoding="ascii").strip() == "0":
        setting.write_text("1", encoding="ascii")


def lifetime(configuration: InstanceConfiguration) -> int:
    """Return the lifetime of the addresses of an instance in seconds.

    It is the longest time after which a peer takes over (active-down interval with a skew time
    of one advertisement interval), plus the interval between two renewals.
    """
    interval = configuration.advert_interval
    longest = configuration.tolerated_silence(interval) + interval
    return max(SHORTEST_LIFETIME_SECONDS, math.ceil(longest + REFRESH_SECONDS))


async def acquire(
    kernel: RtnetlinkSocket, targets: Sequence[Target], seconds: int
) -> dict[VirtualAddress, AddressError]:
    """Add each address, or renew its lifetime. Return the addresses that the kernel refused."""
    refused: dict[VirtualAddress, AddressError] = {}
    for start in range(0, len(targets), ADDED_AT_ONCE):
        batch = targets[start : start + ADDED_AT_ONCE]
        for (_, virtual), code in zip(batch, kernel.renew(batch, seconds), strict=True):
            if code:
                refused[virtual] = AddressError(f"cannot add {virtual.address}: {_reason(code)}")
        if start + ADDED_AT_ONCE < len(targets):
            await asyncio.sleep(0)
    return refused


async def release(kernel: RtnetlinkSocket, targets: Sequence[Target]) -> list[AddressError]:
    """Delete addresses. Return the failures. A missing address is not a failure.

    The caller must not pass a foreign address.
    """
    failures: list[AddressError] = []
    for index, virtual in targets:
        code = kernel.delete(index, virtual.address)
        if code not in (0, *_MISSING):
            failures.append(AddressError(f"cannot remove {virtual.address}: {_reason(code)}"))
        await asyncio.sleep(0)
    return failures


async def remove(configuration: InstanceConfiguration) -> None:
    """Delete the addresses and routes of an instance whose process has exited.

    Foreign addresses stay. CAP_NET_ADMIN is needed, unless all addresses are loopback addresses.
    A deleted interface needs no action, because the kernel deleted its addresses too. Raises
    AddressError, RouteError or OSError.
    """
    await remove_resources(virtual_addresses(configuration), items(configuration))


async def remove_resources(wanted: Sequence[VirtualAddress], routes: Sequence[Item]) -> None:
    """Delete addresses, routes and rules. Foreign addresses stay.

    Raises AddressError, RouteError or OSError.
    """
    if not wanted and not routes:
        return
    indexes = {name: index for index, name in socket.if_nameindex()}
    with closing(RtnetlinkSocket()) as kernel:
        failures: list[AddressError | RouteError] = [*await delete(kernel, routes, indexes)]
        targets: list[Target] = []
        for device in {virtual.device for virtual in wanted} & indexes.keys():
            present = kernel.addresses(indexes[device])
            ours = {found.address for found in present if not found.permanent}
            targets += [
                (indexes[device], virtual)
                for virtual in wanted
                if virtual.device == device and virtual.address in ours
            ]
        failures += await release(kernel, targets)
        if failures:
            raise failures[0]


def _reason(code: int) -> str:
    return "CAP_NET_ADMIN is needed" if code == errno.EPERM else os.strerror(code)
