"""Stores the accepted members, so that a director starts while every source is down."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec
import structlog

from hadirector import storage
from hadirector.model.discovery import Member
from hadirector.sources.admission import Accepted, AcceptedMember
from hadirector.sources.expansion import AcceptedPools, PoolSource

FILE: Final = "members.json"
VERSION: Final = 1


class _StoredPool(msgspec.Struct, frozen=True):
    virtual_server: str
    source: str
    present: tuple[Member, ...]
    absent: tuple[Member, ...] = ()


class _Stored(msgspec.Struct, frozen=True):
    version: int
    pools: tuple[_StoredPool, ...]


class MemberStore:
    """The file with the accepted members in the state directory."""

    def __init__(self, state_directory: Path) -> None:
        self._path = state_directory / FILE
        self._log = structlog.get_logger()

    def read(self, now: float) -> dict[PoolSource, Accepted]:
        """Return the accepted members of each pool. An unusable file is set aside.

        ``now`` is in monotonic seconds. The time of an absent member begins again, because the
        clock of an earlier boot means nothing.
        """
        try:
            stored = storage.read(self._path, _Stored)
        except storage.StateError as error:
            aside = storage.set_aside(self._path)
            self._log.error("members_unusable", error=str(error), kept_as=str(aside))
            return {}
        if stored is None:
            return {}
        return {
            PoolSource(pool.virtual_server, pool.source): Accepted(
                (
                    *(AcceptedMember(member) for member in pool.present),
                    *(AcceptedMember(member, now) for member in pool.absent),
                )
            )
            for pool in stored.pools
        }

    async def write(self, pools: AcceptedPools) -> None:
        """Store the accepted members. Raises OSError."""
        stored = _Stored(VERSION, tuple(_stored_pool(*each) for each in pools.items()))
        await asyncio.to_thread(storage.store_durably, self._path, stored)


def _stored_pool(name: PoolSource, accepted: Accepted) -> _StoredPool:
    members = accepted.members
    return _StoredPool(
        name.virtual_server,
        name.source,
        tuple(each.member for each in members if each.absent_since is None),
        tuple(each.member for each in members if each.absent_since is not None),
    )
