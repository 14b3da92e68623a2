"""The status of announced addresses. Pure."""

from __future__ import annotations

import msgspec

from hadirector.announce.decision import AnnouncementRole
from hadirector.announce.engine_answers import EngineReading


class GroupStatus(msgspec.Struct, frozen=True):
    """A group of addresses and its announcement.

    ``age`` is the time since the role began, in seconds. ``rises_in`` is the time until the group
    is announced, None if it does not rise. ``passing`` is the passing part of the configured weight
    of each pool, in percent.
    """

    name: str
    addresses: tuple[str, ...]
    role: AnnouncementRole
    reason: str
    age: float
    rises_in: float | None = None
    passing: dict[str, float] = {}


class AnnouncementStatus(msgspec.Struct, frozen=True):
    """All groups, and the operations on the kernel that failed at the latest attempt.

    ``engine`` is the latest answer of the routing engine, None if it is not asked. ``differing``
    names, by group, a peer that announces it with other hash tables.
    """

    device: str
    reluctant_device: str
    groups: tuple[GroupStatus, ...] = ()
    failures: tuple[str, ...] = ()
    engine: EngineReading | None = None
    differing: dict[str, str] = {}
