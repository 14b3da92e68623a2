"""Takes the lists of the sources into the pools, and remembers what is accepted."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Final

import msgspec
import structlog

from hadirector.dataplane.connections import connections
from hadirector.dataplane.dataplane import DataplaneError, TableCounters
from hadirector.model.configuration import Configuration, VirtualServer
from hadirector.model.discovery import Member, Source
from hadirector.model.ipvs import ServiceKey
from hadirector.model.queries import find_successors
from hadirector.processes.messages import Stop
from hadirector.processes.supervisor import Child
from hadirector.sources.admission import NOTHING_ACCEPTED, Accepted, Admission, Key, admit
from hadirector.sources.expansion import PoolSource, expand, find_unsuitable
from hadirector.sources.messages import (
    REPEAT_SECONDS,
    ConfigureSources,
    FromSources,
    OverridesRead,
    SourceFailed,
    SourceRead,
)
from hadirector.sources.status import PoolStatus, SourceStatus
from hadirector.sources.store import MemberStore

PASS_SECONDS: Final = 1.0
"""The time between two looks at changes that wait, and at the connections of absent members."""

EndOverrides = Callable[[Collection[tuple[str, str]]], Awaitable[None]]
ReadCounters = Callable[[Collection[ServiceKey]], Awaitable[TableCounters]]


class MembersChanged(msgspec.Struct, frozen=True):
    """Message: the accepted members of some pools have changed.

    ``expanded`` is the configuration ``base`` with the new members.
    """

    base: Configuration
    expanded: Configuration


class _List(msgspec.Struct, frozen=True):
    """The latest list of a source, with the time since which it is the same."""

    members: tuple[Member, ...]
    seen_at: float
    confirmed_at: float


class UnknownSourceError(Exception):
    """No source has this name. The message names the sources."""


class Discovery:
    """Runs the process that reads the sources, and decides which changes the pools take.

    ``put`` gets ``MembersChanged`` and the messages of the process. ``read_counters`` returns the
    connections of services. ``end_overrides`` ends the overrides of real servers, each named by its
    virtual server and itself: an order belongs to the server that had the address before.
    """

    name = "sources"

    def __init__(
        self,
        configuration: Configuration,
        put: Callable[[Any], Awaitable[None]],
        read_counters: ReadCounters,
        end_overrides: EndOverrides,
    ) -> None:
        self.child: Child[FromSources] | None = None
        self._put = put
        self._read_counters = read_counters
        self._end_overrides = end_overrides
        self._replaced: set[tuple[str, str]] = set()
        self._store = MemberStore(Path(configuration.state_directory))
        used = bool(configuration.sources)
        self._accepted = self._store.read(monotonic()) if used else {}
        self._configuration = self.expand(configuration)
        self._lists: dict[str, _List] = {}
        self._failures: dict[str, tuple[str, float]] = {}
        self._documents: dict[str, tuple[int, float]] = {}  # overrides, and when they were read
        self._admissions: dict[PoolSource, Admission] = {}
        self._confirmed: dict[str, tuple[Member, ...]] = {}  # the list that an operator accepted
        self._changed: set[str] = set()  # sources with a list that the pools have not taken
        self._wake = asyncio.Event()
        self._log = structlog.get_logger()

    def expand(self, configuration: Configuration) -> Configuration:
        """Return a configuration with the accepted members in its pools."""
        return expand(configuration, self._accepted)

    def configure(self, configuration: Configuration) -> None:
        """Read the sources of this configuration from now on, and forget all other sources."""
        self._replaced |= set(find_successors(self._configuration, configuration))
        self._configuration = configuration
        names = {source.name for source in configuration.sources}
        for known in (self._lists, self._failures, self._documents):
            for name in known.keys() - names:
                del known[name]
        pools = self._pools()
        self._admissions = {name: each for name, each in self._admissions.items() if name in pools}
        # A new pool of a source that was read already gets the list that is known.
        self._changed |= {
            pool.source
            for pool in pools
            if pool not in self._admissions and pool.source in self._lists
        }
        self.send_settings()
        self._wake.set()

    def send_settings(self) -> None:
        """Send the sources to a process that has just started."""
        if self.child is not None:
            self.child.send(ConfigureSources(self._configuration.sources))

    @property
    def _is_needed(self) -> bool:
        """Whether the process has a source to read, or a summary to write."""
        return bool(self._configuration.sources) or self._configuration.fleet is not None

    async def run(self) -> None:
        """Run the process while it is needed, and take their lists, until it is cancelled."""
        while True:
            self._wake.clear()
            if not self._is_needed:
                await self._wake.wait()
                continue
            child: Child[FromSources] = Child(
                self.name, "hadirector.sources.process", FromSources, self._put
            )
            self.child = child
            running = asyncio.create_task(child.run(), name=self.name)
            try:
                while self._is_needed:
                    await self._take_lists()
            finally:
                self.child = None
                child.stop(Stop())
                await running

    async def _take_lists(self) -> None:
        """Take new lists at once, and each second the changes that waited."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PASS_SECONDS):
                await self._wake.wait()
        self._wake.clear()
        if self._replaced:
            await self._end_old_orders()
        changed, self._changed = self._changed, set()
        for source in changed | self._waiting(monotonic()):
            await self._admit(source, monotonic())

    async def _end_old_orders(self) -> None:
        replaced, self._replaced = self._replaced, set()
        try:
            await self._end_overrides(replaced)
        except OSError as error:
            self._replaced |= replaced  # the next pass tries again
            self._log.error("overrides_not_ended", error=str(error))

    def note(self, message: SourceRead | OverridesRead | SourceFailed) -> None:
        """Note a list, which `run` takes, or that a source cannot be read."""
        now = monotonic()
        if message.source not in {source.name for source in self._configuration.sources}:
            return  # a reload has removed the source
        if isinstance(message, SourceFailed):
            before = self._failures.get(message.source)
            self._failures[message.source] = (message.reason, before[1] if before else now)
            self._log.warning("source_failed", source=message.source, reason=message.reason)
            return
        if self._failures.pop(message.source, None) is not None:
            self._log.info("source_recovered", source=message.source)
        if isinstance(message, OverridesRead):
            self._documents[message.source] = len(message.document.overrides), now
            return
        known = self._lists.get(message.source)
        same = known is not None and known.members == message.members
        seen_at = known.seen_at if known is not None and same else now
        self._lists[message.source] = _List(message.members, seen_at, now)
        self._changed.add(message.source)
        self._wake.set()

    def accept(self, source: str) -> int:
        """Take the current list of a source, even if it is small; return its length.

        The pace still applies. Raises UnknownSourceError.
        """
        if source not in self._lists:
            names = ", ".join(each.name for each in self._configuration.sources) or "none"
            raise UnknownSourceError(f"no list was read from {source} (sources: {names})")
        self._confirmed[source] = self._lists[source].members
        self._changed.add(source)
        self._wake.set()
        return len(self._lists[source].members)

    def status(self, now: float) -> tuple[SourceStatus, ...]:
        """Return the state of each source. ``now`` is in monotonic seconds."""
        return tuple(self._status(source, now) for source in self._configuration.sources)

    def _status(self, source: Source, now: float) -> SourceStatus:
        found, failure = self._lists.get(source.name), self._failures.get(source.name)
        read = self._documents.get(source.name)
        if found is not None:
            read = len(found.members), found.confirmed_at
        silence = None if read is None else now - read[1]
        if silence is not None and not failure and silence <= _expected_silence(source):
            silence = 0.0  # the process reports a list again only if it changes, or after a minute
        return SourceStatus(
            name=source.name,
            type=source.type,
            location=source.place,
            members=None if read is None else read[0],
            age=silence,
            failure=failure[0] if failure else "",
            failing_for=now - failure[1] if failure else None,
            pools=tuple(
                self._pool_status(pool) for pool in self._pools() if pool.source == source.name
            ),
        )

    def _pool_status(self, pool: PoolSource) -> PoolStatus:
        accepted = self._accepted.get(pool, NOTHING_ACCEPTED)
        admission = self._admissions.get(pool)
        return PoolStatus(
            virtual_server=pool.virtual_server,
            present=accepted.present,
            absent=len(accepted.members) - accepted.present,
            refusal=admission.refusal if admission else "",
            waiting=admission.waiting if admission else (),
        )

    def _pools(self) -> Mapping[PoolSource, VirtualServer]:
        return {
            PoolSource(server.name, each.source): server
            for server in self._configuration.virtual_servers
            for each in server.discovered
        }

    def _waiting(self, now: float) -> set[str]:
        """Return the sources with changes whose time has come, or with absent members."""
        found = set()
        for pool in self._pools():
            admission = self._admissions.get(pool)
            due = admission.due if admission and admission.due is not None else math.inf
            accepted = self._accepted.get(pool, NOTHING_ACCEPTED)
            if due <= now or accepted.present < len(accepted.members):
                found.add(pool.source)
        return found

    async def _admit(self, source: str, now: float) -> None:
        """Decide again what the pools of a source take of its current list."""
        found = self._lists.get(source)
        if found is None:
            return
        changed = False
        for pool, server in self._pools().items():
            if pool.source == source:
                idle = await self._idle(pool, server)
                changed |= await self._take(pool, server, found, idle, now)
        # A reload may have added a pool meanwhile, which has no admission yet.
        admissions = [self._admissions.get(pool) for pool in self._pools() if pool.source == source]
        if all(each is not None and each.due is None for each in admissions):
            self._confirmed.pop(source, None)
        if changed:
            await self._remember()
            base = self._configuration
            # With 10,000 members this takes longer than a verdict may wait.
            expanded = await asyncio.to_thread(expand, base, dict(self._accepted))
            await self._put(MembersChanged(base, expanded))

    async def _take(
        self, pool: PoolSource, server: VirtualServer, found: _List, idle: set[Key], now: float
    ) -> bool:
        accepted = self._accepted.get(pool, NOTHING_ACCEPTED)

        def decide() -> Admission:
            if unsuitable := _find_unsuitable(server, pool.source, found.members):
                return Admission(accepted, unsuitable)
            return admit(
                accepted,
                found.members,
                server.admission,
                now,
                seen_at=found.seen_at,
                idle=idle,
                confirmed=self._confirmed.get(pool.source) == found.members,
            )

        admission = await asyncio.to_thread(decide)
        self._note(pool, accepted, admission)
        self._admissions[pool] = admission
        self._accepted[pool] = admission.accepted
        return admission.accepted.members != accepted.members

    def _note(self, pool: PoolSource, before: Accepted, admission: Admission) -> None:
        """Log what a pool takes, and a refusal once."""
        place = {"virtual_server": pool.virtual_server, "source": pool.source}
        earlier = self._admissions.get(pool)
        if admission.refusal and (earlier is None or earlier.refusal != admission.refusal):
            self._log.warning("members_refused", **place, reason=admission.refusal)
        if admission.accepted.members != before.members:
            now = admission.accepted
            self._log.info(
                "members_changed",
                **place,
                previous=before.present,
                present=now.present,
                absent=len(now.members) - now.present,
            )

    async def _idle(self, pool: PoolSource, server: VirtualServer) -> set[Key]:
        """Return the absent members that get no connections and have none."""
        accepted = self._accepted.get(pool, NOTHING_ACCEPTED)
        if accepted.present == len(accepted.members):
            return set()
        try:
            table = await self._read_counters(server.keys)
        except DataplaneError:
            return set()  # the reconciler reports it
        idle = set()
        for each in server.real_servers:
            if each.absent and connections(server, each, table) == 0:
                idle |= {(each.key.address, each.key.port), (each.key.address, 0)}
        return idle

    async def _remember(self) -> None:
        pools = {pool: self._accepted[pool] for pool in self._pools() if pool in self._accepted}
        try:
            await self._store.write(pools)
        except OSError as error:
            self._log.error("members_not_stored", error=str(error))


def _expected_silence(source: Source) -> float:
    """Return the longest time between two reports about a source that does not change."""
    return REPEAT_SECONDS + source.poll + source.timeout


def _find_unsuitable(server: VirtualServer, source: str, members: Iterable[Member]) -> str:
    for servers in server.discovered:
        if servers.source == source:
            for member in members:
                if reason := find_unsuitable(server, servers, member):
                    return reason
    return ""
