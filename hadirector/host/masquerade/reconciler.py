"""Adds, repairs and removes the masquerade rules of fullnat services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from hadirector.host.masquerade.rules import Masquerades, ToolName, masquerades
from hadirector.host.masquerade.tools import TOOLS, ToolError
from hadirector.model.configuration import Configuration


async def choose_tool(services: Masquerades) -> ToolName:
    """Return nft if it works with this kernel, otherwise iptables.

    Raises ToolError if both fail.
    """
    errors = []
    for name, tool in TOOLS.items():
        try:
            await tool.check(services)
        except ToolError as error:
            errors.append(str(error))
        else:
            return name
    raise ToolError("; ".join(errors))


async def faults(configuration: Configuration) -> list[str]:
    """Return the requirements of fullnat that this host does not meet.

    The result is empty if fullnat is not configured.
    """
    services = masquerades(configuration)
    try:
        if services:
            await choose_tool(services)
    except ToolError as error:
        return [
            "forwarding fullnat needs nft or iptables-legacy (Debian packages nftables, iptables),"
            f" and a kernel with network address translation: {error}"
        ]
    return []


class MasqueradeReconciler:
    """Applies the rules, repairs them if another program changed them, and removes them at the end.

    ``tool`` is the name of the tool that has added our rules, or None. ``remember`` stores a new
    name. It is called before the first rule is added.
    """

    def __init__(
        self,
        configuration: Configuration,
        tool: ToolName | None,
        remember: Callable[[ToolName | None], None],
    ) -> None:
        self.repaired = 0
        self.warnings: tuple[str, ...] = ()
        self._services = masquerades(configuration)
        self._tool = tool
        self._remember = remember
        self._applied: tuple[Masquerades, str] | None = None
        self._in_use = asyncio.Lock()
        self._log = structlog.get_logger()

    async def configure(self, configuration: Configuration) -> None:
        """Replace the configuration."""
        self._services = masquerades(configuration)
        await self.reconcile()

    async def reconcile(self) -> None:
        """Replace the rules if they differ.

        A failure causes a warning, and the next pass retries.
        """
        async with self._in_use:
            try:
                if self._services:
                    await self._apply()
                else:
                    await self._remove()
            except (ToolError, OSError) as error:
                warnings = (f"fullnat: {error}",)
                if warnings != self.warnings:
                    self._log.error("masquerade_failed", error=str(error))
                self.warnings = warnings
            else:
                self.warnings = ()

    async def withdraw(self) -> None:
        """Remove the rules. Existing connections keep their translation."""
        self._services = {}
        await self.reconcile()

    async def _apply(self) -> None:
        if self._tool is None:
            name = await choose_tool(self._services)
            self._remember(name)
            self._tool = name
        tool = TOOLS[self._tool]
        before = await tool.list_rules()
        if (self._services, before) == self._applied:
            return
        await tool.apply(self._services)
        after = await tool.list_rules()
        repaired = self._applied is not None and self._applied[0] == self._services
        self.repaired += repaired
        if before != after:
            event = "masquerade_repaired" if repaired else "masquerade_set"
            services = [str(key) for key in sorted(self._services)]
            log = self._log.warning if repaired else self._log.info
            log(event, tool=self._tool, services=services)
        self._applied = (self._services, after)

    async def _remove(self) -> None:
        if self._tool is None:
            return
        await TOOLS[self._tool].remove()
        self._log.info("masquerade_removed", tool=self._tool)
        self._applied = None
        self._remember(None)
        self._tool = None
