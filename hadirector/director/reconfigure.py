"""Replaces the configuration of a running director, and previews what that would change."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import structlog
from msgspec.structs import replace

from hadirector.config.document.errors import ConfigError
from hadirector.config.subprocess import reader
from hadirector.director.configurations.archive import ConfigurationArchive
from hadirector.director.configurations.file import ConfigurationFile, read_text
from hadirector.director.messages import ConfigurationRead, Message
from hadirector.director.observing import REFUSED, observed_configuration
from hadirector.director.parts import Parts
from hadirector.director.request_errors import RequestError
from hadirector.host import preflight
from hadirector.host.file_trust import find_exposures
from hadirector.host.sysctl import reconciler as sysctl_reconciler
from hadirector.log import choose_format
from hadirector.model.configuration import Configuration
from hadirector.reload.plan import plan
from hadirector.reload.preview import Preview, Situation, preview

SIGNAL: Final = "SIGHUP"
"""The actor of a reload that a signal requests: the kernel does not name the sender."""


class Reconfiguration:
    """Reads the configuration file again, and puts a valid configuration into the queue.

    ``changing`` is a lock that each change of the configuration holds, so that only one runs.
    """

    def __init__(
        self,
        file: ConfigurationFile,
        parts: Parts,
        put: Callable[[Message], Awaitable[None]],
        report_reload: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.file = file
        self.archive = ConfigurationArchive(
            file.path, Path(parts.configuration.state_directory), file.text
        )
        self.changing = asyncio.Lock()
        self._parts = parts
        self._put = put
        self._report_reload = report_reload
        self._reload_waits = False
        self._log = structlog.get_logger()

    @property
    def observing(self) -> bool:
        """Whether this director only observes, so that it changes nothing on the host."""
        return self._parts.configuration.observing

    async def check_file(self) -> None:
        """Raise RequestError if a director could not start with the file as it is."""
        if self._parts.configuration.observing:
            raise RequestError(REFUSED)
        try:
            configuration = await self.read(self.file.path)
        except ConfigError as error:
            raise RequestError(str(error)) from error
        faults = await self._faults(configuration)
        if faults:
            raise RequestError("\n".join(faults))

    async def reload(self, actor: str = SIGNAL) -> str:
        """Read the file again and apply it; return the changes, in one line.

        The current configuration stays if the new one is wrong, or if another one waits for its
        confirmation. Raises RequestError.
        """
        async with self.changing:
            with self._report_reload():
                return await self._reload(actor)

    async def _reload(self, actor: str) -> str:
        self._reload_waits = False
        text = await asyncio.to_thread(read_text, self.file.path)
        try:
            self._refuse_while_pending(text)
            configuration = await self.read(self.file.path, text)
            summary = await self.check(configuration)
        except (ConfigError, RequestError) as error:
            self._log.error("reload_refused", faults=str(error).splitlines())
            raise RequestError(str(error)) from error
        known = self._parts.configuration.differences
        await self.enqueue(configuration)
        if text is not None and not configuration.observing:
            await self.archive.note(text, "reload", actor)
        self._log.info("configuration_reloaded", actor=actor, changes=summary)
        self.warn_of_exposure(configuration)
        if configuration.differences != known:
            self.log_differences(configuration)
        return summary

    def _refuse_while_pending(self, text: bytes | None) -> None:
        """Raise RequestError if the file has another text than the one that is pending."""
        if (fault := self.archive.pending_fault(text)) is not None:
            raise RequestError(fault)

    async def check(self, configuration: Configuration) -> str:
        """Return the changes in one line.

        Raises RequestError if this host cannot make the change.
        """
        planned = plan(self._parts.configuration, configuration)
        if faults := [*planned.refused, *await self._faults(configuration)]:
            raise RequestError("\n".join(faults))
        return planned.summary

    async def enqueue(self, configuration: Configuration) -> None:
        """Put a checked configuration into the queue, so that the director changes to it."""
        await self._put(ConfigurationRead(configuration))

    async def _faults(self, configuration: Configuration) -> list[str]:
        """Return why this host cannot replace its configuration with another one."""
        running = self._parts.configuration
        missing = preflight.newly_missing_interfaces(running, configuration)
        return [*missing, *await preflight.faults(configuration)]

    def warn_of_exposure(self, configuration: Configuration) -> None:
        """Log a warning if other users of the host can change the configuration file."""
        for exposure in find_exposures(self.file.path, configuration):
            self._log.warning("configuration_exposed", reason=exposure)

    def log_differences(self, configuration: Configuration) -> None:
        """Log how hadirector differs in effect from keepalived or ldirectord with the same file."""
        if configuration.differences:
            count, notes = configuration.difference_count, list(configuration.differences)
            self._log.info("differences_noted", count=count, notes=notes)

    def request_reload(self, spawn: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start a reload in a task of ``spawn``. Its result is logged.

        If an earlier reload has not begun yet, no second reload is started.
        """
        if self._reload_waits:
            return
        self._reload_waits = True

        async def reload_and_log() -> None:
            with contextlib.suppress(RequestError):
                await self.reload()

        spawn(reload_and_log(), "reload")

    async def preview(self, text: bytes, file: str) -> Preview:
        """Return the changes of a reload if the file had this text. Change nothing.

        Messages call the text ``file``. Raises ConfigError and DataplaneError.
        """
        configuration = await self.read(file, text)
        faults = tuple(await self._faults(configuration))
        sysctls = await sysctl_reconciler.preview_sysctls(configuration)
        actual = await self._parts.table_reconciler.read()
        parts, facts = self._parts, self._parts.facts()
        situation = Situation(
            configuration=parts.configuration,
            # A thread reads the states while new verdicts come in. The states themselves never
            # change.
            facts=replace(facts, targets=dict(facts.targets)),
            quorums=dict(parts.pools.quorums),
            serving_since=dict(parts.pools.serving_since),
            held=parts.pools.held,
            outgoing=dict(parts.pools.outgoing),
            wanted=parts.pools.table,
            actual=actual,
            owned=parts.table_reconciler.owned,
            states=dict(parts.election.states),
            faults=faults,
            sysctls=sysctls,
        )
        return await asyncio.to_thread(preview, situation, configuration)

    async def read(self, file: str | Path, text: bytes | None = None) -> Configuration:
        """Read a file for this director.

        Raises ConfigError; RequestError if it cannot be observed.
        """
        configuration = await reader.read(file, text, options=self.file.options)
        configuration = self._parts.discovery.expand(configuration)
        current = self._parts.configuration
        if not current.observing:
            return configuration
        try:
            return observed_configuration(configuration, Path(current.runtime_directory))
        except ValueError as error:
            raise RequestError(str(error)) from error


