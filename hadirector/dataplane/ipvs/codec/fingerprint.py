"""Tells whether a pool is still as it was, from the bytes of a dump alone. Pure.

Reading 30,000 destinations into values takes many times as long as having them from the kernel,
and nearly always nothing but their counters has changed.
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
    """Take the fingerprint of a dump of destinations: a hash, for this process; 0 is none.

    The first message says where the counters of all are: one function of the kernel writes them
    (ip_vs_ctl.c, ip_vs_genl_fill_dest), and those of one length have their attributes alike.
    """
    if not datagrams:
        return hash(())
    layout = _layout(datagrams[0])
    try:
        kept = [b"".join(chain.from_iterable(iter_unpack(layout, each))) for each in datagrams]
    except error:
        return 0  # messages of several lengths
    return hash((layout, *kept))


def _layout(datagram: bytes) -> str:
    """Describe the first message of a datagram: the bytes that count (``s``) and others (``x``).

    It holds one attribute, the destination, and in this one all others.
    """
    [end] = _LENGTH.unpack_from(datagram)
    offset = CONTENT_AT + _ATTRIBUTE.size
    formats = [f"={LENGTH_AND_TYPE}s{offset - LENGTH_AND_TYPE}x"]
    counts = 0
    while offset + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(datagram, offset)
        size = max(length + -length % 4, _ATTRIBUTE.size)
        offset += size
        if kind not in _COUNTERS:
            counts += size
            continue
        if counts:
            formats.append(f"{counts}s")
            counts = 0
        formats.append(f"{size}x")
    return "".join([*formats, f"{counts}s"])
