"""Puts announced addresses on their devices, and holds all addresses with local routes.

Foreign objects stay: an address without a lifetime, an interface of another kind, and a route
without our protocol number.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from hadirector.announce import messages
from hadirector.announce.decision import AnnouncementRole
from hadirector.model.announcement import Announcement
from vrrp.netlink.macvlan_messages import deletion as link_deletion
from vrrp.netlink.route_message import RTM_NEWROUTE
from vrrp.netlink.rtnetlink import RTM_NEWLINK, Interface
from vrrp.netlink.rtnetlink_socket import RtnetlinkSocket

BATCH: Final = 64
"""The number of addresses that are changed without a pause, which takes less than a millisecond."""
_MISSING: Final = (errno.EADDRNOTAVAIL, errno.ENODEV, errno.ESRCH)
_DUMMY, _BRIDGE = "dummy", "bridge"


class AnnouncementKernel:
    """Changes and reads the kernel state of announced addresses. All methods raise OSError.

    The addresses of each role are on a device of their own. A withdrawn address is on no device.
    ``engine`` decides the order of the changes; a reload can replace it.
    """

    def __init__(self, announcement: Announcement) -> None:
        self._devices = {
            AnnouncementRole.ANNOUNCED: announcement.device,
            AnnouncementRole.RELUCTANT: announcement.reluctant_device,
        }
        self.engine = announcement.engine
        self._socket: RtnetlinkSocket | None = None
        self._indexes: dict[AnnouncementRole, int] = {}

    async def reconcile(self, wanted: Mapping[str, AnnouncementRole], lifetime: int) -> list[str]:
        """Make the devices, the local routes and the addresses as wanted; return the failures.

        With BIRD, an address that changes its device is added first: BIRD then announces it without
        a pause, even if all directors change it at once. With another engine the address is deleted
        first, because FRR 8.4 overlooks the deletion of an address that another interface has.
        Between both, the local route holds it.
        """
        failures = self._make_devices()
        held = self.read_routes()
        failures += await self._add_routes([address for address in wanted if address not in held])
        stale, foreign = self._find_stale(wanted)
        for address in sorted(foreign & wanted.keys()):
            failures.append(f"{address} exists without a lifetime and belongs to another program")
        kept = {address: role for address, role in wanted.items() if address not in foreign}
        # An addition can fail for all addresses, so every withdrawal comes before it.
        moving = [
            each
            for each in stale
            if self.engine == "bird" and kept.get(str(each[1].ip)) in self._indexes
        ]
        failures += await self._delete_all(each for each in stale if each not in moving)
        failures += await self.renew(kept, lifetime)
        return failures + await self._delete_all(moving)

    def _find_stale(
        self, wanted: Mapping[str, AnnouncementRole]
    ) -> tuple[list[tuple[int, Interface]], set[str]]:
        """Return the addresses to delete, with their devices, and the addresses of others."""
        stale: list[tuple[int, Interface]] = []
        foreign: set[str] = set()
        for role, index in self._indexes.items():
            for found in self._kernel.addresses(index):
                address = str(found.address.ip)
                if found.permanent:
                    foreign.add(address)
                elif wanted.get(address) is not role:
                    stale.append((index, found.address))
        return stale, foreign

    async def _delete_all(self, addresses: Iterable[tuple[int, Interface]]) -> list[str]:
        failures: list[str] = []
        for index, address in addresses:
            failures += self._delete(index, address)
            await asyncio.sleep(0)
        return failures

    async def renew(self, wanted: Mapping[str, AnnouncementRole], lifetime: int) -> list[str]:
        """Add the addresses to their devices, or renew their lifetime; return the failures."""
        targets = [
            (self._indexes[role], address)
            for address, role in wanted.items()
            if role in self._indexes
        ]
        codes = await self._change(messages.renewal(*target, lifetime) for target in targets)
        return [
            f"{address} cannot be added: {_reason(code)}"
            for (_, address), code in zip(targets, codes, strict=True)
            if code
        ]

    def read(self) -> dict[str, AnnouncementRole]:
        """Return the addresses with a lifetime that are on the devices now."""
        found: dict[str, AnnouncementRole] = {}
        for role, name in self._devices.items():
            interface = self._kernel.interface(name)
            for address in self._kernel.addresses(interface[0]) if interface else ():
                if not address.permanent:
                    found[str(address.address.ip)] = role
        return found

    def read_routes(self) -> frozenset[str]:
        """The addresses that one of our local routes holds now."""
        bodies = [
            body
            for family in messages.ROUTE_FAMILIES
            for body in self._kernel.dump(messages.routes_listing(family), RTM_NEWROUTE)
        ]
        return frozenset(filter(None, map(messages.read_local_route, bodies)))

    async def remove_routes(self, addresses: Iterable[str]) -> list[str]:
        """Delete our local routes; return the failures. A missing route is no failure."""
        failures = []
        loopback = self._loopback
        for address in addresses:
            [code] = self._kernel.change([messages.route_deletion(address, loopback)])
            if code not in (0, *_MISSING):
                failures.append(f"the route of {address} cannot be deleted: {_reason(code)}")
            await asyncio.sleep(0)
        return failures

    async def remove_devices(self) -> None:
        """Delete the devices that this program created, if no address is left on them."""
        for name in self._devices.values():
            link = self._find_link(name)
            if link is not None and link.ours and not self._kernel.addresses(link.number):
                self._kernel.change([link_deletion(link.number)])
                await asyncio.sleep(0)
        self._indexes.clear()

    def close(self) -> None:
        """Close the socket. The kernel state stays."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def _kernel(self) -> RtnetlinkSocket:
        if self._socket is None:
            self._socket = RtnetlinkSocket()
        return self._socket

    @property
    def _loopback(self) -> int:
        interface = self._kernel.interface("lo")
        return interface[0] if interface else 1

    def _make_devices(self) -> list[str]:
        failures = []
        self._indexes.clear()
        for role, name in self._devices.items():
            link = self._find_link(name) or self._create(name)
            if link is None:
                failures.append(f"the interface {name} cannot be created")
            elif not link.ours and link.kind != _DUMMY:
                kind = link.kind or "device"
                failures.append(f"the interface {name} is a {kind} of another program")
            else:
                self._kernel.change([messages.link_activation(link.number)])
                self._indexes[role] = link.number
        return failures

    def _create(self, name: str) -> messages.Link | None:
        """Create a dummy interface. A kernel without dummy interfaces gets a bridge."""
        for kind in (_DUMMY, _BRIDGE):
            [code] = self._kernel.change([messages.link_creation(name, kind)])
            if code != errno.EOPNOTSUPP:
                break
        # The kernel must not form a link-local address, which the engine would export.
        with suppress(OSError):  # the kernel may have no IPv6
            Path("/proc/sys/net/ipv6/conf", name, "addr_gen_mode").write_text("1", "ascii")
        if (link := self._find_link(name)) is not None:
            self._kernel.change([messages.link_marking(link.number)])
        return self._find_link(name)

    def _find_link(self, name: str) -> messages.Link | None:
        try:
            bodies = self._kernel.request(messages.link_query(name), RTM_NEWLINK)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        return messages.read_link(bodies[0]) if bodies else None

    async def _add_routes(self, addresses: Sequence[str]) -> list[str]:
        loopback = self._loopback
        codes = await self._change(messages.route_addition(each, loopback) for each in addresses)
        return [
            f"{each} cannot be held by a route: {_reason(code)}"
            for each, code in zip(addresses, codes, strict=True)
            if code
        ]

    async def _change(self, requests: Iterator[bytes]) -> list[int]:
        """Send requests in batches, because 1000 in one datagram exceed the send buffer.

        Return the error number of the kernel for each, 0 for success.
        """
        codes: list[int] = []
        while batch := list(islice(requests, BATCH)):
            codes += self._kernel.change(batch)
            await asyncio.sleep(0)
        return codes

    def _delete(self, index: int, address: Interface) -> list[str]:
        code = self._kernel.delete(index, address)
        if code in (0, *_MISSING):
            return []
        return [f"{address.ip} cannot be deleted: {_reason(code)}"]


def _reason(code: int) -> str:
    match code:
        case errno.EPERM:
            return "CAP_NET_ADMIN is needed"
        case errno.EEXIST:
            return "it exists and belongs to another program"
        case _:
            return os.strerror(code)
