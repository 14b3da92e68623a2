"""The rtnetlink messages VRRP needs, as bytes: addresses added, removed, listed, and events.

All of them are in the host's byte order (netlink(7), rtnetlink(7)).
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
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_CACHEINFO = 1, 2, 3, 6
_IFA_F_NODAD, _IFA_F_DADFAILED, _IFA_F_TENTATIVE, _IFA_F_PERMANENT = 0x02, 0x08, 0x40, 0x80

AF_INET, AF_INET6 = 2, 10

_RENEW: Final = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_REPLACE | _NLM_F_CREATE
ADD_MISSING: Final = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_EXCL | _NLM_F_CREATE
DELETE: Final = _NLM_F_REQUEST | _NLM_F_ACK
LIST: Final = _NLM_F_REQUEST | _NLM_F_DUMP


CACHED: Final = 4096
"""Addresses whose making is not repeated: refreshing and listing hundreds must not take long."""


class Message(NamedTuple):
    """One netlink message. ``interrupted``: the list it is of changed while it was being made."""

    kind: int
    number: int
    interrupted: bool
    body: bytes


class VirtualAddress(NamedTuple):
    """An address to be put on a device; ``scope`` is the kernel's number (rtnetlink(7))."""

    address: Interface
    device: str
    label: str | None = None
    scope: int = 0


class Standing(NamedTuple):
    """An address on an interface, which is named by its index.

    ``permanent`` ones have no lifetime; ``tentative`` ones may not be used, for the kernel is
    still asking whether somebody else has them (RFC 4862 5.4), or knows that somebody has.
    """

    interface: int
    address: Interface
    permanent: bool
    tentative: bool


@lru_cache(CACHED)
def renewal(
    index: int, virtual: VirtualAddress, lifetime: int, *, only_missing: bool = False
) -> bytes:
    """Build RTM_NEWADDR: add the address, or renew it where it stands, for ``lifetime`` seconds.

    With ``only_missing`` the kernel answers EEXIST where it stands.

    An IPv6 address is not asked for on the link first: the router it is taken over from may still
    have it. One without a subnet (/128) is added as deprecated, so that the host does not choose
    it as the source of connections of its own.
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
    return request(RTM_DELADDR, DELETE, _address(index, address, 0, 0))


def listing(index: int) -> bytes:
    """Build RTM_GETADDR for all addresses of an interface, as `NETLINK_GET_STRICT_CHK` has it."""
    return request(_RTM_GETADDR, LIST, _ADDRESS_HEADER.pack(0, 0, 0, 0, index))


def numbered(messages: Sequence[bytes]) -> bytes:
    """Join messages, the sequence number of each being its place."""
    return b"".join(
        each[:8] + struct.pack("=I", number) + each[12:] for number, each in enumerate(messages)
    )


def messages(data: bytes) -> Iterator[Message]:
    """Take apart what a netlink socket delivers."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, number, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        body = data[offset + _HEADER.size : offset + length]
        yield Message(kind, number, bool(flags & _NLM_F_DUMP_INTR), body)
        offset += (length + 3) & ~3


def error_code(body: bytes) -> int:
    """The error number in an NLMSG_ERROR, 0 for an acknowledgement."""
    (code,) = struct.unpack_from("=i", body)
    return -int(code)


def interface_index(body: bytes) -> int:
    """Which interface a link or address message is about; both have it in the same place."""
    (index,) = struct.unpack_from("=I", body, 4)
    return int(index)


def read_address(body: bytes) -> Standing | None:
    """Read RTM_NEWADDR or RTM_DELADDR; None for what is neither IPv4 nor IPv6."""
    family, length, flags, _, index = _ADDRESS_HEADER.unpack_from(body)
    packed = _local_address(body)
    if (family, len(packed)) not in ((AF_INET, 4), (AF_INET6, 16)):
        return None
    return Standing(
        interface=index,
        address=_interface(packed, length),
        permanent=bool(flags & _IFA_F_PERMANENT),
        tentative=bool(flags & (_IFA_F_TENTATIVE | _IFA_F_DADFAILED)),
    )


def request(kind: int, flags: int, body: bytes) -> bytes:
    """Build one message; `numbered` gives it its number."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 0, 0) + body


def attribute(kind: int, value: bytes) -> bytes:
    """Build one attribute."""
    padding = bytes(-len(value) % 4)
    return _ATTRIBUTE_HEADER.pack(4 + len(value), kind) + value + padding


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
    """The kernel writes IFA_LOCAL and IFA_ADDRESS side by side, before anything else; IFA_ADDRESS
    is the other end's on a point-to-point link, where alone IPv6 has an IFA_LOCAL.
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
