"""Computes the tables of the schedulers mh and sh, and the flows that a change moves. Pure.

A model of net/netfilter/ipvs/ip_vs_mh.c (Maglev, Eisenbud et al., NSDI 2016, section 3.4) and
ip_vs_sh.c, for the default sizes of their tables and a kernel with 64 bits. A flow is the address
of a client, with the source port if the service has the flag ``port``. The shares are exact if the
flows are many and independent of the hash.
"""

from __future__ import annotations

import ipaddress
import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from hadirector.model.ipvs import (
    HASH_SCHEDULERS,
    DestinationKey,
    Scheduler,
    SchedulerFlag,
    ServiceEntry,
)

MH_SIZE: Final = 4093
"""The size of the table of mh with CONFIG_IP_VS_MH_TAB_INDEX=12."""
MH_TURN_BITS: Final = 6
"""The number of bits of the largest weight in a round of mh."""
SH_BITS: Final = 8
SH_SIZE: Final = 1 << SH_BITS
_MH_KEYS: Final = (2654435761, 2654446892)
_GOLDEN_RATIO_32: Final = 0x61C88647  # include/linux/hash.h
_MASK_32: Final = 0xFFFFFFFF
_MASK_64: Final = 0xFFFFFFFFFFFFFFFF

Buckets = Sequence[DestinationKey | None]
"""The destination of each bucket of a table; None if it has none, or weight 0."""


class HashTable(msgspec.Struct, frozen=True):
    """The table of a service. With ``fallback``, a flow of an empty bucket tries other buckets."""

    scheduler: str
    buckets: Buckets
    fallback: bool

    def destination(self, address: str, port: int) -> DestinationKey | None:
        """Return the destination of a new connection. The port is 0 without the flag ``port``."""
        value = (port + _fold(address)) & _MASK_32
        if self.scheduler == Scheduler.SH:
            return self._resolve_sh(_hash_32(value))
        start = _hash_mh(value, 0) % MH_SIZE
        if self.buckets[start] is not None or not self.fallback:
            return self.buckets[start]
        for offset in range(MH_SIZE):
            shifted = (value + (offset + start) % MH_SIZE) & _MASK_32
            found = self.buckets[_hash_mh(shifted, 0) % MH_SIZE]
            if found is not None:
                return found
        return None

    def _resolve_sh(self, start: int) -> DestinationKey | None:
        if self.buckets[start] is not None or not self.fallback:
            return self.buckets[start]
        tried = (self.buckets[(offset + 2 * start) % SH_SIZE] for offset in range(SH_SIZE))
        return next((found for found in tried if found is not None), None)

    def resolved_sh(self) -> Buckets:
        """Return the destination of the flows of each bucket of sh."""
        return [self._resolve_sh(start) for start in range(SH_SIZE)]

    def shares(self) -> dict[DestinationKey | None, float]:
        """Return the share of the flows by destination; None for flows without a destination."""
        buckets = self.resolved_sh() if self.scheduler == Scheduler.SH else self.buckets
        counts = Counter(buckets)
        if self.fallback and len(counts) > 1:
            del counts[None]
        total = counts.total()
        return {key: count / total for key, count in counts.items()}


def hash_table(entry: ServiceEntry) -> HashTable:
    """Return the table that the kernel builds for a service with the scheduler mh or sh."""
    # The kernel adds each destination at the head of its list.
    keys = list(entry.destinations)[::-1]
    weights = [entry.destinations[key].weight for key in keys]
    if entry.service.scheduler == Scheduler.SH:
        filled = _fill_sh(weights)
    else:
        # A destination with weight 0 keeps the part of its last weight.
        last = [
            weight or entry.shares.get(key, 0) for key, weight in zip(keys, weights, strict=True)
        ]
        filled = _fill_mh(keys, last)
    buckets = [None if index is None or not weights[index] else keys[index] for index in filled]
    return HashTable(
        entry.service.scheduler, buckets, SchedulerFlag.FALLBACK in entry.service.flags
    )


def moved_share(before: ServiceEntry, after: ServiceEntry) -> float | None:
    """Return the share of the flows that get another destination after a change, from 0 to 1.

    Existing connections stay with their destination. Return None if one of the services does not
    hash, or has no destination with a weight.
    """
    if not {before.service.scheduler, after.service.scheduler} <= HASH_SCHEDULERS:
        return None
    one, other = hash_table(before), hash_table(after)
    if not (any(one.buckets) and any(other.buckets)):
        return None
    if one.scheduler != other.scheduler:
        # The two hashes of a flow are independent.
        shares, new = one.shares(), other.shares()
        return 1 - sum(share * new.get(key, 0.0) for key, share in shares.items())
    if one.scheduler == Scheduler.SH:
        pairs = list(zip(one.resolved_sh(), other.resolved_sh(), strict=True))
        return sum(old != new for old, new in pairs) / SH_SIZE
    return _moved_share_mh(one, other)


