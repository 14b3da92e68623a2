"""Generic netlink messages around what IPVS is asked and answers, to and from bytes. Pure.

Formats and numbers are those of linux/netlink.h and linux/genetlink.h.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

import msgspec

ERROR = 2
"""NLMSG_ERROR: an acknowledgement, or why there is none."""
DONE = 3
"""NLMSG_DONE: a dump is over."""

REQUEST = 0x1
ACKNOWLEDGE = 0x4
DUMP = 0x300

_HEADER = Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence number, port."""
LENGTH_AND_TYPE = 6
"""Bytes of it that come first."""
_GENERIC_HEADER = Struct("=BBH")
"""struct genlmsghdr: command, version, reserved."""
_CODE = Struct("=i")
CONTENT_AT = _HEADER.size + _GENERIC_HEADER.size
"""Where attributes begin in a message of a family."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """What a family is asked or ordered: a command and its attributes."""

    command: int
    content: bytes = b""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One message as it came: its type, the sequence number of its request, and all its bytes."""

    kind: int
    sequence: int
    data: bytes

    @property
    def content(self) -> bytes:
        """The attributes of a message of a family."""
        return self.data[CONTENT_AT:]

    @property
    def code(self) -> int:
        """The errno that an ERROR or the end of a dump carries, 0 for none."""
        if len(self.data) < _HEADER.size + _CODE.size:
            return 0
        return -int(_CODE.unpack_from(self.data, _HEADER.size)[0])


def write(request: Request, family: int, version: int, flags: int, sequence: int) -> bytes:
    """Write a request. Its length needs no padding: attributes are padded already."""
    length = CONTENT_AT + len(request.content)
    return (
        _HEADER.pack(length, family, flags, sequence, 0)
        + _GENERIC_HEADER.pack(request.command, version, 0)
        + request.content
    )


def first(datagram: bytes) -> Frame | None:
    """Read the first message of a datagram; None if it is not whole."""
    return next(read(datagram), None)


def read(datagram: bytes) -> Iterator[Frame]:
    """Read the messages of a datagram; what follows a malformed one is not read."""
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length, kind, _, sequence, _ = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size or offset + length > len(datagram):
            break
        yield Frame(kind, sequence, datagram[offset : offset + length])
        offset += length + (-length % 4)
