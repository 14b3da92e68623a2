"""The director's side of the pair link: its own state, and the states of its peers.

The web process has the link itself. It fetches the own state, and reports the state of
each peer. The link is information: nothing here decides about elections, checks or the table.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Collection
from time import monotonic
from typing import Final

import structlog
from msgspec.structs import replace

from hadirector import __version__
from hadirector.director.own_state import OwnState
from hadirector.director.pair_view import PairView
from hadirector.director.parts import Parts
from hadirector.director.readiness import Knowledge
from hadirector.director.request_errors import RequestError, UnknownObjectError
from hadirector.model.configuration import Configuration
from hadirector.model.pair import Pair
from hadirector.pair.contents import age_state
from hadirector.pair.peers import (
    Peer,
    PeerReport,
    Peers,
    Reach,
    configure,
    expire,
    find_change,
    receive,
)
from hadirector.pair.readiness import find_peer_facts, find_sightings
from hadirector.pair.standby import find_obstacles
from hadirector.pair.state import PairState, lasting_content
from hadirector.processes.messages import ReportStatus

TICK_SECONDS: Final = 1.0
"""The longest time between two looks at the own state and at silent peers."""
CONTESTED_SECONDS: Final = 0.25
"""The same while two directors seem to be ACTIVE for one instance."""
GATHERING_SECONDS: Final = 0.02
"""How long further changes are awaited, so that a burst of changes makes one generation."""
REST_FACTOR: Final = 9
"""To gather and compare the states takes at most a tenth of the time, while that makes no rest
longer than `TICK_SECONDS`: a busy host must name a split brain, too."""


class Pairing:
    """The own state and the peers. Without a pair link in the configuration, it has neither."""

    def __init__(self, parts: Parts) -> None:
        self.peers: Peers = {}
        self._parts = parts
        self._own = OwnState(parts, secrets.token_hex(8))
        self._state: PairState | None = None
        self._gathered_at = 0.0
        self.view = PairView()
        self._generation = 0
        self._changed = asyncio.Event()  # something may have changed
        self._news = asyncio.Event()  # the own state has another content
        self._pair: Pair | None = None
        self._log = structlog.get_logger()
        parts.sharing.note_change = self.note_change
        parts.hash_tables.peers = self._reached_states

    @property
    def state(self) -> PairState | None:
        """The latest own state, with the current ages of its counts; None without a pair link."""
        if self._state is None:
            return None
        state = replace(self._state, readiness=self._parts.readiness.facts)
        return age_state(state, monotonic() - self._gathered_at)

    def note_change(self) -> None:
        """Note that the own state may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Follow the configuration, the own state and the silence of peers, until cancelled."""
        while True:
            self._changed.clear()
            self._follow(self._parts.configuration)
            began = monotonic()
            if self._pair is not None:
                await self._gather()
                self._expire()
            await self.view.follow(self._pair, self.state, self.peers)
            rest_max = CONTESTED_SECONDS if self.view.contested else TICK_SECONDS
            rest = min(max(GATHERING_SECONDS, REST_FACTOR * (monotonic() - began)), rest_max)
            with contextlib.suppress(TimeoutError):
                contested = self._request_counts()
                async with asyncio.timeout(CONTESTED_SECONDS if contested else TICK_SECONDS):
                    await self._changed.wait()
            await asyncio.sleep(rest)

    async def state_after(self, generation: int | None, seconds: float) -> PairState:
        """Return the own state, at once if its generation is another one.

        Otherwise wait at most ``seconds`` for the next generation. The readiness in it is the
        present one, because a peer relies on it. Raises RequestError without a pair link.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._state is None or self._state.generation == generation:
                    await self._news.wait()
        state = self.state
        if state is None:
            raise RequestError("this director has no pair link")
        return state

    @property
    def knowledge(self) -> Knowledge:
        """What the readiness of this director depends on besides its own host."""
        peers = self.peers.values()
        facts = find_peer_facts(peers, self.view.differences)
        return Knowledge(self._pair is not None, find_sightings(peers), facts)

    def find_obstacles(self, instances: Collection[str]) -> tuple[str, ...] | None:
        """Return why no peer should take these instances over; None without a pair link."""
        if self._pair is None:
            return None
        if self._state is None:
            return ("this director has just started",)
        configured = self._parts.election.instances
        intervals = {name: configured[name].advert_interval for name in instances}
        own = replace(self._state, instances=self._own.instances())
        return find_obstacles(own, tuple(self.peers.values()), intervals, monotonic())

    def receive(self, name: str, report: PeerReport) -> None:
        """Record the report of the web process about a peer. `run` compares it with the own state.

        Raises UnknownObjectError.
        """
        peer = self.peers.get(name)
        if peer is None or self._pair is None:
            raise UnknownObjectError("peer", name, self.peers)
        own_name, now = self._parts.configuration.name, monotonic()
        utc = time.time()  # noqa: TID251  # the clocks of the directors are compared
        found = receive(self.peers, self._pair, own_name, peer, report, now=now, utc=utc)
        self._keep(peer, found)
        self.note_change()

    def _follow(self, configuration: Configuration) -> None:
        if configuration.pair != self._pair:
            self._pair = configuration.pair
            self.peers = configure(self.peers, self._pair, monotonic())
            if self._pair is None:
                self._state = None

    async def _gather(self) -> None:
        """Gather the own state. The generation grows if the content is another one.

        While an instance is contested, it always grows: the peers then compare the counts at once.
        """
        before = self._state
        state = await self._own.gather(self._generation)
        self._gathered_at = monotonic()
        same = before is not None and lasting_content(before) == lasting_content(state)
        if same and not self.view.contested:
            self._state = state
            return
        self._generation += 1
        self._state = replace(state, generation=self._generation)
        self._news.set()
        self._news = asyncio.Event()

    def _take_in(self, peer: str, state: PairState) -> None:
        """Pass the overrides and the suspicions of a peer on."""
        self._parts.sharing.receive(peer, state.overrides)
        self._parts.suspecting.follow(peer, state.incarnation, state.suspicions, monotonic())

    def _request_counts(self) -> bool:
        """Request the current counts of contested instances. Return whether there is one.

        A vrrp process of another version may not know the order. It reports within a second.
        """
        contested, child = self.view.contested, self._parts.election.child
        for instance in contested if child.version == __version__ else ():
            child.send(ReportStatus(instance))
        return bool(contested)

    def _reached_states(self) -> list[PairState]:
        """Return the states of the peers that answer now."""
        return [
            peer.state
            for peer in self.peers.values()
            if peer.reach is Reach.REACHED and peer.state is not None
        ]

    def _expire(self) -> None:
        for peer in tuple(self.peers.values()):
            self._keep(peer, expire(peer, monotonic()))

    def _keep(self, before: Peer, after: Peer) -> None:
        self.peers = {**self.peers, after.name: after}
        if after.reach is not Reach.REACHED:
            self._parts.sharing.note_loss(after.name)
        elif after.state is not None and after.state is not before.state:
            self._take_in(after.name, after.state)
        if (change := find_change(before, after)) is not None:
            getattr(self._log, change.level)(change.event, **change.fields)
