"""Mutates bytes like a bad network, a faulty program or an attacker."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_EDGES = (0x00, 0x01, 0x02, 0x7F, 0x80, 0xFE, 0xFF)
_AT_ONCE = (1, 1, 1, 2, 2, 3, 5)


class Mutator:
    """Makes new inputs from good ones. The same seed makes the same inputs."""

    def __init__(self, seed: str, samples: Sequence[bytes]) -> None:
        self._random = random.Random(seed)
        self._samples = samples
        self._ways: Sequence[Callable[[bytearray, int], None]] = (
            self._flip_bit,
            self._set_edge,
            self._set_any,
            self._insert,
            self._remove,
            self._cut,
            self._repeat,
            self._splice,
        )

    def next(self) -> bytes:
        """Return a good input with one to five faults."""
        chance = self._random
        data = bytearray(chance.choice(self._samples))
        for _ in range(chance.choice(_AT_ONCE)):
            chance.choice(self._ways)(data, int(chance.random() * len(data)) if data else 0)
        return bytes(data)

    def sometimes(self) -> bool:
        """Return a random boolean."""
        return self._random.random() < 0.5

    def _flip_bit(self, data: bytearray, at: int) -> None:
        if data:
            data[at] ^= 1 << int(self._random.random() * 8)

    def _set_edge(self, data: bytearray, at: int) -> None:
        data[at : at + 1] = bytes((self._random.choice(_EDGES),))

    def _set_any(self, data: bytearray, at: int) -> None:
        data[at : at + 1] = self._random.randbytes(1)

    def _insert(self, data: bytearray, at: int) -> None:
        data[at:at] = self._random.randbytes(1 + int(self._random.random() * 16))

    def _remove(self, data: bytearray, at: int) -> None:
        del data[at : at + 1 + int(self._random.random() * 16)]

    def _cut(self, data: bytearray, at: int) -> None:
        del data[at:]

    def _repeat(self, data: bytearray, at: int) -> None:
        data[at:at] = data[at : at + 1 + int(self._random.random() * 32)]

    def _splice(self, data: bytearray, at: int) -> None:
        """Continue as another input does from here."""
        data[at:] = self._random.choice(self._samples)[at:]
