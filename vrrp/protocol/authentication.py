"""auth_hmac: keepalived's authentication trailer (draft-cassen-vrrp-auth-hmac-00), both versions.

Behind the VRRP message stand 28 bytes: extension type 1, key id, two zeros, the sequence number
(UTC seconds, 1/65536 s, counter) and the first 16 bytes of an HMAC-SHA256. The layout and what the
HMAC covers are as keepalived 2.4.3 puts them on the wire. In IPv4 neither the VRRP checksum nor any
length but IP's knows of the trailer; the checksum of IPv6 covers it
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
"""Senders of a multicast instance whose sequence numbers are remembered, as in keepalived."""

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

    Only authentic numbers come in here, so that nobody without a key can push a sender out.
    """

    def __init__(self, senders_max: int) -> None:
        self._senders_max = senders_max
        self._highest: OrderedDict[Address, int] = OrderedDict()

    def accept(self, source: Address, sequence: int) -> bool:
        """Take a number that is higher than all before; False for one that is not."""
        highest = self._highest.get(source)
        if highest is not None and not is_later(sequence, highest):
            return False
        self._highest[source] = sequence
        self._highest.move_to_end(source)
        if len(self._highest) > self._senders_max:
            self._highest.popitem(last=False)
        return True


def split(payload: bytes, source: Address) -> tuple[bytes, bytes]:
    """Cut the trailer off a message; it is empty when there are not exactly 28 bytes of it."""
    end = len(payload) - TRAILER_BYTES
    if end > 0 and message_length(payload, source) == end:
        return payload[:end], payload[end:]
    return payload, b""


def sign(message: bytes, source: Address, key_id: int, key: Secret, sequence: int) -> bytes:
    """Make the trailer of a message; it is the same whoever the message goes to."""
    head = _HEAD.pack(_EXTENSION_TYPE, key_id, 0, sequence)
    return head + _tag(message, source, key, head)


def judge(
    message: bytes,
    trailer: bytes,
    source: Address,
    *,
    authentication: HmacAuthentication,
    memory: SequenceMemory,
    times: Iterable[int],
) -> DropReason | None:
    """Say why a message is not authentic, fresh and new; None when it is.

    ``memory`` changes only when it is. ``times`` are what time it may be, in nanoseconds since
    1970; fresh by one of them is fresh.
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
    apart = min(abs(seconds_behind(sequence, each)) for each in times)
    if apart > authentication.window:
        return DropReason.HMAC_STALE
    return None if memory.accept(source, sequence) else DropReason.HMAC_REPLAY


def sequence_at(utc_ns: int) -> int:
    """The lowest sequence number of a moment, given in nanoseconds since 1970."""
    ticks = utc_ns * _TICKS_PER_SECOND // 1_000_000_000
    return ticks << _COUNTER_BITS & (1 << _SEQUENCE_BITS) - 1


def next_sequence(last: int | None, utc_ns: int) -> int:
    """The number after ``last``: that of this moment, or while the clock is behind, one more."""
    now = sequence_at(utc_ns)
    if last is None or is_later(now, last):
        return now
    return (last + 1) % (1 << _SEQUENCE_BITS)


def is_later(sequence: int, other: int) -> bool:
    """Compare in serial arithmetic (RFC 1982): seconds wrap around in the year 2106."""
    return 0 < (sequence - other) % (1 << _SEQUENCE_BITS) < 1 << (_SEQUENCE_BITS - 1)


def seconds_behind(sequence: int, utc_ns: int) -> float:
    """Seconds by which a clock is behind a sequence number; negative when it is ahead."""
    half = 1 << (_TICK_BITS - 1)
    ticks = (sequence >> _COUNTER_BITS) - (sequence_at(utc_ns) >> _COUNTER_BITS)
    return ((ticks + half) % (2 * half) - half) / _TICKS_PER_SECOND


def read_key(content: bytes) -> Secret:
    """Read what stands in a key file: ``hex:`` and digits, or the bytes themselves.

    One line feed at the end is the editor's. Raises ValueError, which does not show the key.
    """
    key = content.removesuffix(b"\n")
    if key.startswith(b"hex:"):
        try:
            key = bytes.fromhex(key.removeprefix(b"hex:").decode("ascii"))
        except ValueError:  # its message may quote the key, so it is not passed on
            raise ValueError("what follows hex: is not pairs of hexadecimal digits") from None
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        expected = f"{KEY_BYTES_MIN} to {KEY_BYTES_MAX}"
        raise ValueError(f"it has {len(key)} bytes, and a key has {expected}")
    return Secret(key)


def _tag(message: bytes, source: Address, key: Secret, head: bytes) -> bytes:
    version, virtual_router_id = message[0] >> 4, message[1]
    pseudo_header = bytes((source.version, version, virtual_router_id, 0))
    unsummed = bytearray(message)
    unsummed[_CHECKSUM] = bytes(2)
    covered = pseudo_header + source.packed.ljust(16, b"\0") + unsummed + head + bytes(_TAG_BYTES)
    return hmac.digest(key.value, covered, "sha256")[:_TAG_BYTES]
