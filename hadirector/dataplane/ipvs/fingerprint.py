"""Tells whether a pool is still as it was, from the bytes of a dump alone. Pure.

Reading 30,000 destinations into values takes many times as long as having them from the kernel,
and nearly always nothing but their counters has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import chain, groupby
from struct import Struct, error

from hadirector.dataplane.ipvs import frames
from hadirector.dataplane.ipvs.attributes import attributes, padded
from hadirector.dataplane.ipvs.uapi import DestinationAttribute

_COUNTERS = frozenset(
    {
        DestinationAttribute.ACTIVE_CONNECTIONS,
        DestinationAttribute.INACTIVE_CONNECTIONS,
        DestinationAttribute.PERSISTENT_CONNECTIONS,
        DestinationAttribute.STATISTICS_32,
        DestinationAttribute.STATISTICS,
    }
)
_HEADER = 4
"""Bytes before the value of an attribute (linux/netlink.h, struct nlattr)."""


def pool_fingerprint(datagrams: Sequence[bytes]) -> bytes:
    """Take the fingerprint of a dump of destinations; it is empty where none can be taken.

    The first message says where the counters of all of them are. One that is laid out otherwise
    gives another fingerprint, as all that lies between the counters counts: every length and type.
    """
    digest = blake2b(digest_size=16)
    if datagrams:
        layout = Struct("=" + "".join(_formats(datagrams[0])))
        try:
            for datagram in datagrams:
                digest.update(b"".join(chain.from_iterable(layout.iter_unpack(datagram))))
        except error:
            return b""  # messages of several lengths
    return digest.digest()


def _formats(datagram: bytes) -> Iterator[str]:
    """Describe the first message of a datagram: bytes that count (``s``) and others (``x``)."""
    for kind, several in groupby(_pieces(datagram), key=lambda piece: piece[0]):
        yield f"{sum(length for _, length in several)}{kind}"


def _pieces(datagram: bytes) -> Iterator[tuple[str, int]]:
    frame = frames.first(datagram)
    assert frame is not None, "the conversation has looked at it"
    yield "s", frames.LENGTH_AND_TYPE
    yield "x", frames.CONTENT_AT - frames.LENGTH_AND_TYPE  # flags, sequence number; version
    for destination in attributes(frame.content).values():
        yield "s", _HEADER
        for kind, value in attributes(destination).items():
            yield "s", _HEADER
            yield "x" if kind in _COUNTERS else "s", padded(len(value))
