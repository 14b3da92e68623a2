"""The life cycle of a director: start, run, and stop or restart."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from checks.script_runner.client import server as script_server
from hadirector import __version__
from hadirector.dataplane.dataplane import Dataplane, DataplaneError
from hadirector.director.alerts.alerts import Alerts
from hadirector.director.configurations.apply import Applications
from hadirector.director.configurations.file import ConfigurationFile
from hadirector.director.dispatch import Dispatcher
from hadirector.director.document_overrides import DocumentOverrides
from hadirector.director.drills import Drills
from hadirector.director.handovers import Handovers
from hadirector.director.messages import ConfigurationRead, FirstVerdictsOverdue, Message
from hadirector.director.override_requests import OverrideRequests
from hadirector.director.pairing import Pairing
from hadirector.director.parts import Parts
from hadirector.director.pausing import Pausing
from hadirector.director.peer_configurations import PeerConfigurations
from hadirector.director.publishing import Publishing
from hadirector.director.reconfigure import Reconfiguration
from hadirector.director.request_errors import RequestError
from hadirector.director.requests import OperatorRequests
from hadirector.director.service_reports import ServiceReports
from hadirector.director.web_process import WebProcess
from hadirector.events.recorder import Recorder
from hadirector.health.workers import Workers
from hadirector.model.configuration import ApiRoles, Configuration
from hadirector.processes import memory
from hadirector.processes.handoff import Handoff
from hadirector.processes.supervisor import Child
from hadirector.runtime.service_manager import ServiceManager
from hadirector.sources.discovery import Discovery
from hadirector.sources.status import SourceStatus
from hadirector.status.summary import DirectorSummary

MESSAGES_MAX = 10_000
FIRST_VERDICTS_SECONDS_MAX = 5.0
CHILD_STOP_SECONDS_MAX = 10.0


class Director:
    """Runs one director from ``run`` until ``stop``."""

    def __init__(
        self,
        file: ConfigurationFile,
        configuration: Configuration,
        dataplane: Dataplane,
        recorder: Recorder,
        handoff: Handoff | None = None,
        *,
        service_manager: ServiceManager | None = None,
    ) -> None:
        self._messages: asyncio.Queue[Message] = asyncio.Queue(MESSAGES_MAX)
        self._parts = Parts(configuration, dataplane, recorder, self._messages.put)
        if handoff is not None:
            self._parts.election.adopt(handoff)
        if configuration.observing:
            self._parts.election.begin()
        self._dispatcher = Dispatcher(
            self._parts, self._put_later, more_waits=lambda: not self._messages.empty()
        )
        self._service = ServiceReports(service_manager, self._parts)
        self.reconfiguration = Reconfiguration(
            file, self._parts, self._messages.put, self._service.reload
        )
        self.applications = Applications(self.reconfiguration)
        self.pausing = Pausing(self._parts)
        self.pairing = Pairing(self._parts)
        self.peer_configurations = PeerConfigurations(self._parts.web.send)
        self._parts.summarize_pair = self.pairing.view.summary
        self.operator = OperatorRequests(
            self._parts, lambda: self.applications.pending_status, self.pairing.view
        )
        self._publishing = Publishing(self._parts, self._summarize)
        self.overrides = OverrideRequests(self._parts)
        self.handovers = Handovers(self._parts, self.pairing.find_obstacles)
        self.drills = Drills(self._parts, self.handovers, self.pairing)
        self.recorder = recorder
        self._log = structlog.get_logger()
        self._spawned: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._restarting = False
        self._replaces_vrrp = False
        self._handoff: Handoff | None = None

    async def run(self) -> Handoff | None:
        """Adopt the table of the kernel, run until ``stop``, then clean up as ``on_stop`` demands.

        After ``restart``, change nothing in the kernel and keep the vrrp process running.
        Return the description of the vrrp process for the new program.

        Raises DataplaneError if the dataplane cannot be used.
        """
        parts = self._parts
        await parts.dataplane.start()
        await parts.host_reconciler.start(parts.election.states)
        await parts.announcer.start()
        table = await parts.table_reconciler.adopt()
        adopted = self._dispatcher.adopt(table)
        await parts.dataplane.withhold(parts.election.withheld)
        self._log_start(adopted)
        self.reconfiguration.warn_of_exposure(parts.configuration)
        self.reconfiguration.log_differences(parts.configuration)
        memory.shorten_collections()
        async with asyncio.TaskGroup() as group:
            loops = self._loops()
            running = [group.create_task(loop, name=name) for name, loop in loops.items()]
            self._put_later(FIRST_VERDICTS_SECONDS_MAX, FirstVerdictsOverdue())
            checks = group.create_task(parts.health.workers.run(), name="checks")
            vrrp = group.create_task(parts.election.run(), name="vrrp")
            web = group.create_task(parts.web.run(), name="web")
            await self._stop.wait()
            self._log.info("director_stopping", restarting=self._restarting)
            self._service.report_stop(restarting=self._restarting)
            if not self._keeps:
                await parts.announcer.leave()
            await self._stop_children(checks, vrrp, web)
            for task in (*running, *self._spawned):
                task.cancel()
        script_server.close()
        parts.snapshots.write(parts.snapshot(final=True))
        if not self._restarting:
            self._withdraw_handoff()
        if self._keeps:
            await parts.announcer.keep()
        else:
            await self._withdraw()
        await parts.dataplane.close()
        self._log.info(
            "director_stopped", on_stop=parts.configuration.on_stop, restarting=self._restarting
        )
        return self._handoff

    def _loops(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Return the loops that run until the director stops, by name."""
        parts = self._parts
        loops: dict[str, Coroutine[Any, Any, None]] = {
            "messages": self._handle_messages(),
            "table": parts.table_reconciler.run(),
            "host": parts.host_reconciler.run(),
            "announcements": parts.announcer.run(),
            "routing engine": parts.announcer.engine.run(),
            "tracking": parts.tracking.run(),
            "notifications": parts.notifier.run(),
            "alerts": parts.alerts.run(),
            "overrides": parts.overrides.run(),
            "sharing": parts.sharing.run(),
            "publishing": self._publishing.run(),
            "document overrides": parts.document_overrides.run(),
            "pause": parts.pause.run(),
            "discovery": parts.discovery.run(),
            "handovers": self.handovers.run(),
            "pairing": self.pairing.run(),
            "drills": self.drills.run(),
            "readiness": parts.readiness.run(lambda: self.pairing.knowledge),
            "pools": parts.pools.run(self._messages.put),
            "snapshots": parts.snapshots.run(parts.snapshot),
            "service reports": self._service.run(),
        }
        if parts.configuration.observing:
            loops["closer look"] = parts.closer_look.run()
        else:
            loops["configurations"] = self.applications.run()
        return loops

    def stop(self) -> None:
        """Begin to stop, without a restart. ``run`` returns after the cleanup."""
        self._restarting = False
        self._stop.set()

    @property
    def web(self) -> WebProcess:
        """The web process, which speaks the API of this director."""
        return self._parts.web

    def follow_roles(self, change: Callable[[ApiRoles], None]) -> None:
        """Call ``change`` with the roles of groups when the configuration is replaced."""
        self._parts.change_roles = change

    @property
    def discovery(self) -> Discovery:
        """The discovery sources, and what is accepted from them."""
        return self._parts.discovery

    @property
    def document_overrides(self) -> DocumentOverrides:
        """The document of overrides of a source."""
        return self._parts.document_overrides

    def sources(self) -> tuple[SourceStatus, ...]:
        """Return the state of each source."""
        return self._parts.sources()

    @property
    def alerts(self) -> Alerts:
        """The alerts and their receivers."""
        return self._parts.alerts

    @property
    def restarting(self) -> bool:
        """Whether a new program replaces this program when ``run`` returns."""
        return self._restarting

    async def restart(self, *, replace_vrrp: bool = False) -> None:
        """Stop, so that a new program can replace this program when ``run`` returns.

        Raises RequestError if a new program could not start with the current configuration
        file, or if the director is stopping.
        """
        await self.reconfiguration.check_file()
        if self._stop.is_set():
            raise RequestError("the director is stopping")
        self._replaces_vrrp = replace_vrrp
        self._restarting = True
        self._stop.set()

    def request_reload(self) -> None:
        """Start a reload in the background. Its result is logged."""
        self.reconfiguration.request_reload(self._spawn)

    def _log_start(self, adopted: int) -> None:
        previous_run = self._parts.snapshots.previous_run
        log = self._log.warning if previous_run == "crashed" else self._log.info
        log(
            "director_started",
            name=self._parts.configuration.name,
            version=__version__,
            file=str(self.reconfiguration.file.path),
            adopted=adopted,
            previous_run=previous_run,
        )

    async def _handle_messages(self) -> None:
        while True:
            message, begun = await self._messages.get(), self._parts.election.begun
            await self._dispatcher.handle(message)
            self.pairing.note_change()
            if isinstance(message, ConfigurationRead) or self._parts.election.begun is not begun:
                memory.settle()  # the decisions about all pools leave objects that stay
            await asyncio.sleep(0)  # other tasks run during a burst of messages

    def _put_later(self, delay: float, message: Message) -> None:
        async def wait_and_put() -> None:
            await asyncio.sleep(delay)
            await self._messages.put(message)

        self._spawn(wait_and_put(), type(message).__name__)

    async def _summarize(self) -> DirectorSummary:
        return await self.operator.summary(await self.operator.status())

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)

    @property
    def _keeps(self) -> bool:
        """Whether the addresses, the table and the routes stay for the next process."""
        return self._restarting or self._parts.configuration.on_stop == "keep"

    # --- leaving --------------------------------------------------------------------------------

    async def _stop_children(
        self, checks: asyncio.Task[None], vrrp: asyncio.Task[None], web: asyncio.Task[None]
    ) -> None:
        """Stop the vrrp process first, and then the other children.

        The table stays complete until the addresses are handed over.
        """
        parts = self._parts
        keep = parts.configuration.on_stop == "keep"
        if self._restarting and not self._replaces_vrrp:
            self._handoff = parts.election.hand_off()
            vrrp.cancel()
        else:
            parts.notifier.stop(release=not keep and not self._restarting)
            parts.election.stop(keep=keep)
            await self._wait_for_end(parts.election.child, vrrp)
        parts.health.workers.stop()
        parts.web.stop()
        await self._wait_for_end(parts.health.workers, checks)
        await self._wait_for_end(parts.web, web)
        await parts.notifier.finish()
        if not self._restarting:
            await parts.alerts.finish()

    async def _wait_for_end(
        self, child: Child[Any] | Workers | WebProcess, running: asyncio.Task[None]
    ) -> None:
        await asyncio.wait([running], timeout=CHILD_STOP_SECONDS_MAX)
        if not running.done():
            self._log.error("process_does_not_stop", process=child.name)
            child.kill()
            await running

    def _withdraw_handoff(self) -> None:
        """Close the channel to a vrrp process that a restart should have kept.

        The director was stopped during the restart. When its channel ends, the vrrp process
        releases the addresses.
        """
        if self._handoff is not None:
            os.close(self._handoff.descriptor)
            self._handoff = None

    async def _withdraw(self) -> None:
        await self._parts.election.remove_static()
        await self._parts.host_reconciler.withdraw()
        try:
            await self._parts.table_reconciler.withdraw()
        except DataplaneError as error:
            self._log.error("withdraw_failed", error=str(error))
        await self._parts.announcer.remove()
