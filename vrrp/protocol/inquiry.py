"""The question of a BACKUP router to the host of the active router, and the answer.

Both have 16 bytes and are sent over UDP: version of VRRP (4 bits), type (4 bits), VRID, six zeros,
and a number that the answer repeats (64 bits). Types 14 and 15 are not types of VRRP, so no message
can be taken for an advertisement. A trailer of auth_hmac may follow (`authentication`). It covers
all of the message except two of the zeros, where an advertisement has its checksum.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from vrrp.protocol.authentication import TRAILER_BYTES

QUESTION: Final = 14
ANSWER: Final = 15
DEFAULT_PORT: Final = 9472
NUMBER_BYTES: Final = 8

_MESSAGE: Final = struct.Struct("!BB6xQ")


class Inquiry(NamedTuple):
    """A question or an answer. ``kind`` is `QUESTION` or `ANSWER`."""

    kind: int
    version: int
    virtual_router_id: int
    number: int


def encode_inquiry(inquiry: Inquiry) -> bytes:
    """Encode a message without a trailer."""
    first = inquiry.version << 4 | inquiry.kind
    return _MESSAGE.pack(first, inquiry.virtual_router_id, inquiry.number)


def decode_inquiry(payload: bytes) -> Inquiry | None:
    """Decode a message with or without a trailer; None if it is not valid."""
    if len(payload) not in (_MESSAGE.size, _MESSAGE.size + TRAILER_BYTES):
        return None
    first, virtual_router_id, number = _MESSAGE.unpack_from(payload)
    inquiry = Inquiry(first & 0x0F, first >> 4, virtual_router_id, number)
    valid = inquiry.kind in (QUESTION, ANSWER) and not any(payload[2:8])
    return inquiry if valid else None


def split_inquiry(payload: bytes) -> tuple[bytes, bytes]:
    """Split a payload into the message and the trailer, which may be empty."""
    return payload[: _MESSAGE.size], payload[_MESSAGE.size :]
