"""Encodes and decodes netlink attributes: length, type, value, padding (linux/netlink.h). Pure.

The codec of pyroute2 is not used, because it takes 0.2 ms per destination (docs/decisions/0012).
"""

from __future__ import annotations

import struct
import sys

_HEADER = struct.Struct("=HH")
_UINT16 = struct.Struct("=H")
_UINT32 = struct.Struct("=I")
_PORT = struct.Struct(">H")

_TYPE_MASK = 0x3FFF
"""NLA_TYPE_MASK: the two bits above it are flags."""


def attribute(kind: int, value: bytes) -> bytes:
    """Encode an attribute, padded to 4 bytes."""
    return _HEADER.pack(_HEADER.size + len(value), kind) + value + bytes(-len(value) % 4)


def attributes(data: bytes) -> dict[int, bytes]:
    """Decode attributes to a mapping by type. Decoding stops at a malformed attribute."""
    found: dict[int, bytes] = {}
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            break
        found[kind & _TYPE_MASK] = data[offset + _HEADER.size : offset + length]
        offset += length + (-length % 4)
    return found


def uint8(kind: int, number: int) -> bytes:
    """Encode an 8-bit number."""
    return attribute(kind, bytes([number]))


def uint16(kind: int, number: int) -> bytes:
    """Encode a 16-bit number."""
    return attribute(kind, _UINT16.pack(number))


def uint32(kind: int, number: int) -> bytes:
    """Encode a 32-bit number."""
    return attribute(kind, _UINT32.pack(number))


def port(kind: int, number: int) -> bytes:
    """Encode a port, in network byte order."""
    return attribute(kind, _PORT.pack(number))


def text(kind: int, value: str) -> bytes:
    """Encode a string with a final NUL."""
    return attribute(kind, value.encode("ascii") + b"\0")


def read_number(value: bytes) -> int:
    """Decode a number of any size in the byte order of this machine."""
    return int.from_bytes(value, sys.byteorder)


def read_port(value: bytes) -> int:
    """Decode a port."""
    return int.from_bytes(value, "big")


def read_text(value: bytes) -> str:
    """Decode a string up to its NUL."""
    return value.partition(b"\0")[0].decode("ascii", "replace")