async def change_to(parts: Parts, configuration: Configuration) -> None:
    """Replace the configuration, with pauses: each step takes some ms with 10,000 real servers."""
    planned = plan(parts.configuration, configuration)
    await asyncio.sleep(0)
    assumptions = parts.pools.assume(configuration)
    await asyncio.sleep(0)
    parts.configuration = configuration
    choose_format(configuration.log)
    parts.pools.configure(configuration)
    parts.overrides.configure(configuration)
    parts.sharing.configure(configuration)
    parts.document_overrides.configure(configuration)
    parts.health.configure(configuration, assumptions)
    await asyncio.sleep(0)
    await parts.host_reconciler.configure(configuration)
    parts.tracking.configure(configuration)
    parts.closer_look.configure(configuration)
    parts.notifier.configure(configuration)
    parts.election.configure(
        configuration.vrrp, static=configuration.static, realtime=configuration.realtime
    )
    parts.notifier.note_instances(parts.election.states, parts.election.priority)
    parts.election.track_visibility(blind=parts.health.blindness.blind)
    parts.fitness.publish()
    await parts.dataplane.withhold(parts.election.withheld)
    await asyncio.sleep(0)
    parts.decide()
    await parts.announcer.configure(None if configuration.observing else configuration.announce)
    # The workers come last, because some probes use services of the new table.
    parts.health.configure_workers()
    parts.web.configure(configuration)
    parts.alerts.configure(configuration)
    parts.change_roles(configuration.api_roles)
    structlog.get_logger().info(
        "configuration_changed",
        started=planned.started,
        stopped=planned.stopped,
        changed=planned.changed,
    )
