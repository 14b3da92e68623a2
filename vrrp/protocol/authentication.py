"""auth_hmac: the authentication trailer of keepalived (draft-cassen-vrrp-auth-hmac-00).

The trailer is the same for VRRP versions 2 and 3. Its 28 bytes follow the VRRP message: extension
type 1, key id, two zeros, sequence number (`vrrp.protocol.sequence`) and the first 16 bytes of an
HMAC-SHA256. The layout and the bytes that the HMAC covers are the same as in keepalived 2.4.3. In
IPv4, only the length in the IP header includes the trailer. In IPv6, the checksum covers it too
(`vrrp.protocol.packet.with_trailer`).
"""

from __future__ import annotations

import hmac
import struct
from typing import Final, NamedTuple

from vrrp.model.configuration import HmacAuthentication, Secret
from vrrp.protocol.packet import Address, DropReason, message_length
from vrrp.protocol.sequence import SequenceMemory, seconds_behind

TRAILER_BYTES: Final = 28
KEY_BYTES_MIN: Final = 32
KEY_BYTES_MAX: Final = 64
MULTICAST_SENDERS_MAX: Final = 4
"""Number of senders whose sequence numbers a multicast instance remembers, as in keepalived."""

_EXTENSION_TYPE: Final = 1
_HEAD: Final = struct.Struct("!BBHQ")
_TAG_BYTES: Final = 16
_CHECKSUM: Final = slice(6, 8)


class Clocks(NamedTuple):
    """The clocks of this host at one moment, in nanoseconds since 1970.

    ``wall`` is the wall clock. ``continued`` is the time that the host would have without a
    step of the wall clock back. ``boot`` is when the host was booted, by the wall clock.
    """

    wall: int
    continued: int
    boot: int


class Judgment(NamedTuple):
    """The result of the authentication of a message.

    ``dropped`` is why the message must be dropped; None if it is authentic, recent and not a
    replay. ``sequence`` and ``seconds_ahead`` are None unless the tag is valid. ``seconds_ahead``
    is how far the clock of the sender is ahead of this host; negative if it is behind.
    """

    dropped: DropReason | None
    sequence: int | None = None
    seconds_ahead: float | None = None


def split_trailer(payload: bytes, source: Address) -> tuple[bytes, bytes]:
    """Split a payload into the message and the trailer, which has 28 bytes.

    If another number of bytes follows the message, the trailer is empty.
    """
    end = len(payload) - TRAILER_BYTES
    if end > 0 and message_length(payload, source) == end:
        return payload[:end], payload[end:]
    return payload, b""


def is_trailer(trailer: bytes) -> bool:
    """Return whether bytes after a message have the form of an auth_hmac trailer.

    The trailer need not be authentic.
    """
    return (
        len(trailer) == TRAILER_BYTES and trailer[0] == _EXTENSION_TYPE and trailer[2:4] == b"\0\0"
    )


def sign(message: bytes, source: Address, key_id: int, key: Secret, sequence: int) -> bytes:
    """Build the trailer of a message. It does not depend on the destination."""
    head = _HEAD.pack(_EXTENSION_TYPE, key_id, 0, sequence)
    return head + _tag(message, source, key, head)


def authenticate(
    message: bytes,
    trailer: bytes,
    source: Address,
    *,
    authentication: HmacAuthentication,
    memory: SequenceMemory,
    clocks: Clocks,
) -> Judgment:
    """Decide whether a message is authentic, recent and not a replay.

    A message is recent if its time is within the window of the wall clock or of the continued
    time. ``memory`` stores the sequence number of an authentic message.
    """
    if not trailer:
        return Judgment(DropReason.HMAC_MISSING)
    head = trailer[: _HEAD.size]
    extension_type, key_id, reserved, sequence = _HEAD.unpack(head)
    if extension_type != _EXTENSION_TYPE or reserved != 0:
        return Judgment(DropReason.HMAC_MALFORMED)
    key = authentication.key(key_id)
    if key is None:
        return Judgment(DropReason.HMAC_KEY)
    if not hmac.compare_digest(_tag(message, source, key, head), trailer[_HEAD.size :]):
        return Judgment(DropReason.HMAC_TAG)
    times = (clocks.wall, clocks.continued)
    ahead = min((seconds_behind(sequence, time) for time in times), key=abs)
    window = authentication.window
    recent = abs(ahead) <= window
    later = memory.accept(
        source, sequence, recent=recent, wall=clocks.wall, window=window, boot=clocks.boot
    )
    dropped = DropReason.HMAC_REPLAY if not later else None if recent else DropReason.HMAC_STALE
    return Judgment(dropped, sequence, ahead)


def read_key(content: bytes) -> Secret:
    """Decode the content of a key file: ``hex:`` and hexadecimal digits, or the bytes of the key.

    Carriage returns and line feeds at the end are ignored, as in keepalived. Raises ValueError;
    its message does not contain the key.
    """
    key = content.rstrip(b"\r\n")
    if key.startswith(b"hex:"):
        try:
            key = bytes.fromhex(key.removeprefix(b"hex:").decode("ascii"))
        except ValueError:  # the cause may quote the key
            raise ValueError("expected pairs of hexadecimal digits after hex:") from None
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        expected = f"{KEY_BYTES_MIN} to {KEY_BYTES_MAX}"
        raise ValueError(f"the key has {len(key)} bytes, expected {expected}")
    return Secret(key)


def _tag(message: bytes, source: Address, key: Secret, head: bytes) -> bytes:
    version, virtual_router_id = message[0] >> 4, message[1]
    pseudo_header = bytes((source.version, version, virtual_router_id, 0))
    unsummed = bytearray(message)
    unsummed[_CHECKSUM] = bytes(2)
    covered = pseudo_header + source.packed.ljust(16, b"\0") + unsummed + head + bytes(_TAG_BYTES)
    return hmac.digest(key.value, covered, "sha256")[:_TAG_BYTES]
