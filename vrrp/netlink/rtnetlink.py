"""Builds and reads netlink messages for addresses and links, as bytes.

All fields are in host byte order (netlink(7), rtnetlink(7)).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Final, NamedTuple

Interface = IPv4Interface | IPv6Interface

# linux/netlink.h
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
_NLM_F_REQUEST, _NLM_F_ACK = 0x1, 0x4
_NLM_F_REPLACE, _NLM_F_EXCL, _NLM_F_CREATE = 0x100, 0x200, 0x400
_NLM_F_DUMP_INTR, _NLM_F_DUMP = 0x10, 0x300
_HEADER: Final = struct.Struct("=IHHII")

# linux/rtnetlink.h
RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR, _RTM_GETADDR = 16, 17, 20, 21, 22

# linux/if_addr.h
_ADDRESS_HEADER: Final = struct.Struct("=BBBBI")
_ATTRIBUTE_HEADER: Final = struct.Struct("=HH")
_NLA_TYPE_MASK: Final = 0x3FFF
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_CACHEINFO = 1, 2, 3, 6
_IFA_F_NODAD, _IFA_F_DADFAILED, _IFA_F_TENTATIVE, _IFA_F_PERMANENT = 0x02, 0x08, 0x40, 0x80

AF_INET, AF_INET6 = 2, 10

_RENEW: Final = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_REPLACE | _NLM_F_CREATE
ADD_MISSING: Final = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_EXCL | _NLM_F_CREATE
CHANGE: Final = _NLM_F_REQUEST | _NLM_F_ACK
QUERY: Final = _NLM_F_REQUEST
LIST: Final = _NLM_F_REQUEST | _NLM_F_DUMP
"""The flags of the kinds of requests."""

CACHED: Final = 4096
"""Number of cached messages and addresses, so that renewing hundreds of addresses is fast."""


class Message(NamedTuple):
    """One netlink message. ``interrupted``: the kernel's list changed while it was read."""

    kind: int
    number: int
    interrupted: bool
    body: bytes


class VirtualAddress(NamedTuple):
    """A virtual address of an instance, with its device. ``scope`` is a number of rtnetlink(7)."""

    address: Interface
    device: str
    label: str | None = None
    scope: int = 0


class InterfaceAddress(NamedTuple):
    """An address on an interface. ``interface`` is the index of the interface.

    A ``permanent`` address has no lifetime. A ``tentative`` address cannot be used: duplicate
    address detection (RFC 4862 5.4) has not ended, or has found a duplicate.
    """

    interface: int
    address: Interface
    permanent: bool
    tentative: bool


@lru_cache(CACHED)
def renewal(
    index: int, virtual: VirtualAddress, lifetime: int, *, only_missing: bool = False
) -> bytes:
    """Build RTM_NEWADDR, which adds or renews an address for ``lifetime`` seconds.

    With ``only_missing``, the kernel answers EEXIST if the address exists.

    Duplicate address detection is disabled for IPv6, because the previous router may still have
    the address. An address with the prefix length 128 is added as deprecated, so that the host
    does not select it as the source of its own connections.
    """
    address = virtual.address
    alone = address.version == 6 and address.network.prefixlen == 128
    times = struct.pack("=IIII", 0 if alone else lifetime, lifetime, 0, 0)
    flags = _IFA_F_NODAD if address.version == 6 else 0
    body = _address(index, address, flags, virtual.scope) + attribute(_IFA_CACHEINFO, times)
    if virtual.label is not None:
        body += attribute(_IFA_LABEL, virtual.label.encode() + b"\0")
    return request(RTM_NEWADDR, ADD_MISSING if only_missing else _RENEW, body)


def deletion(index: int, address: Interface) -> bytes:
    """Build RTM_DELADDR."""
    return request(RTM_DELADDR, CHANGE, _address(index, address, 0, 0))


def listing(index: int) -> bytes:
    """Build RTM_GETADDR, which lists all addresses of an interface (`NETLINK_GET_STRICT_CHK`)."""
    return request(_RTM_GETADDR, LIST, _ADDRESS_HEADER.pack(0, 0, 0, 0, index))


def number_messages(messages: Sequence[bytes]) -> bytes:
    """Join messages into one buffer. The sequence number of a message is its position."""
    return b"".join(
        message[:8] + struct.pack("=I", number) + message[12:]
        for number, message in enumerate(messages)
    )


def messages(data: bytes) -> Iterator[Message]:
    """Split the data that a netlink socket received into messages."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, number, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        body = data[offset + _HEADER.size : offset + length]
        yield Message(kind, number, bool(flags & _NLM_F_DUMP_INTR), body)
        offset += (length + 3) & ~3


def error_code(body: bytes) -> int:
    """Return the error number in an NLMSG_ERROR; 0 for an acknowledgement."""
    (code,) = struct.unpack_from("=i", body)
    return -int(code)


def interface_index(body: bytes) -> int:
    """Return the interface index of a link or address message.

    It is at the same offset in both.
    """
    (index,) = struct.unpack_from("=I", body, 4)
    return int(index)


def read_address(body: bytes) -> InterfaceAddress | None:
    """Read RTM_NEWADDR or RTM_DELADDR. Return None for other families than IPv4 and IPv6."""
    family, length, flags, _, index = _ADDRESS_HEADER.unpack_from(body)
    packed = _local_address(body)
    if (family, len(packed)) not in ((AF_INET, 4), (AF_INET6, 16)):
        return None
    return InterfaceAddress(
        interface=index,
        address=_interface(packed, length),
        permanent=bool(flags & _IFA_F_PERMANENT),
        tentative=bool(flags & (_IFA_F_TENTATIVE | _IFA_F_DADFAILED)),
    )


def request(kind: int, flags: int, body: bytes) -> bytes:
    """Build one message. `number_messages` sets its sequence number."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 0, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    """Build one attribute."""
    padding = bytes(-len(value) % 4)
    return _ATTRIBUTE_HEADER.pack(4 + len(value), kind) + value + padding


def attributes(data: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and value of each attribute. Stop at an invalid attribute."""
    while offset + 4 <= len(data):
        length, kind = _ATTRIBUTE_HEADER.unpack_from(data, offset)
        if length < 4:
            return
        yield kind & _NLA_TYPE_MASK, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


@lru_cache(CACHED)
def _interface(packed: bytes, length: int) -> Interface:
    if len(packed) == 4:
        return IPv4Interface((IPv4Address(packed), length))
    return IPv6Interface((IPv6Address(packed), length))


def _address(index: int, address: Interface, flags: int, scope: int) -> bytes:
    family = AF_INET if address.version == 4 else AF_INET6
    header = _ADDRESS_HEADER.pack(family, address.network.prefixlen, flags, scope, index)
    packed = address.packed
    return header + attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed)


def _local_address(body: bytes) -> bytes:
    """Return IFA_LOCAL, or IFA_ADDRESS if there is no IFA_LOCAL.

    The kernel writes both at the start of the message. On a point-to-point link, IFA_ADDRESS is
    the address of the other end. IPv6 has IFA_LOCAL only on such links.
    """
    found = b""
    offset = _ADDRESS_HEADER.size
    while offset + 4 <= len(body):
        length, kind = _ATTRIBUTE_HEADER.unpack_from(body, offset)
        if kind == _IFA_LOCAL:
            return body[offset + 4 : offset + length]
        if kind == _IFA_ADDRESS:
            found = body[offset + 4 : offset + length]
        elif found:
            break
        offset += max((length + 3) & ~3, 4)
    return found