def _moved_share_mh(one: HashTable, other: HashTable) -> float:
    """Return the moved share for two tables of mh.

    A flow with the flag ``fallback`` tries random buckets until a bucket has a destination. It
    tries the same buckets in both tables.
    """
    pairs = Counter(zip(one.buckets, other.buckets, strict=True))
    shares, new_shares = one.shares(), other.shares()
    same, repeated = 0.0, 0
    for (old, new), count in pairs.items():
        if old is None and new is None and one.fallback and other.fallback:
            repeated = count
        elif old is None and one.fallback:
            same += count * shares.get(new, 0.0)
        elif new is None and other.fallback:
            same += count * new_shares.get(old, 0.0)
        elif old == new:
            same += count
    return 1 - same / (MH_SIZE - repeated)


def _fill_sh(weights: Sequence[int]) -> list[int | None]:
    """Return the index of the destination of each bucket of sh: as many in a row as its weight."""
    if not weights:
        return [None] * SH_SIZE
    filled: list[int | None] = []
    while len(filled) < SH_SIZE:
        for index, weight in enumerate(weights):
            filled += [index] * max(weight, 1)
    return filled[:SH_SIZE]


def _fill_mh(keys: Sequence[DestinationKey], last_weights: Sequence[int]) -> list[int | None]:
    """Return the index of the destination of each bucket of mh.

    The destinations take turns. In its turn, a destination takes its next preferred free buckets,
    in proportion to its weight.
    """
    filled: list[int | None] = [None] * MH_SIZE
    divisor = math.gcd(*last_weights)
    if not divisor:
        return filled
    shift = max(0, (max(last_weights) // divisor).bit_length() - MH_TURN_BITS)
    turns = [(weight // divisor >> shift) or int(weight > 0) for weight in last_weights]
    folded = [(key.port + _fold(key.address)) & _MASK_32 for key in keys]
    positions = [_hash_mh(value, 0) % MH_SIZE for value in folded]
    skips = [_hash_mh(value, 1) % (MH_SIZE - 1) + 1 for value in folded]
    free = MH_SIZE
    while True:
        for index, count in enumerate(turns):
            for _ in range(count):
                position = positions[index]
                while filled[position] is not None:
                    position = (position + skips[index]) % MH_SIZE
                positions[index] = position
                filled[position] = index
                free -= 1
                if not free:
                    return filled


def _fold(address: str) -> int:
    """Return the exclusive or of the words of an address, with 32 bits each."""
    packed = ipaddress.ip_address(address).packed
    folded = 0
    for start in range(0, len(packed), 4):
        folded ^= int.from_bytes(packed[start : start + 4], "big")
    return folded


def _hash_32(value: int) -> int:
    """Return hash_32() of include/linux/hash.h with the bits of sh."""
    return (value * _GOLDEN_RATIO_32 & _MASK_32) >> (32 - SH_BITS)


def _hash_mh(value: int, key: int) -> int:
    """Return hsiphash() of a value with 32 bits: SipHash-1-3 (lib/siphash.c), its lower 32 bits.

    ``key`` is the number of the key of mh, 0 or 1. Both halves of a key are equal.
    """
    half = _MH_KEYS[key]
    state = (
        0x736F6D6570736575 ^ half,
        0x646F72616E646F6D ^ half,
        0x6C7967656E657261 ^ half,
        0x7465646279746573 ^ half,
    )
    block = 4 << 56 | value
    v0, v1, v2, v3 = _sip_round(*state[:3], state[3] ^ block)
    v0, v2 = v0 ^ block, v2 ^ 0xFF
    for _ in range(3):
        v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    return (v0 ^ v1 ^ v2 ^ v3) & _MASK_32


def _sip_round(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0 = (v0 + v1) & _MASK_64
    v1 = _rotate(v1, 13) ^ v0
    v0 = _rotate(v0, 32)
    v2 = (v2 + v3) & _MASK_64
    v3 = _rotate(v3, 16) ^ v2
    v0 = (v0 + v3) & _MASK_64
    v3 = _rotate(v3, 21) ^ v0
    v2 = (v2 + v1) & _MASK_64
    v1 = _rotate(v1, 17) ^ v2
    v2 = _rotate(v2, 32)
    return v0, v1, v2, v3


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK_64
