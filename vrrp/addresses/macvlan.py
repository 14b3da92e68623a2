"""The macvlan with the virtual MAC of an instance, on top of its interface (RFC 9568 7.3)."""

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

# The macvlan answers only for its own addresses. It accepts packets although the route back uses
# the parent. The kernel must not form an address from the virtual MAC (RFC 9568 7.4).
_IPV4: Final = {"arp_ignore": "1", "arp_filter": "0", "rp_filter": "0"}
_IPV6: Final = {"addr_gen_mode": "1", "accept_ra": "0", "autoconf": "0"}


class MacvlanError(OSError):
    """The macvlan cannot be created. The text is the reason."""


class Macvlan:
    """The macvlan interface that holds the virtual addresses of one instance.

    It is up only while the instance holds its addresses. While it is down, this host neither
    receives nor sends packets with the virtual MAC (RFC 9568 6.4.2). A macvlan of an earlier
    process with the same name, MAC and parent is reused. Bringing a macvlan down or deleting it
    takes the kernel tens of milliseconds, so a thread does it.
    """

    def __init__(self, name: str, hardware_address: bytes) -> None:
        self.name = name
        self._hardware_address = hardware_address
        self._parent = 0
        self._index = 0
        self._wanted = False
        self._removed = False

    def create(self, parent: int) -> bool:
        """Create the macvlan on the interface with this index, or reuse an existing macvlan.

        Return False if the macvlan was present and correct. Raises OSError, and
        MacvlanError if another interface has the name.
        """
        if self._removed or (parent == self._parent and self._index == _index(self.name) != 0):
            return False
        shape = macvlan(parent, self._hardware_address)
        if not _index(self.name):
            _change(macvlan_messages.creation(self.name, shape))
        found, index = _look_up(self.name)
        if found != shape:
            difference = f"found {_describe(found)}, expected {_describe(shape)}"
            raise MacvlanError(
                f"the interface {self.name} belongs to another program ({difference})"
            )
        _write_settings(self.name)
        self._parent, self._index = parent, index
        return True

    @property
    def created(self) -> bool:
        """Whether the macvlan existed at the latest check."""
        return self._index != 0

    def bring_up(self) -> None:
        """Bring the macvlan up. If it was deleted, create it again. Raises OSError."""
        self._wanted = True
        self.create(self._parent)
        _change(macvlan_messages.switch(self._index, up=True))

    async def bring_down(self) -> None:
        """Bring the macvlan down. Raises OSError."""
        self._wanted = False
        if self._index:
            await asyncio.to_thread(self._bring_down)

    async def remove(self) -> None:
        """Delete the macvlan, and do not create it again. Raises OSError."""
        self._removed = True
        index, self._index = self._index, 0
        if index:
            await asyncio.to_thread(_change, macvlan_messages.deletion(index), (errno.ENODEV,))

    def _bring_down(self) -> None:
        if not self._wanted:  # `bring_up` may have been called before the thread started
            _change(macvlan_messages.switch(self._index, up=False), (errno.ENODEV,))


def macvlan_of(configuration: InstanceConfiguration) -> Macvlan | None:
    """Return the macvlan of an instance; None if it has no virtual MAC."""
    if configuration.virtual_mac is None:
        return None
    return Macvlan(configuration.virtual_mac, configuration.hardware_address)


async def bring_leftover_down(configuration: InstanceConfiguration) -> None:
    """Bring down the macvlan of an instance whose process has exited. Raises OSError."""
    leftover = macvlan_of(configuration)
    parent = _index(configuration.interface)
    if leftover is not None and parent and _index(leftover.name):
        leftover.create(parent)
        await leftover.bring_down()


def unsuitable_sysctls(interface: str) -> list[str]:
    """Return the sysctls, with correct values, that keep IPv4 neighbors from using the virtual MAC.

    With their current values, the MAC of ``interface`` answers ARP requests for virtual
    addresses, or the virtual MAC does not answer (ip-sysctl). They also affect other interfaces
    and addresses, so only the operator may change them. Raises OSError if they cannot be read.
    """
    prefix = f"net.ipv4.conf.{interface.replace('.', '/')}"  # the notation of sysctl(8)
    unsuitable = []
    if _effective(interface, "arp_ignore") == 0:
        unsuitable.append(f"{prefix}.arp_ignore=1")
    if _effective(interface, "arp_announce") != 2:
        unsuitable.append(f"{prefix}.arp_announce=2")
    if _effective("all", "arp_filter") != 0:
        unsuitable.append("net.ipv4.conf.all.arp_filter=0")
    if _effective("all", "rp_filter") == 1:
        unsuitable.append("net.ipv4.conf.all.rp_filter=0")
    return unsuitable


def _effective(interface: str, name: str) -> int:
    """Return the value that the kernel uses: the maximum of the interface and `all`."""
    base = _SETTINGS / "ipv4/conf"
    return max(int((base / scope / name).read_text("ascii")) for scope in ("all", interface))


def _write_settings(name: str) -> None:
    for family, settings in (("ipv4", _IPV4), ("ipv6", _IPV6)):
        directory = _SETTINGS / family / "conf" / name
        if directory.exists():  # the kernel may have no IPv6
            for setting, value in settings.items():
                if (directory / setting).read_text("ascii").strip() != value:
                    (directory / setting).write_text(value, "ascii")


def _describe(shape: Shape) -> str:
    mac = shape.hardware_address.hex(":") or "none"
    kind = shape.kind or "device"
    return f"a {kind} in mode {shape.mode} over interface {shape.parent} with MAC {mac}"


def _index(name: str) -> int:
    """Return the index of an interface; 0 if it does not exist."""
    with suppress(OSError):
        return socket.if_nametoindex(name)
    return 0


def _look_up(name: str) -> tuple[Shape, int]:
    for body in _request(macvlan_messages.query(name)):
        return read_shape(body), interface_index(body)
    raise MacvlanError(f"the interface {name} was deleted")


def _change(message: bytes, tolerated: tuple[int, ...] = ()) -> None:
    try:
        _request(message)
    except OSError as error:
        if error.errno not in tolerated:
            raise


def _request(message: bytes) -> list[bytes]:
    """Send one message on a new socket; return the bodies of the interfaces in the answer.

    The kernel handles the message before ``send`` returns. Raises OSError if it refuses it.
    """
    flags = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    with socket.socket(socket.AF_NETLINK, flags, socket.NETLINK_ROUTE) as netlink:
        netlink.send(message)
        answers = list(messages(netlink.recv(_ANSWER_BYTES)))
    for answer in answers:
        code = error_code(answer.body) if answer.kind == NLMSG_ERROR else 0
        if code:
            raise OSError(code, _reason(code))
    return [answer.body for answer in answers if answer.kind == RTM_NEWLINK]


def _reason(code: int) -> str:
    match code:
        case errno.EPERM:
            return "CAP_NET_ADMIN is needed"
        case errno.EADDRINUSE:
            return "another macvlan on this interface has the virtual MAC"
        case errno.EBUSY | errno.EINVAL:
            return f"the interface does not support a macvlan: {os.strerror(code)}"
        case _:
            return os.strerror(code)
