"""The interfaces VRRP runs on: index, MAC, carrier and addresses, and word when they change."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from vrrp.addresses import AddressError, present

if TYPE_CHECKING:
    from pyroute2 import AsyncIPRoute

# linux/rtnetlink.h and linux/if.h
_RTM_NEWLINK, _RTM_DELLINK, _RTM_NEWADDR, _RTM_DELADDR = 16, 17, 20, 21
_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR = 0x1, 0x10
_IFA_LOCAL = 2
_IFA_F_PERMANENT = 0x80
_IFF_UP, _IFF_RUNNING = 0x1, 0x40

_REREAD_SECONDS = 5.0  # in case the kernel lost an event or its cause was not an event
_RETRY_SECONDS = 0.1
_EVENT_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Link:
    """One interface at one moment. ``carrier`` is up and running.

    ``addresses`` are in the kernel's order, with their lifetime: True for those without end.
    """

    name: str
    index: int
    carrier: bool
    addresses: tuple[tuple[IPv4Interface, bool], ...]

    def primary(self, virtual: Iterable[IPv4Address]) -> IPv4Address | None:
        """The address advertisements come from (RFC 9568 section 7.2), not one of ``virtual``.

        Only an address owner, whose virtual address is the interface's own, may use that one.
        """
        own = [address.ip for address, _ in self.addresses if address.ip not in set(virtual)]
        owned = [address.ip for address, permanent in self.addresses if permanent]
        return next(iter(own + owned), None)

    def permanent(self) -> frozenset[IPv4Interface]:
        """The addresses that stand without a lifetime: not ours to change."""
        return frozenset(address for address, permanent in self.addresses if permanent)


async def read_link(netlink: AsyncIPRoute, name: str) -> Link | None:
    """What the kernel knows of an interface; None when there is none of that name.

    Raises AddressError or pyroute2's NetlinkError when the kernel cannot say at this moment.
    """
    async for message in await netlink.get_links(ifname=name):
        addresses = await present(netlink, message["index"])
        return Link(
            name=name,
            index=message["index"],
            carrier=message["flags"] & (_IFF_UP | _IFF_RUNNING) == _IFF_UP | _IFF_RUNNING,
            addresses=tuple((address, life is None) for address, life in addresses.items()),
        )
    return None


class LinkWatcher:
    """Calls ``changed`` with an interface's name and its Link (None: gone) at every change.

    The first call for a watched name comes at once. Refreshing a virtual address is an address
    event too, many per second; addresses that have a lifetime and are named to be ignored
    therefore do not cause a new look.
    """

    def __init__(self, netlink: AsyncIPRoute, changed: Callable[[str, Link | None], None]) -> None:
        self._netlink = netlink
        self._changed = changed
        self._links: dict[str, Link | None] = {}
        self._told: set[str] = set()
        self._ignored: frozenset[bytes] = frozenset()
        self._look = asyncio.Event()

    def watch(self, names: Iterable[str], ignore: Iterable[IPv4Address]) -> None:
        """Watch exactly these interfaces."""
        self._links = {name: self._links.get(name) for name in names}
        self._told &= self._links.keys()
        self._ignored = frozenset(address.packed for address in ignore)
        self._look.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        with _open_events() as events:
            loop.add_reader(events, self._hear, events)
            try:
                while True:
                    self._look.clear()
                    certain = await self._read_all()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_REREAD_SECONDS if certain else _RETRY_SECONDS):
                            await self._look.wait()
            finally:
                loop.remove_reader(events)

    async def _read_all(self) -> bool:
        """Read each link and tell what changed; whether the kernel answered every time."""
        from pyroute2.netlink.exceptions import NetlinkError

        certain = True
        for name in tuple(self._links):
            try:
                link = await read_link(self._netlink, name)
            except (AddressError, NetlinkError):
                certain = False
                continue
            if name not in self._links or (name in self._told and link == self._links[name]):
                continue
            self._links[name] = link
            self._told.add(name)
            self._changed(name, link)
        return certain

    def _hear(self, events: socket.socket) -> None:
        try:
            data = events.recv(_EVENT_BYTES)
        except BlockingIOError:
            return
        except OSError:  # ENOBUFS: some were lost
            self._look.set()
            return
        if any(self._matters(*message) for message in _messages(data)):
            self._look.set()

    def _matters(self, kind: int, body: bytes) -> bool:
        (index,) = struct.unpack_from("=I", body, 4)  # the same place in ifinfomsg and ifaddrmsg
        known = {link.index for link in self._links.values() if link is not None}
        if kind in (_RTM_NEWLINK, _RTM_DELLINK):
            return index in known or None in self._links.values()
        ignored = not body[2] & _IFA_F_PERMANENT and _attribute(body, _IFA_LOCAL) in self._ignored
        return index in known and not ignored


def _open_events() -> socket.socket:
    events = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
    )
    try:
        events.bind((0, _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR))
    except OSError:
        events.close()
        raise
    return events


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each link or address message (netlink(7))."""
    offset = 0
    while offset + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, offset)
        if length < 16:
            return
        if kind in (_RTM_NEWLINK, _RTM_DELLINK, _RTM_NEWADDR, _RTM_DELADDR):
            yield kind, data[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def _attribute(body: bytes, wanted: int) -> bytes | None:
    """One attribute of an address message (rtnetlink(7)), after the 8 bytes of ifaddrmsg."""
    offset = 8
    while offset + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, offset)
        if kind == wanted:
            return body[offset + 4 : offset + length]
        offset += max((length + 3) & ~3, 4)
    return None
