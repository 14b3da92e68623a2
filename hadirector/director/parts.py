"""All parts of a director, and the method that passes decisions from one part to the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path
from time import monotonic

from msgspec.structs import replace

from hadirector.announce.announcer import Announcer
from hadirector.announce.decision import Facts as AnnouncementFacts
from hadirector.dataplane.condition import TableCondition
from hadirector.dataplane.dataplane import Dataplane, TableCounters
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.director.alerts.alerts import Alerts
from hadirector.director.alerts.conditions import Situation, find_conditions
from hadirector.director.announcing import HashTables, announcement_facts, count_packets
from hadirector.director.closer_look import CloserLook
from hadirector.director.configuration_hashes import HashedConfiguration
from hadirector.director.document_overrides import DocumentOverrides
from hadirector.director.fitness import FitnessMonitor
from hadirector.director.messages import Message
from hadirector.director.pools import Pools
from hadirector.director.publication import Publication
from hadirector.director.readiness import ReadinessMonitor
from hadirector.director.sharing import Sharing
from hadirector.director.snapshot import Snapshot, SnapshotStore
from hadirector.director.suspecting import Suspecting
from hadirector.director.web_process import WebProcess
from hadirector.election.election import Election
from hadirector.election.tracking import Tracking
from hadirector.events.alerts.alert import Key
from hadirector.events.recorder import Recorder
from hadirector.health.target import take_snapshot
from hadirector.health.verdicts import Health
from hadirector.host.kernel_options import MH_TABLE_BITS, read_kernel_option
from hadirector.host.owned import Memory
from hadirector.host.reconciler import HostReconciler
from hadirector.model.configuration import ApiRoles, Configuration
from hadirector.model.ipvs import ServiceKey
from hadirector.notify.notifier import Notifier
from hadirector.overrides.model import Author, RealServerName
from hadirector.overrides.pause_store import PauseStore
from hadirector.overrides.store import OverrideStore
from hadirector.pools.entries import tracked_pools
from hadirector.pools.facts import Facts
from hadirector.pools.frozen import FrozenTargets
from hadirector.sources.discovery import Discovery
from hadirector.sources.messages import OverridesRead, SourceFailed, SourceRead, SummaryWritten
from hadirector.sources.status import SourceStatus
from hadirector.status.pair_summary import PairSummary

FAILURE_SECONDS_MAX = 3600.0
"""The maximum age of a failure in the snapshot. No window of flap damping is longer."""


def _ignore(_roles: ApiRoles) -> None:
    """Ignore the roles: no API is served."""


class Parts:
    """All objects that a director consists of. ``put`` adds a message to its queue."""

    def __init__(
        self,
        configuration: Configuration,
        dataplane: Dataplane,
        recorder: Recorder,
        put: Callable[[Message], Awaitable[None]],
    ) -> None:
        directory = Path(configuration.runtime_directory)
        self.discovery = Discovery(configuration, put, self._read_counters, self._end_overrides)
        configuration = self.discovery.expand(configuration)
        self.configuration = configuration
        self.dataplane = dataplane
        self.recorder = recorder
        self.memory = Memory(directory / "owned.json")
        self.snapshots = SnapshotStore(directory)
        self.health = Health(configuration, put)
        self.suspecting = Suspecting(self.health)
        self.pools = Pools(configuration, recorder.note)
        self.table_reconciler = TableReconciler(
            dataplane,
            self.memory.owned.services,
            self.memory.remember_services,
            self._report_table,
            observing=configuration.observing,
        )
        self.host_reconciler = HostReconciler(configuration, self.memory)
        self.overrides = OverrideStore(configuration, self.table_reconciler, put)
        self.sharing = Sharing(configuration, self.overrides)
        self.publication = Publication()
        self.document_overrides = DocumentOverrides(configuration, self.overrides)
        self.election = Election(
            configuration.vrrp,
            frozenset(self.memory.owned.yielding).difference(self.groups),
            put,
            static=configuration.static,
            realtime=configuration.realtime,
            observing=configuration.observing,
        )
        self.pause = PauseStore(Path(configuration.state_directory), put)
        self.frozen = FrozenTargets()
        self._freeze_elections()
        self.closer_look = CloserLook(configuration)
        self.tracking = Tracking(configuration, put)
        self.notifier = Notifier(configuration, self.snapshots.note_change)
        self.fitness = FitnessMonitor(self.health, self.pools, self.table_reconciler, self.election)
        self.hashed_configuration = HashedConfiguration()
        self.hash_tables = HashTables(read_kernel_option(MH_TABLE_BITS))
        self.announcer = Announcer(
            None if configuration.observing else configuration.announce,
            self._announcement_facts,
            self._count_packets,
        )
        self.readiness = ReadinessMonitor(
            configuration.pair,
            fitness=self.fitness,
            health=self.health,
            table_reconciler=self.table_reconciler,
            host_reconciler=self.host_reconciler,
            memory=self.memory,
            recorder=recorder,
            election=self.election,
        )
        self.web = WebProcess(configuration, put)
        self.summarize_pair: Callable[[], PairSummary | None] = lambda: None
        self.change_roles: Callable[[ApiRoles], None] = _ignore
        self.alerts = Alerts(configuration, recorder, self._find_conditions)
        self._put = put

    def note_source(
        self, message: SourceRead | SourceFailed | OverridesRead | SummaryWritten
    ) -> None:
        """Note what the process of the sources reports."""
        if isinstance(message, SummaryWritten):
            self.publication.note(message)
            return
        self.discovery.note(message)
        if isinstance(message, OverridesRead):
            self.document_overrides.note(message)

    def sources(self) -> tuple[SourceStatus, ...]:
        """Return the state of each source, with the document of overrides."""
        found = self.discovery.status(monotonic())
        return tuple(
            replace(each, document=self.document_overrides.status(each.name)) for each in found
        )

    async def _end_overrides(self, names: Collection[tuple[str, str]]) -> None:
        await self.overrides.remove(
            [RealServerName(*name) for name in names],
            Author("discovery"),
            reason="another server has the address",
        )

    async def _read_counters(self, keys: Collection[ServiceKey]) -> TableCounters:
        return await self.table_reconciler.read_counters(keys)

    async def _find_conditions(self, known: Collection[Key]) -> dict[Key, str] | None:
        """Return the conditions for alerts; None before the elections begin."""
        if not self.election.begun:
            return None
        pair, ready = self.summarize_pair(), self.readiness.status
        return await find_conditions(
            Situation(
                self.configuration,
                self.health.targets,
                self.pools.judgements,
                self.election.current_statuses(monotonic()),
                self.health.blindness.blind,
                self.fitness.current.reasons,
                () if ready is None or ready.ready else [lack.reason for lack in ready.lacks],
                () if pair is None else pair.problems,
                known,
            )
        )

    def facts(self) -> Facts:
        """Return the current inputs of a decision about weights. The targets are a live view."""
        live = self.health.targets
        return Facts(
            self.frozen.view(live),
            self.overrides.current,
            monotonic(),
            self.health.blindness.blind,
            live if self.frozen.active else None,
        )

    def describe_pause(self) -> str:
        """Return the pause in force in one line, or nothing."""
        pause = self.pause.current
        return "" if pause is None else pause.description

    def resume_pause(self, snapshot: Snapshot, passing: Iterable[str]) -> None:
        """Continue a pause of an earlier run. ``passing`` are the targets that serve."""
        if self.pause.current is not None:
            self.frozen.resume(snapshot.frozen, self.health.targets, passing)

    def follow_pause(self) -> None:
        """Begin or end a pause, and decide again."""
        if self.pause.current is None:
            self.frozen.end()
        else:
            self.frozen.begin(self.health.targets)
        self._freeze_elections()
        self.decide()

    def _freeze_elections(self) -> None:
        pause = self.pause.current
        if pause is not None and pause.elections:
            self.election.freeze()
        else:
            self.election.unfreeze()

    def decide(self, changed: Collection[ServiceKey] | None = None) -> None:
        """Decide the pools of the changed services, or all pools if ``changed`` is None.

        The results go to the table reconciler, the election and the notify scripts.
        """
        facts = self.facts()
        self.pools.decide(changed, facts)
        self.snapshots.note_change()
        self.table_reconciler.want(self.pools.table, changed)
        self.election.track(tracked_pools(self.configuration, self.pools.quorums))
        self.notifier.note_pools(changed, self.pools.judgements, facts)

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups of announced addresses."""
        announcement = self.configuration.announce
        return () if announcement is None else announcement.group_names

    def _announcement_facts(self) -> AnnouncementFacts:
        facts = announcement_facts(self.configuration, self.fitness, self.health, self.pools)
        return replace(
            facts,
            differing=self.hash_tables.find_differing(),
            handed_over=frozenset(self.memory.owned.handovers),
        )

    async def _count_packets(self, addresses: Collection[str]) -> int | None:
        return await count_packets(self.configuration, self.table_reconciler, addresses)

    async def _report_table(self, condition: TableCondition) -> None:
        """Put the condition of the table into the queue if the fitness may depend on it."""
        if not self.election.begun or condition != self.fitness.table:
            await self._put(condition)

    def snapshot(self, *, final: bool = False) -> Snapshot:
        """Return the state to store for the next start.

        ``final`` marks the snapshot of an orderly stop.
        """
        oldest = monotonic() - FAILURE_SECONDS_MAX
        return Snapshot(
            stopped=final,
            pools=self.pools.snapshot(),
            targets=take_snapshot(self.health.targets, oldest, final=final),
            told=dict(self.notifier.told),
            frozen=take_snapshot(self.frozen.states, oldest, final=True)
            if self.frozen.active
            else None,
        )
