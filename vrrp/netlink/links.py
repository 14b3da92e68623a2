"""The state of interfaces (index, carrier, addresses), and a watcher that reports changes."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from typing import Literal

import msgspec

from vrrp.netlink.rtnetlink import (
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_NEWADDR,
    RTM_NEWLINK,
    Interface,
    InterfaceAddress,
    Message,
    interface_index,
    messages,
    read_address,
)
from vrrp.netlink.rtnetlink_socket import RtnetlinkSocket
from vrrp.protocol.packet import Address

# linux/rtnetlink.h, linux/if.h, linux/sockios.h
_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR, _RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
_IFF_UP, _IFF_RUNNING = 0x1, 0x40

HOST_WANTS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""Errors that say something about this host, and nothing about an interface."""

_REREAD_SECONDS = 5.0  # in case an event was lost, or a change caused no event
_RETRY_SECONDS = 0.1
_EVENT_BYTES = 65536


class Link(msgspec.Struct, frozen=True):
    """The state of one interface at one moment.

    ``carrier`` is True if the interface is up and running. ``addresses`` are in the order in
    which the kernel lists them.
    """

    name: str
    index: int
    carrier: bool
    addresses: tuple[InterfaceAddress, ...]

    def source(self, family: Literal[4, 6], virtual: Iterable[Address]) -> Address | None:
        """Return the source address of advertisements (RFC 9568 7.2); None if there is none.

        For IPv4 it is the primary address. For IPv6 it is the link-local address, when
        duplicate address detection has ended. A ``virtual`` address is not used, unless it
        is a permanent address of the interface: then this host is its owner.
        """
        usable = [
            each
            for each in self.addresses
            if each.address.version == family
            and not each.tentative
            and (family == 4 or each.address.is_link_local)
        ]
        excluded = set(virtual)
        own = [each.address.ip for each in usable if each.address.ip not in excluded]
        owned = [each.address.ip for each in usable if each.permanent]
        return next(iter(own + owned), None)

    def has(self, source: str) -> bool:
        """Return whether the interface has this address and the kernel can send from it."""
        return any(str(each.address.ip) == source and not each.tentative for each in self.addresses)

    def permanent(self) -> frozenset[Interface]:
        """Return the addresses without a lifetime. They are foreign and must not be changed."""
        return frozenset(each.address for each in self.addresses if each.permanent)


def read_link(kernel: RtnetlinkSocket, name: str) -> Link | None:
    """Return the state of an interface; None if it does not exist.

    Raises OSError if the kernel cannot answer at this moment.
    """
    found = kernel.interface(name)
    if found is None:
        return None
    index, flags = found
    carrier = flags & (_IFF_UP | _IFF_RUNNING) == _IFF_UP | _IFF_RUNNING
    return Link(name, index, carrier, tuple(kernel.addresses(index)))


class LinkWatcher:
    """Calls ``changed`` with the name of an interface and its `Link` at every change.

    The link is None if the interface does not exist. After `watch`, ``changed`` is called
    immediately for each interface. The renewal of virtual addresses causes many kernel events
    per second. Events of ``virtual`` addresses with a lifetime are therefore ignored, except
    for a removal, which calls ``removed``.
    """

    def __init__(
        self,
        kernel: RtnetlinkSocket,
        changed: Callable[[str, Link | None], None],
        removed: Callable[[InterfaceAddress], None],
    ) -> None:
        self._kernel = kernel
        self._changed = changed
        self._removed = removed
        self._links: dict[str, Link | None] = {}
        self._reported: set[str] = set()
        self._virtual: frozenset[Address] = frozenset()
        self._reread = asyncio.Event()

    def watch(self, names: Iterable[str], virtual: frozenset[Address]) -> None:
        """Watch these interfaces and no others. ``virtual`` are the virtual addresses."""
        self._links = {name: self._links.get(name) for name in names}
        self._reported &= self._links.keys()
        self._virtual = virtual
        self._reread.set()

    def read_again(self) -> None:
        """Read all links soon, although no event has reported a change."""
        self._reread.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        with closing(_open_events()) as events:
            loop.add_reader(events, self._receive, events)
            try:
                while True:
                    self._reread.clear()
                    certain = self._read_all()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_REREAD_SECONDS if certain else _RETRY_SECONDS):
                            await self._reread.wait()
            finally:
                loop.remove_reader(events)

    def _read_all(self) -> bool:
        """Read all links, and report changes. Return False if the kernel could not answer."""
        certain = True
        for name in tuple(self._links):
            try:
                link = read_link(self._kernel, name)
            except OSError:
                certain = False
                continue
            if name in self._reported and link == self._links[name]:
                continue
            self._links[name] = link
            self._reported.add(name)
            self._changed(name, link)
        return certain

    def _receive(self, events: socket.socket) -> None:
        try:
            data = events.recv(_EVENT_BYTES)
        except BlockingIOError:
            return
        except OSError:  # ENOBUFS: events were lost
            self._reread.set()
            return
        for event in messages(data):
            if self._handle_event(event):
                self._reread.set()

    def _handle_event(self, event: Message) -> bool:
        """Report a removed virtual address. Return whether the links must be read again."""
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
        if event.kind == RTM_DELADDR and self._is_up(known[index]):
            self._removed(address)
        return False

    def _is_up(self, name: str) -> bool:
        """Return whether an interface is up. If it is not, the kernel removes IPv6 addresses."""
        with suppress(OSError):
            found = self._kernel.interface(name)
            return found is not None and bool(found[1] & _IFF_UP)
        return False


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
