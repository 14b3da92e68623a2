"""The interfaces VRRP runs on: index, carrier and addresses, and word when they change."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Literal

from vrrp.netlink.address_socket import AddressSocket
from vrrp.netlink.rtnetlink import (
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    Interface,
    Message,
    Standing,
    interface_index,
    messages,
    read_address,
)
from vrrp.protocol.packet import Address

# linux/rtnetlink.h, linux/if.h, linux/sockios.h
_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR, _RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_SIOCGIFFLAGS = 0x8913
_INTERFACE_REQUEST = struct.Struct("=16sH22x")  # struct ifreq

_REREAD_SECONDS = 5.0  # in case the kernel lost an event or its cause was not an event
_RETRY_SECONDS = 0.1
_EVENT_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Link:
    """One interface at one moment. ``carrier`` is up and running.

    ``addresses`` are in the kernel's order.
    """

    name: str
    index: int
    carrier: bool
    addresses: tuple[Standing, ...]

    def source(self, family: Literal[4, 6], virtual: Iterable[Address]) -> Address | None:
        """The address advertisements come from (RFC 9568 7.2), not one of ``virtual``.

        IPv4: the primary address. IPv6: the link-local one, once the kernel lets us use it. Only
        an address owner, whose virtual address is the interface's own, may use that one.
        """
        usable = [
            each
            for each in self.addresses
            if each.address.version == family
            and not each.tentative
            and (family == 4 or each.address.is_link_local)
        ]
        ours = set(virtual)
        own = [each.address.ip for each in usable if each.address.ip not in ours]
        owned = [each.address.ip for each in usable if each.permanent]
        return next(iter(own + owned), None)

    def has(self, source: str) -> bool:
        """Whether the kernel would send from this address of the interface."""
        return any(str(each.address.ip) == source and not each.tentative for each in self.addresses)

    def permanent(self) -> frozenset[Interface]:
        """The addresses that stand without a lifetime: not ours to change."""
        return frozenset(each.address for each in self.addresses if each.permanent)


def read_link(kernel: AddressSocket, name: str) -> Link | None:
    """What the kernel knows of an interface; None when there is none of that name.

    Raises OSError when the kernel cannot say at this moment.
    """
    try:
        index = socket.if_nametoindex(name)
        flags = _flags(name)
    except OSError:
        return None
    carrier = flags & (_IFF_UP | _IFF_RUNNING) == _IFF_UP | _IFF_RUNNING
    return Link(name, index, carrier, tuple(kernel.standing(index)))


class LinkWatcher:
    """Calls ``changed`` with an interface's name and its Link (None: gone) at every change.

    The first call for a watched name comes at once. Refreshing a virtual address is an address
    event too, many per second; the ``virtual`` ones among the addresses with a lifetime therefore
    cause no new look. When such an address goes, ``removed`` is called.
    """

    def __init__(
        self,
        kernel: AddressSocket,
        changed: Callable[[str, Link | None], None],
        removed: Callable[[Standing], None],
    ) -> None:
        self._kernel = kernel
        self._changed = changed
        self._removed = removed
        self._links: dict[str, Link | None] = {}
        self._told: set[str] = set()
        self._virtual: frozenset[Address] = frozenset()
        self._look = asyncio.Event()

    def watch(self, names: Iterable[str], virtual: frozenset[Address]) -> None:
        """Watch exactly these interfaces."""
        self._links = {name: self._links.get(name) for name in names}
        self._told &= self._links.keys()
        self._virtual = virtual
        self._look.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        with closing(_open_events()) as events:
            loop.add_reader(events, self._hear, events)
            try:
                while True:
                    self._look.clear()
                    certain = self._read_all()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_REREAD_SECONDS if certain else _RETRY_SECONDS):
                            await self._look.wait()
            finally:
                loop.remove_reader(events)

    def _read_all(self) -> bool:
        """Read each link and tell what changed; whether the kernel answered every time."""
        certain = True
        for name in tuple(self._links):
            try:
                link = read_link(self._kernel, name)
            except OSError:
                certain = False
                continue
            if name in self._told and link == self._links[name]:
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
        for event in messages(data):
            if self._hear_event(event):
                self._look.set()

    def _hear_event(self, event: Message) -> bool:
        """Tell of a virtual address that went; whether anything else asks for a new look."""
        if event.kind not in (RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR):
            return False
        index = interface_index(event.body)
        known = {link.index: name for name, link in self._links.items() if link is not None}
        if event.kind in (RTM_NEWLINK, RTM_DELLINK):
            return index in known or None in self._links.values()
        address = read_address(event.body)
        if address is None or index not in known:
            return False
        if address.permanent or address.address.ip not in self._virtual:
            return True
        if event.kind == RTM_DELADDR and _is_up(known[index]):
            self._removed(address)
        return False


def _is_up(name: str) -> bool:
    """Whether an interface is there and set up: one that is not loses its IPv6 addresses."""
    try:
        return bool(_flags(name) & _IFF_UP)
    except OSError:
        return False


def _flags(name: str) -> int:
    """The flags of an interface (netdevice(7)). Raises OSError when there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        request = _INTERFACE_REQUEST.pack(name.encode(), 0)
        _, flags = _INTERFACE_REQUEST.unpack(fcntl.ioctl(asking, _SIOCGIFFLAGS, request))
    return int(flags)


def _open_events() -> socket.socket:
    events = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
    )
    try:
        events.bind((0, _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR))
    except OSError:
        events.close()
        raise
    return events
