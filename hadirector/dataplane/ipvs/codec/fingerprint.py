"""Computes a fingerprint of a pool from the bytes of the kernel's answer, to detect changes. Pure.

Decoding 30,000 destinations takes much longer than reading them. Usually only the counters have
changed, so the fingerprint excludes the counters.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from struct import Struct, error, iter_unpack

from hadirector.dataplane.ipvs.codec.frames import CONTENT_AT, LENGTH_AND_TYPE
from hadirector.dataplane.ipvs.codec.uapi import DestinationAttribute

_COUNTERS = frozenset(
    {
        DestinationAttribute.ACTIVE_CONNECTIONS,
        DestinationAttribute.INACTIVE_CONNECTIONS,
        DestinationAttribute.PERSISTENT_CONNECTIONS,
        DestinationAttribute.STATISTICS_32,
        DestinationAttribute.STATISTICS,
    }
)
_LENGTH = Struct("=I")
_ATTRIBUTE = Struct("=HH")


def pool_fingerprint(datagrams: Sequence[bytes]) -> int:
    """Return a hash of the kernel's list of destinations without counters; 0 if there is none.

    It is valid in this process only. The first message shows the position of the counters in
    all messages. A single function of the kernel writes them (ip_vs_ctl.c,
    ip_vs_genl_fill_dest), so messages of equal length have the same layout.
    """
    if not datagrams:
        return hash(())
    layout = _layout(datagrams[0])
    try:
        settings = [
            b"".join(chain.from_iterable(iter_unpack(layout, datagram))) for datagram in datagrams
        ]
    except error:
        return 0  # the messages differ in length
    return hash((layout, *settings))


def _layout(datagram: bytes) -> str:
    """Return the struct format of the first message: hashed bytes (``s``), other bytes (``x``).

    The message has one attribute, the destination, which contains all others.
    """
    [end] = _LENGTH.unpack_from(datagram)
    offset = CONTENT_AT + _ATTRIBUTE.size
    formats = [f"={LENGTH_AND_TYPE}s{offset - LENGTH_AND_TYPE}x"]
    hashed = 0
    while offset + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(datagram, offset)
        size = max(length + -length % 4, _ATTRIBUTE.size)
        offset += size
        if kind not in _COUNTERS:
            hashed += size
            continue
        if hashed:
            formats.append(f"{hashed}s")
            hashed = 0
        formats.append(f"{size}x")
    return "".join([*formats, f"{hashed}s"])
