"""The configuration of addresses that a routing engine announces. Durations are in seconds."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

import msgspec

EngineName = Literal["bird", "frr", "none"]

DEFAULT_SOCKETS: Final = {"bird": "/run/bird/bird.ctl", "frr": "/run/frr"}
"""The control socket of BIRD, and the directory of the sockets of FRR."""


class WhenShort(StrEnum):
    """What happens to the announcement of a group while one of its pools is short."""

    RELUCTANT = "reluctant"
    WITHDRAW = "withdraw"
    ANNOUNCE = "announce"


class PassingMarks(msgspec.Struct, frozen=True):
    """The two marks of a pool, in percent of its configured weight.

    A pool becomes short below ``low``. It is short until it reaches ``high``.
    """

    low: int = 30
    high: int = 50


class Hold(msgspec.Struct, frozen=True):
    """How long a director that leaves still takes packets: until none came for ``quiet``.

    It leaves after ``most`` in any case.
    """

    quiet: float = 1.0
    most: float = 10.0


class AnnouncedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses that are announced together, and the virtual servers that they depend on."""

    name: str
    addresses: tuple[str, ...]
    pools: tuple[str, ...]
    passing: PassingMarks = PassingMarks()
    when_short: WhenShort = WhenShort.RELUCTANT
    rise: float = 5.0


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """All groups of a director, the devices with their addresses, and the routing engine.

    The engine announces the addresses of ``device``, and with a worse metric the addresses of
    ``reluctant_device``. Each address has a ``lifetime`` in the kernel.
    """

    groups: tuple[AnnouncedGroup, ...] = ()
    engine: EngineName = "none"
    engine_socket: str | None = None
    device: str = "hadirector0"
    reluctant_device: str = "hadirector1"
    lifetime: int = 3
    hold: Hold = Hold()

    @property
    def group_names(self) -> tuple[str, ...]:
        """The names of all groups."""
        return tuple(group.name for group in self.groups)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of all groups."""
        return tuple(address for group in self.groups for address in group.addresses)
