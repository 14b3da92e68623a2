"""auth_hmac: the authentication trailer of keepalived (draft-cassen-vrrp-auth-hmac-00).

The trailer is the same for both versions. Its 28 bytes follow the VRRP message: extension type 1,
key id, two zeros, sequence number (UTC seconds, 1/65536 s, counter) and the first 16 bytes of an
HMAC-SHA256. The layout and the bytes that the HMAC covers are the same as in keepalived 2.4.3. In
IPv4, only the length in the IP header includes the trailer. In IPv6, the checksum covers it too
(`vrrp.protocol.packet.with_trailer`).
"""

from __future__ import annotations

import hmac
import struct
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from vrrp.model.configuration import HmacAuthentication, Secret
from vrrp.protocol.packet import Address, DropReason, message_length

TRAILER_BYTES: Final = 28
KEY_BYTES_MIN: Final = 32
KEY_BYTES_MAX: Final = 64
MULTICAST_SENDERS_MAX: Final = 4
"""Number of senders whose sequence numbers a multicast instance remembers, as in keepalived."""

_EXTENSION_TYPE: Final = 1
_HEAD: Final = struct.Struct("!BBHQ")
_TAG_BYTES: Final = 16
_CHECKSUM: Final = slice(6, 8)
_TICKS_PER_SECOND: Final = 65536
_COUNTER_BITS: Final = 16
_TICK_BITS: Final = 48
_SEQUENCE_BITS: Final = 64


class SequenceMemory:
    """The highest sequence number of each of the last ``senders_max`` senders.

    It must be given only numbers of authentic messages. Otherwise a sender without a key could
    displace the other senders.
    """

    def __init__(self, senders_max: int) -> None:
        self._senders_max = senders_max
        self._highest: OrderedDict[Address, int] = OrderedDict()

    def accept(self, source: Address, sequence: int) -> bool:
        """Store a number and return True if it is above all earlier numbers of this sender."""
        highest = self._highest.get(source)
        if highest is not None and not is_later(sequence, highest):
            return False
        self._highest[source] = sequence
        self._highest.move_to_end(source)
        if len(self._highest) > self._senders_max:
            self._highest.popitem(last=False)
        return True


def split_trailer(payload: bytes, source: Address) -> tuple[bytes, bytes]:
    """Return message and trailer; the trailer is empty unless it has exactly 28 bytes."""
    end = len(payload) - TRAILER_BYTES
    if end > 0 and message_length(payload, source) == end:
        return payload[:end], payload[end:]
    return payload, b""


def sign(message: bytes, source: Address, key_id: int, key: Secret, sequence: int) -> bytes:
    """Build the trailer of a message. It is the same for all destinations."""
    head = _HEAD.pack(_EXTENSION_TYPE, key_id, 0, sequence)
    return head + _tag(message, source, key, head)


def authenticate(
    message: bytes,
    trailer: bytes,
    source: Address,
    *,
    authentication: HmacAuthentication,
    memory: SequenceMemory,
    times: Iterable[int],
) -> DropReason | None:
    """Return why a message must be dropped; None if it is authentic, recent and not a replay.

    ``times`` are the possible current times, in nanoseconds since 1970. It is enough that the
    message is recent for any of these times. ``memory`` stores the sequence number if the message
    is accepted.
    """
    if not trailer:
        return DropReason.HMAC_MISSING
    head = trailer[: _HEAD.size]
    extension_type, key_id, reserved, sequence = _HEAD.unpack(head)
    if extension_type != _EXTENSION_TYPE or reserved != 0:
        return DropReason.HMAC_MALFORMED
    key = authentication.key(key_id)
    if key is None:
        return DropReason.HMAC_KEY
    if not hmac.compare_digest(_tag(message, source, key, head), trailer[_HEAD.size :]):
        return DropReason.HMAC_TAG
    difference = min(abs(seconds_behind(sequence, time)) for time in times)
    if difference > authentication.window:
        return DropReason.HMAC_STALE
    return None if memory.accept(source, sequence) else DropReason.HMAC_REPLAY


def sequence_at(utc_ns: int) -> int:
    """Return the lowest sequence number of a time, given in nanoseconds since 1970."""
    ticks = utc_ns * _TICKS_PER_SECOND // 1_000_000_000
    return ticks << _COUNTER_BITS & (1 << _SEQUENCE_BITS) - 1


def next_sequence(last: int | None, utc_ns: int) -> int:
    """Return the number of this time, or ``last`` + 1 if the clock is behind ``last``."""
    now = sequence_at(utc_ns)
    if last is None or is_later(now, last):
        return now
    return (last + 1) % (1 << _SEQUENCE_BITS)


def is_later(sequence: int, other: int) -> bool:
    """Compare by serial number arithmetic (RFC 1982): seconds wrap around in the year 2106."""
    return 0 < (sequence - other) % (1 << _SEQUENCE_BITS) < 1 << (_SEQUENCE_BITS - 1)


def seconds_behind(sequence: int, utc_ns: int) -> float:
    """Return how many seconds a clock is behind a sequence number; negative if it is ahead."""
    half = 1 << (_TICK_BITS - 1)
    ticks = (sequence >> _COUNTER_BITS) - (sequence_at(utc_ns) >> _COUNTER_BITS)
    return ((ticks + half) % (2 * half) - half) / _TICKS_PER_SECOND


def read_key(content: bytes) -> Secret:
    """Return the key in the content of a key file: ``hex:`` and digits, or plain bytes.

    One line feed at the end is ignored. Raises ValueError; its message does not contain the key.
    """
    key = content.removesuffix(b"\n")
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
