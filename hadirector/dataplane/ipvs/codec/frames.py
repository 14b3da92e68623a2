"""Encodes and decodes generic netlink messages. Pure.

linux/netlink.h and linux/genetlink.h define the formats and numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

import msgspec

ERROR = 2
"""NLMSG_ERROR: an acknowledgment or an error."""
DONE = 3
"""NLMSG_DONE: the end of a dump."""

REQUEST = 0x1
ACKNOWLEDGE = 0x4
DUMP = 0x300

_HEADER = Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence number, port."""
LENGTH_AND_TYPE = 6
"""The number of bytes of these first two fields."""
_GENERIC_HEADER = Struct("=BBH")
"""struct genlmsghdr: command, version, reserved."""
_CODE = Struct("=i")
CONTENT_AT = _HEADER.size + _GENERIC_HEADER.size
"""The offset of the attributes in a message of a family."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request to a generic netlink family: a command and its attributes."""

    command: int
    content: bytes = b""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A received netlink message: its type, the sequence number of its request, and its bytes."""

    kind: int
    sequence: int
    data: bytes

    @property
    def content(self) -> bytes:
        """The encoded attributes of the message."""
        return self.data[CONTENT_AT:]

    @property
    def code(self) -> int:
        """The errno in an ERROR or DONE message; 0 without an error."""
        if len(self.data) < _HEADER.size + _CODE.size:
            return 0
        return -int(_CODE.unpack_from(self.data, _HEADER.size)[0])


def write(request: Request, family: int, version: int, flags: int, sequence: int) -> bytes:
    """Encode a request. Its attributes are padded, so the message needs no padding."""
    length = CONTENT_AT + len(request.content)
    return (
        _HEADER.pack(length, family, flags, sequence, 0)
        + _GENERIC_HEADER.pack(request.command, version, 0)
        + request.content
    )


def first(datagram: bytes) -> Frame | None:
    """Decode the first message of a datagram; None if it is not complete."""
    return next(read(datagram), None)


def read(datagram: bytes) -> Iterator[Frame]:
    """Decode the messages of a datagram; decoding stops at a malformed message."""
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length, kind, _, sequence, _ = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size or offset + length > len(datagram):
            break
        yield Frame(kind, sequence, datagram[offset : offset + length])
        offset += length + (-length % 4)
