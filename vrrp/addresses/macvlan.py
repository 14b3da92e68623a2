"""The interface of a virtual MAC: a macvlan over the instance's own (RFC 9568 7.3)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from vrrp.model.configuration import InstanceConfiguration
from vrrp.netlink import macvlan_messages
from vrrp.netlink.macvlan_messages import Shape, macvlan, read_shape
from vrrp.netlink.rtnetlink import NLMSG_ERROR, RTM_NEWLINK, error_code, interface_index, messages

_ANSWER_BYTES: Final = 1 << 16
_SETTINGS: Final = Path("/proc/sys/net")

# The macvlan answers for its own addresses alone; that the way back leads through the parent must
# not keep it from hearing. No address of the host is made of the virtual MAC (RFC 9568 7.4).
_IPV4: Final = {"arp_ignore": "1", "arp_filter": "0", "rp_filter": "0"}
_IPV6: Final = {"addr_gen_mode": "1", "accept_ra": "0", "autoconf": "0"}


class MacvlanError(OSError):
    """The interface cannot be made; the text says why."""


class Macvlan:
    """The interface that one instance's virtual addresses stand on.

    It is down except while the instance holds its addresses: then nothing on this host listens to
    the virtual MAC, or sends from it (RFC 9568 6.4.2). One that an earlier process has left is
    known by its name, MAC and parent, and taken over as it is. To lower or delete one takes the
    kernel tens of milliseconds; that is waited for in a thread.
    """

    def __init__(self, name: str, hardware_address: bytes) -> None:
        self.name = name
        self._hardware_address = hardware_address
        self._parent = 0
        self._index = 0
        self._wanted = False
        self._removed = False

    def make(self, parent: int) -> bool:
        """Have it over the interface of this index; whether it was made or taken over just now.

        Raises OSError, MacvlanError if the name is somebody else's.
        """
        if self._removed or (parent == self._parent and self._index == _index(self.name) != 0):
            return False
        self._parent, self._index = parent, 0
        shape = macvlan(parent, self._hardware_address)
        if not _index(self.name):
            _change(macvlan_messages.creation(self.name, shape))
        found, index = _look_up(self.name)
        if found != shape:
            told = f"found {_described(found)}, expected {_described(shape)} or none"
            raise MacvlanError(f"{self.name} is not ours ({told})")
        _settle(self.name)
        self._index = index
        return True

    def raise_up(self) -> None:
        """Listen to the virtual MAC; if somebody has deleted it, make it again. Raises OSError."""
        self._wanted = True
        self.make(self._parent)
        _change(macvlan_messages.switch(self._index, up=True))

    async def lower(self) -> None:
        """Listen to it no more. Raises OSError."""
        self._wanted = False
        if self._index:
            await asyncio.to_thread(self._lower)

    async def remove(self) -> None:
        """Delete it for good. Raises OSError."""
        self._removed = True
        index, self._index = self._index, 0
        if index:
            await asyncio.to_thread(_change, macvlan_messages.deletion(index), (errno.ENODEV,))

    def _lower(self) -> None:
        if not self._wanted:  # it may be again by the time the thread begins
            _change(macvlan_messages.switch(self._index, up=False), (errno.ENODEV,))


def macvlan_of(configuration: InstanceConfiguration) -> Macvlan | None:
    """The interface of an instance's virtual MAC, if it is to have one."""
    if configuration.virtual_mac is None:
        return None
    return Macvlan(configuration.virtual_mac, configuration.hardware_address)


async def lower_leftover(configuration: InstanceConfiguration) -> None:
    """Lower an instance's macvlan in place of a vrrp process that cannot.

    Raises OSError.
    """
    left = macvlan_of(configuration)
    parent = _index(configuration.interface)
    if left is not None and parent and _index(left.name):
        left.make(parent)
        await left.lower()


def shortcomings(interface: str) -> list[str]:
    """What of the host's own settings lets the MAC of ``interface`` answer for virtual addresses,
    or keeps the virtual MAC from answering: each with the value it should have.

    They concern every interface of the host, or addresses that are none of ours, so they are the
    operator's to change (ip-sysctl). Raises OSError where they cannot be read.
    """
    both = {name: _effective(interface, name) for name in ("arp_ignore", "arp_announce")}
    everywhere = {name: _effective("all", name) for name in ("arp_filter", "rp_filter")}
    written = f"net.ipv4.conf.{interface.replace('.', '/')}"  # as sysctl(8) has it
    found = []
    if both["arp_ignore"] == 0:
        found.append(f"{written}.arp_ignore=1")
    if both["arp_announce"] != 2:
        found.append(f"{written}.arp_announce=2")
    if everywhere["arp_filter"] != 0:
        found.append("net.ipv4.conf.all.arp_filter=0")
    if everywhere["rp_filter"] == 1:
        found.append("net.ipv4.conf.all.rp_filter=0")
    return found


def _effective(interface: str, name: str) -> int:
    """The kernel goes by the greater of an interface's value and that of all."""
    base = _SETTINGS / "ipv4/conf"
    return max(int((base / each / name).read_text("ascii")) for each in ("all", interface))


def _settle(name: str) -> None:
    for family, settings in (("ipv4", _IPV4), ("ipv6", _IPV6)):
        place = _SETTINGS / family / "conf" / name
        if place.exists():  # a kernel may be without IPv6
            for setting, value in settings.items():
                if (place / setting).read_text("ascii").strip() != value:
                    (place / setting).write_text(value, "ascii")


def _described(shape: Shape) -> str:
    mac = shape.hardware_address.hex(":") or "none"
    kind = shape.kind or "device"
    return f"a {kind} in mode {shape.mode} over interface {shape.parent} with MAC {mac}"


def _index(name: str) -> int:
    """The index of an interface, 0 if there is none."""
    with suppress(OSError):
        return socket.if_nametoindex(name)
    return 0


def _look_up(name: str) -> tuple[Shape, int]:
    for body in _ask(macvlan_messages.query(name)):
        return read_shape(body), interface_index(body)
    raise MacvlanError(f"{name} is gone again")


def _change(message: bytes, tolerated: tuple[int, ...] = ()) -> None:
    try:
        _ask(message)
    except OSError as error:
        if error.errno not in tolerated:
            raise


def _ask(message: bytes) -> list[bytes]:
    """Send one message over a socket of its own; the interfaces the kernel answers with.

    The kernel handles it while it is being sent. Raises OSError for what it refuses.
    """
    flags = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    with socket.socket(socket.AF_NETLINK, flags, socket.NETLINK_ROUTE) as asking:
        asking.send(message)
        answers = list(messages(asking.recv(_ANSWER_BYTES)))
    for answer in answers:
        code = error_code(answer.body) if answer.kind == NLMSG_ERROR else 0
        if code:
            raise OSError(code, _reason(code))
    return [each.body for each in answers if each.kind == RTM_NEWLINK]


def _reason(code: int) -> str:
    match code:
        case errno.EPERM:
            return "CAP_NET_ADMIN is needed"
        case errno.EADDRINUSE:
            return "another macvlan of this interface has the virtual MAC"
        case errno.EBUSY | errno.EINVAL:
            return f"the interface can have no macvlan: {os.strerror(code)}"
        case _:
            return os.strerror(code)
