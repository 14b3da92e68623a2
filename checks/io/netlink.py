"""The message format of netlink (netlink(7), rtnetlink(7)), for all modules of this package."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final

MESSAGE_LENGTH_MAX: Final = 65536

# struct nlmsghdr (linux/netlink.h) and struct rtattr (linux/rtnetlink.h)
_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_NLM_F_REQUEST: Final = 1


def write_request(message_type: int, body: bytes) -> bytes:
    """Return a request message. Its sequence number is 0, for one request per socket."""
    return _HEADER.pack(_HEADER.size + len(body), message_type, _NLM_F_REQUEST, 0, 0) + body


def write_attribute(attribute_type: int, value: bytes) -> bytes:
    """Return an attribute with a value whose length is a multiple of 4."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), attribute_type) + value


def read_messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Read the type and body of each message, up to the first truncated message."""
    while len(data) >= _HEADER.size:
        length, message_type, *_ = _HEADER.unpack_from(data)
        if not _HEADER.size <= length <= len(data):
            return
        yield message_type, data[_HEADER.size : length]
        data = data[_align(length) :]


def read_attributes(data: bytes) -> dict[int, bytes]:
    """Read the values of attributes by type, up to the first truncated attribute."""
    attributes = {}
    while len(data) >= _ATTRIBUTE.size:
        length, attribute_type = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            break
        attributes[attribute_type] = data[_ATTRIBUTE.size : length]
        data = data[_align(length) :]
    return attributes


def read_address(family: int, packed: bytes) -> str | None:
    """Read an address; None if its length does not match the address family."""
    if family == socket.AF_INET and len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    if family == socket.AF_INET6 and len(packed) == 16:
        return socket.inet_ntop(socket.AF_INET6, packed)
    return None


def _align(length: int) -> int:
    return (length + 3) & ~3
