"""The director process: facts come in through one bounded queue, decisions go out as effects.

Every message is handled to its end before the next. Slow work runs in tasks that answer by message.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import os
from collections.abc import Collection, Coroutine
from pathlib import Path
from time import monotonic
from typing import Any, assert_never

import structlog
from msgspec.structs import astuple

from hadirector.config.document.errors import ConfigError
from hadirector.config.subprocess import reader
from hadirector.dataplane.dataplane import Dataplane, DataplaneError
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.director.messages import ConfigurationRead, FirstVerdictsOverdue, Message
from hadirector.director.pools import Pools, PoolsDue, gather_facts
from hadirector.director.requests import OperatorRequests, RequestError
from hadirector.director.snapshot import SnapshotStore
from hadirector.election.election import Election, ResumeOverdue
from hadirector.election.notify import Notifier
from hadirector.election.tracking import TrackedChanged, Tracking
from hadirector.events.recorder import Recorder
from hadirector.health.verdicts import Health
from hadirector.health.workers import Workers
from hadirector.host import preflight
from hadirector.host.owned import Memory
from hadirector.host.reconciler import HostReconciler
from hadirector.host.sysctl import reconciler
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ServiceKey
from hadirector.overrides.store import OverridesChanged, OverrideStore
from hadirector.pools import adoption, entries
from hadirector.pools.facts import Facts
from hadirector.pools.pending import PendingPools
from hadirector.processes.handoff import Handoff
from hadirector.processes.messages import CheckStatistics, VerdictChanged
from hadirector.processes.supervisor import Child, ChildDied, ChildStarted
from hadirector.reload.plan import plan
from hadirector.reload.preview import Preview, Situation, preview
from vrrp.model.report import InstanceStatus, Notice, Transition

MESSAGES_MAX = 10_000
FIRST_VERDICTS_SECONDS_MAX = 5.0
CHILD_STOP_SECONDS_MAX = 10.0


class Director:
    """Runs one director from ``run`` until ``stop``."""

    def __init__(
        self,
        path: Path,
        configuration: Configuration,
        dataplane: Dataplane,
        recorder: Recorder,
        handoff: Handoff | None = None,
    ) -> None:
        self._path = path
        self._configuration = configuration
        self._dataplane = dataplane
        self._log = structlog.get_logger()
        self._messages: asyncio.Queue[Message] = asyncio.Queue(MESSAGES_MAX)
        directory = Path(configuration.runtime_directory)
        self._memory = Memory(directory / "owned.json")
        owned = self._memory.owned
        self.recorder = recorder
        self._pools = Pools(configuration, recorder.note)
        self._pending = PendingPools()
        self._host = HostReconciler(configuration, self._memory)
        self._reconciler = TableReconciler(
            dataplane, owned.services, self._memory.remember_services
        )
        self._health = Health(configuration, {}, self._messages.put)
        self._history = SnapshotStore(directory, self._health, self._pools)
        self._election = Election(
            configuration.vrrp,
            frozenset(owned.yielding),
            self._messages.put,
            realtime=configuration.realtime,
        )
        if handoff is not None:
            self._election.adopt(handoff)
        self._overrides = OverrideStore(configuration, self._reconciler, self._messages.put)
        self.operator = OperatorRequests(
            configuration,
            self._memory,
            overrides=self._overrides,
            reconciler=self._reconciler,
            health=self._health,
            election=self._election,
            pools=self._pools,
            host=self._host,
            event_log=recorder.event_log,
        )
        self._tracking = Tracking(configuration, self._messages.put)
        self._notifier = Notifier(configuration)
        self._passing: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self._reload_waits = False
        self._stop = asyncio.Event()
        self._restarting = False
        self._handoff: Handoff | None = None

    async def run(self) -> Handoff | None:
        """Adopt what is there, run until ``stop``, then leave as ``on_stop`` says.

        After ``restart`` it leaves everything in place, and the vrrp process running: what
        describes that is returned, for the program that takes our place.
        Raises DataplaneError when the dataplane cannot be used.
        """
        await self._dataplane.start()
        await self._host.start(self._election.states)
        table = await self._reconciler.adopt()
        adopted = adoption.adopted_verdicts(self._configuration, table)
        self._health.verdicts.update(adopted)
        self._pools.adopt(table, self._history.adopt(self._configuration))
        await self._dataplane.withhold(self._election.withheld)
        self._want(None)
        self._log.info("director_started", name=self._configuration.name, adopted=len(adopted))
        # The garbage collector need not look through what stays: it takes 20 ms each time.
        gc.freeze()
        async with asyncio.TaskGroup() as group:
            loops = {
                "events": self._handle_messages(),
                "table": self._reconciler.run(),
                "host": self._host.run(),
                "tracking": self._tracking.run(),
                "notifications": self._notifier.run(),
                "overrides": self._overrides.run(),
                "pools": self._pools.run(self._messages.put),
                "history": self._history.run(),
            }
            running = [group.create_task(each, name=name) for name, each in loops.items()]
            self._tell_later(FIRST_VERDICTS_SECONDS_MAX, FirstVerdictsOverdue())
            checking = group.create_task(self._health.workers.run(), name="checks")
            electing = group.create_task(self._election.run(), name="vrrp")
            await self._stop.wait()
            await self._leave(checking, electing)
            for task in (*running, *self._passing):
                task.cancel()
        self._history.write(final=True)
        if not self._restarting:
            self._take_back()
            if self._configuration.on_stop == "release":
                await self._withdraw()
        await self._dataplane.close()
        self._log.info(
            "director_stopped", on_stop=self._configuration.on_stop, restarting=self._restarting
        )
        return self._handoff

    def stop(self) -> None:
        """Begin to leave, for good; ``run`` returns when it is done."""
        self._restarting = False
        self._stop.set()

    @property
    def restarting(self) -> bool:
        """Whether another program is to take our place when ``run`` returns."""
        return self._restarting

    async def restart(self) -> None:
        """Begin to leave for the program that takes our place; ``run`` returns when that is done.

        Raises RequestError when it could not start with the configuration file as it is, or
        leaves already.
        """
        try:
            configuration = await reader.read(self._path)
        except ConfigError as error:
            raise RequestError(str(error)) from error
        faults = await preflight.faults(configuration)
        if faults:
            raise RequestError("\n".join(faults))
        if self._stop.is_set():
            raise RequestError("the director is stopping")
        self._restarting = True
        self._stop.set()

    async def reload(self) -> str:
        """Read the file again and change to it; the old configuration stays if the new is wrong.

        Returns what changed, in one line. Raises RequestError.
        """
        async with self._reloading:
            self._reload_waits = False
            try:
                configuration = await reader.read(self._path)
            except ConfigError as error:
                self._log.error("reload_refused", faults=str(error).splitlines())
                raise RequestError(str(error)) from error
            planned = plan(self._configuration, configuration)
            faults = [*planned.refused, *await preflight.faults(configuration)]
            if faults:
                self._log.error("reload_refused", faults=faults)
                raise RequestError("\n".join(faults))
            await self._messages.put(ConfigurationRead(configuration))
            return planned.summary

    async def preview(self, text: bytes, file: str) -> Preview:
        """Say what a reload would change if the file had this text. Changes nothing.

        ``file`` is what faults call it. Raises ConfigError and DataplaneError.
        """
        configuration = await reader.read(file, text)
        faults = tuple(await preflight.faults(configuration))
        sysctls = await reconciler.preview_sysctls(configuration)
        actual = await self._reconciler.read()
        facts = gather_facts(self._health, self._overrides.current)
        situation = Situation(
            configuration=self._configuration,
            # The thread that looks through them must not meet a verdict that is just coming in.
            facts=Facts(*map(copy.copy, astuple(facts))),
            quorums=dict(self._pools.quorums),
            serving_since=dict(self._pools.serving_since),
            wanted=self._pools.table,
            actual=actual,
            owned=self._reconciler.owned,
            states=dict(self._election.states),
            faults=faults,
            sysctls=sysctls,
        )
        return await asyncio.to_thread(preview, situation, configuration)

    def request_reload(self) -> None:
        """Reload when there is time for it; what comes of it is logged.

        Requests that come before that reload has begun are met by it too.
        """
        if self._reload_waits:
            return
        self._reload_waits = True

        async def reload_and_log() -> None:
            with contextlib.suppress(RequestError):
                await self.reload()

        self._spawn(reload_and_log(), "reload")

    # --- events ---------------------------------------------------------------------------------

    async def _handle_messages(self) -> None:
        while True:
            await self._handle(await self._messages.get())
            await asyncio.sleep(0)  # a burst of events keeps nothing else waiting

    async def _handle(self, message: Message) -> None:
        match message:
            case VerdictChanged() | CheckStatistics() | OverridesChanged() | PoolsDue():
                was_blind = self._health.eyes.blind
                self._pending.add(self._concerned(message), monotonic())
                if self._health.eyes.blind is not was_blind:
                    self._election.track_visibility(blind=not was_blind)
            case Transition() | InstanceStatus() | ResumeOverdue():
                if await self._election.handle(message):
                    priority = self._election.priority(message.instance)
                    self._notifier.state_entered(message.instance, priority, self._election.states)
                    self._host.follow(self._election.states)
                    await self._dataplane.withhold(self._election.withheld)
            case Notice():
                getattr(self._log, message.level)(message.event, **message.fields)
            case ChildStarted() | ChildDied():
                self._child_changed(message)
            case TrackedChanged():
                self._election.track(message.values)
            case ConfigurationRead():
                await self._change_to(message.configuration)
            case FirstVerdictsOverdue():
                self._election.begin()
            case _:
                assert_never(message)
        self._decide()

    def _decide(self) -> None:
        """Judge what is undecided unless more comes with it; elections begin when all is judged."""
        begins = not self._election.begun and self._health.complete
        more = not (begins or self._messages.empty())
        if changed := self._pending.take(monotonic(), more=more):
            self._want(changed)
        if begins:
            self._election.begin()

    def _concerned(
        self, message: VerdictChanged | CheckStatistics | OverridesChanged | PoolsDue
    ) -> Collection[ServiceKey]:
        """Take what is new; returns the services whose pool it may change."""
        if isinstance(message, VerdictChanged):
            return self._health.verdict_changed(message)
        if isinstance(message, CheckStatistics):
            return self._health.statistics(message)
        if isinstance(message, PoolsDue):
            return self._pools.due(monotonic())
        servers = self._configuration.virtual_servers
        return {
            key for each in servers if each.name in message.virtual_servers for key in each.keys
        }

    def _child_changed(self, message: ChildStarted | ChildDied) -> None:
        electing = message.name == self._election.child.name
        if isinstance(message, ChildDied):
            for delay, overdue in self._election.child_died() if electing else ():
                self._tell_later(delay, overdue)
        elif electing:
            self._election.configure_child()
        else:
            self._health.configure_workers(message.name)

    async def _change_to(self, configuration: Configuration) -> None:
        """Take a new configuration, with pauses: 10,000 real servers take some ms at each step."""
        planned = plan(self._configuration, configuration)
        await asyncio.sleep(0)
        # A check that was changed judges its target anew: what is in use until then stays in use.
        assumed = self._pools.assumed(configuration)
        await asyncio.sleep(0)
        self._configuration = configuration
        self._pools.configure(configuration)
        self._overrides.configure(configuration)
        self.operator.configure(configuration)
        self._health.configure(configuration, *assumed)
        await asyncio.sleep(0)
        await self._host.configure(configuration)
        self._tracking.configure(configuration)
        self._notifier.configure(configuration)
        self._election.configure(configuration.vrrp, realtime=configuration.realtime)
        self._election.track_visibility(blind=self._health.eyes.blind)
        await self._dataplane.withhold(self._election.withheld)
        await asyncio.sleep(0)
        self._want(None)
        self._health.configure_workers()  # last: some probes go by way of what is wanted now
        self._log.info(
            "configuration_changed",
            started=planned.started,
            stopped=planned.stopped,
            changed=planned.changed,
        )

    def _want(self, changed: Collection[ServiceKey] | None) -> None:
        """Decide again what the dataplane should hold: all of it, or the changed services."""
        facts = gather_facts(self._health, self._overrides.current)
        self._pools.decide(changed, facts, self._health.results)
        self._reconciler.want(self._pools.table, changed)
        self._election.track(entries.tracked_pools(self._configuration, self._pools.quorums))

    def _tell_later(self, delay: float, message: Message) -> None:
        async def tell() -> None:
            await asyncio.sleep(delay)
            await self._messages.put(message)

        self._spawn(tell(), type(message).__name__)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    # --- leaving --------------------------------------------------------------------------------

    async def _leave(self, checking: asyncio.Task[None], electing: asyncio.Task[None]) -> None:
        """Stop the children, vrrp first: the table serves until the addresses are handed over."""
        self._log.info("director_stopping", restarting=self._restarting)
        if self._restarting:
            self._handoff = self._election.hand_on()
            electing.cancel()
        else:
            self._notifier.stop()
            self._election.stop(keep=self._configuration.on_stop == "keep")
            await self._see_end(self._election.child, electing)
        self._health.workers.stop()
        await self._see_end(self._health.workers, checking)
        await self._notifier.finish()

    async def _see_end(self, child: Child[Any] | Workers, running: asyncio.Task[None]) -> None:
        await asyncio.wait([running], timeout=CHILD_STOP_SECONDS_MAX)
        if not running.done():
            self._log.error("process_does_not_stop", process=child.name)
            child.kill()
            await running

    def _take_back(self) -> None:
        """Stopped after all: to the vrrp process the end of its channel is the order to release."""
        if self._handoff is not None:
            os.close(self._handoff.descriptor)
            self._handoff = None

    async def _withdraw(self) -> None:
        await self._host.withdraw()
        try:
            await self._reconciler.withdraw()
        except DataplaneError as error:
            self._log.error("withdraw_failed", error=str(error))
