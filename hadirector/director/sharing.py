"""Shares the overrides with the peers: sends ours, merges theirs, and knows which peer has which.

A merge is stored before it takes effect, and before the peers see its counters. So a peer that has
a counter has the overrides on its disk.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping
from time import monotonic
from typing import Final, NamedTuple

import structlog
from msgspec.structs import replace

from hadirector.dataplane.slices import Slices
from hadirector.model.configuration import Configuration
from hadirector.overrides.model import Author, Override, RealServerName
from hadirector.overrides.registers import Register, Registers, Removal
from hadirector.overrides.stamp import Stamp
from hadirector.overrides.store import OverrideStore
from hadirector.pair.register import Merged, find_fault, merge, renew, settle
from hadirector.pair.shared_overrides import Grouped, fits, group, pack, unpack
from hadirector.pair.state import SharedOverrides, without_ages
from hadirector.status.override_status import Knowledge

SETTLE_SECONDS: Final = 60.0
"""The longest time between two looks for removals that every peer knows."""
WAIT_SECONDS: Final = 1.0
"""How long an order waits for the peers. It is in force here before that."""
RETRY_SECONDS: Final = 5.0
"""The pause after a merge that could not be stored."""


class _Heard(NamedTuple):
    """The latest overrides of a peer, and the part of the state that they were made of."""

    content: SharedOverrides
    registers: Registers
    complete: bool


class Sharing:
    """Shares the overrides while the configuration has a pair link with ``overrides: shared``.

    ``note_change`` is called when the own state may have changed.
    """

    def __init__(self, configuration: Configuration, store: OverrideStore) -> None:
        self.note_change: Callable[[], None] = lambda: None
        self._configuration = configuration
        self._store = store
        self._began = monotonic()
        self._received: dict[str, SharedOverrides | None] = {}
        self._unreached: set[str] = set()
        self._heard: dict[str, _Heard] = {}
        self._grouped: tuple[Registers, Grouped] = Registers(), Grouped()
        self._refused: dict[str, str] = {}
        self._news = asyncio.Event()
        self._merged = asyncio.Event()  # replaced after every merge
        self._log = structlog.get_logger()

    @property
    def peers(self) -> tuple[str, ...]:
        """The names of the peers; none without shared overrides."""
        pair = self._configuration.pair
        return tuple(peer.name for peer in pair.peers) if pair and self._store.sharing else ()

    @property
    def _directors(self) -> frozenset[str]:
        """The directors whose counters are kept."""
        return frozenset({self._store.sharing, *self.peers})

    def configure(self, configuration: Configuration) -> None:
        """Replace the configuration, after the store has got it."""
        self._configuration = configuration
        self._received = {
            name: self._received[name] for name in self.peers if name in self._received
        }
        self._heard = {name: heard for name, heard in self._heard.items() if name in self.peers}
        self._news.set()

    def receive(self, peer: str, overrides: SharedOverrides | None) -> None:
        """Take in the overrides of a peer. Without any, the peer does not share them."""
        self._unreached.discard(peer)
        self._received[peer] = overrides
        self._news.set()

    def note_loss(self, peer: str) -> None:
        """Note that a peer cannot be reached, so that no order waits for it."""
        self._unreached.add(peer)

    async def run(self) -> None:
        """Merge what the peers send, until cancelled."""
        while True:
            self._news.clear()
            before = self._store.registers
            try:
                await self._update()
            except OSError as error:
                self._log.error("overrides_not_merged", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._merged.set()
            self._merged = asyncio.Event()
            if self._store.registers is not before:
                self.note_change()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_SECONDS):
                    await self._news.wait()

    async def state(self) -> SharedOverrides | None:
        """Return the part of the own state about overrides; None if they are not shared."""
        if not self._store.sharing:
            return None
        registers = self._store.registers
        if self._grouped[0] is not registers:
            self._grouped = registers, await asyncio.to_thread(group, registers)
        return pack(self._grouped[1], monotonic())

    def describe(self, stamp: Stamp | None) -> dict[str, Knowledge]:
        """Return for each peer whether it has the value with this stamp."""
        return {} if stamp is None else {peer: self._knows(peer, stamp) for peer in self.peers}

    def count_pending(self) -> dict[str, int]:
        """Return for each peer how many overrides it does not have; without those with none."""
        stamps = [each.stamp for each in self._store.current.values() if each.stamp is not None]
        counts = {
            peer: sum(self._knows(peer, stamp) != "known" for stamp in stamps)
            for peer in self.peers
        }
        return {peer: count for peer, count in counts.items() if count}

    async def has_room(self, overrides: Collection[Override]) -> bool:
        """Return whether the state can carry further overrides, or has no room for all already."""
        registers, director = self._store.registers, self._store.sharing
        if not director:
            return True
        more = registers.set(overrides, director)
        return await asyncio.to_thread(lambda: fits(more) or not fits(registers))

    async def wait(self) -> dict[str, Knowledge]:
        """Wait a moment for the peers; return which of them has the latest order of this director.

        A peer that cannot be reached is not awaited.
        """
        director = self._store.sharing
        stamp = Stamp(self._store.registers.counters.get(director, 0), director)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while self._has_to_wait(stamp):
                    await self._merged.wait()
        return self.describe(stamp)

    def _has_to_wait(self, stamp: Stamp) -> bool:
        reachable = [peer for peer in self.peers if peer not in self._unreached]
        return any(self._knows(peer, stamp) == "pending" for peer in reachable)

    def _knows(self, peer: str, stamp: Stamp) -> Knowledge:
        if peer in self._received and self._received[peer] is None:
            return "not_shared"
        heard = self._heard.get(peer)
        is_known = heard is not None and heard.registers.covers(stamp)
        return "known" if is_known else "pending"

    async def _update(self) -> None:
        director = self._store.sharing
        if not director:
            return
        directors = self._directors
        await self._store.change(lambda ours: ours.limit_counters(directors).share(director))
        for peer, content in tuple(self._received.items()):
            if content is not None:
                await self._merge(peer, content, director)
        known = [self._known_of(peer) for peer in self.peers]
        await self._store.change(lambda ours: settle(ours, known, monotonic()))

    def _known_of(self, peer: str) -> Registers:
        heard = self._heard.get(peer)
        return Registers() if heard is None else heard.registers

    async def _merge(self, peer: str, content: SharedOverrides, director: str) -> None:
        heard = self._heard.get(peer)
        if heard is not None and heard.content == without_ages(content):
            return
        directors = self._directors
        unpacked, complete = await asyncio.to_thread(unpack, content, monotonic())
        theirs = unpacked.limit_counters(directors)
        fault = find_fault(self._store.registers, theirs)
        self._note_fault(peer, fault)
        if fault is not None:
            return
        merged: list[Merged] = []

        def decide(ours: Registers) -> Registers:
            own = renew(ours, theirs, director, self._began)
            merged.append(merge(own, theirs, complete=complete))
            return merged[-1].registers.limit_counters(directors)

        await self._store.change(decide)
        self._heard[peer] = _Heard(without_ages(content), theirs, complete)
        await self._report(peer, merged[-1])

    def _note_fault(self, peer: str, fault: str | None) -> None:
        """Log once why the overrides of a peer are refused."""
        if fault is not None and self._refused.get(peer) != fault:
            self._log.warning("peer_overrides_refused", peer=peer, reason=fault)
        self._refused[peer] = fault or ""

    async def _report(self, peer: str, merged: Merged) -> None:
        slices = Slices()
        for conflict in merged.conflicts:
            self._log.warning(
                "override_conflict_decided",
                **_place(conflict.winner.name),
                peer=peer,
                winner=_describe(conflict.winner),
                loser=_describe(conflict.loser),
            )
        for override in merged.superseded:
            self._log.warning(
                "override_superseded",
                **_place(override.name),
                peer=peer,
                description=override.description,
            )
        for override in merged.adopted:
            self._log.info(
                "override_set",
                **_place(override.name),
                peer=peer,
                description=override.description,
                director=_director(override),
            )
            await slices.pause()
        for override, removal in merged.removed:
            self._log.info(
                "override_expired" if removal.expired else "override_removed",
                **_place(override.name),
                peer=peer,
                description=override.description,
                director=_director(removal),
                **_author(removal),
            )
            await slices.pause()


def _author(removal: Removal) -> Mapping[str, str]:
    if removal.expired:
        return {}
    author = str(Author(removal.author, removal.claimed))
    return {"author": author} | ({"reason": removal.reason} if removal.reason else {})


def _describe(value: Register) -> str:
    if isinstance(value, Override):
        value = replace(value, ended="")  # the order is described, and not its progress here
    return f"{value.description} on {_director(value)}"


def _director(value: Register) -> str:
    return "" if value.stamp is None else value.stamp.director


def _place(name: RealServerName) -> dict[str, str]:
    return {"virtual_server": name.virtual_server, "real_server": name.real_server}
