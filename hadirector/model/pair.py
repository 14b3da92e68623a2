"""The configuration of the pair link. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from hadirector.model.ipvs import endpoint

SharedOverrides = Literal["shared", "local"]
"""Whether an override applies on all directors of a pair, or only where it is ordered."""


class PairPeer(msgspec.Struct, frozen=True, kw_only=True):
    """Another director of the pair. ``certificate`` is the file with its only valid certificate."""

    name: str
    address: str
    port: int
    certificate: str

    @property
    def where(self) -> str:
        """The address and the port as a text."""
        return endpoint(self.address, self.port)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """The link to the other directors of a pair.

    ``address`` and ``port`` are where this director answers them. ``peers`` are the others, without
    this director. While this director is not ready, ``unready_priority_weight`` is added to the
    priority of each VRRP instance.
    """

    name: str
    address: str
    port: int
    certificate: str
    key: str
    peers: tuple[PairPeer, ...]
    overrides: SharedOverrides = "shared"
    unready_priority_weight: int = -50

    @property
    def where(self) -> str:
        """The address and the port as a text."""
        return endpoint(self.address, self.port)
