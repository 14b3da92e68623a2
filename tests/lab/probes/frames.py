"""The bytes of HTTP/2: frames and header fields."""

import struct

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0x0, 0x1, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9,
)  # fmt: skip
END_STREAM, END_HEADERS = 0x1, 0x4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """RFC 9113 section 4.1."""
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + struct.pack("!I", stream) + payload
    )


def fields(*pairs: tuple[bytes, bytes]) -> bytes:
    """Literal header fields without indexing (RFC 7541 section 6.2.2)."""
    return b"".join(bytes((0, len(n))) + n + bytes((len(v),)) + v for n, v in pairs)


def long_field(length: int) -> bytes:
    """A field with the name x and a value of ``length``, at least 16 KiB (section 5.1)."""
    rest = length - 0x7F
    number = bytes((0x7F, rest & 0x7F | 0x80, rest >> 7 & 0x7F | 0x80, rest >> 14))
    return b"\0\1x" + number + b"v" * length


def header_block(block: bytes) -> bytes:
    """HEADERS and CONTINUATION frames of the length that every peer must accept."""
    parts = [block[start : start + 16384] for start in range(0, len(block), 16384)]
    flags = [*(0 for _ in parts[1:]), END_HEADERS]
    kinds = [HEADERS, *(CONTINUATION for _ in parts[1:])]
    return b"".join(
        frame(kind, flag, 1, part) for kind, flag, part in zip(kinds, flags, parts, strict=True)
    )


BEGUN = frame(SETTINGS, 0, 0)
STATUS_200 = b"\x88"  # RFC 7541, appendix A, index 8
