"""Keeps the rules of fullnat as the configuration wants them, whoever changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from hadirector.host.masquerade.rules import ToolName, fullnat_services
from hadirector.host.masquerade.tools import TOOLS, ToolError
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ServiceKey


async def choose(services: frozenset[ServiceKey]) -> ToolName:
    """Choose nftables where the kernel has it, else iptables. Raises ToolError if neither does."""
    refused = []
    for name, tool in TOOLS.items():
        try:
            await tool.check(services)
        except ToolError as error:
            refused.append(str(error))
        else:
            return name
    raise ToolError("; ".join(refused))


async def faults(configuration: Configuration) -> list[str]:
    """Say what fullnat lacks on this host; empty when it is not configured, or nothing lacks."""
    services = fullnat_services(configuration)
    try:
        if services:
            await choose(services)
    except ToolError as error:
        return [
            "forwarding fullnat needs nft or iptables-legacy (Debian packages nftables, iptables),"
            f" and a kernel with network address translation: {error}"
        ]
    return []


class MasqueradeReconciler:
    """Makes the rules, again when somebody else changed them, and removes them at the end.

    ``held_by`` is the tool that holds rules of ours, None when there are none; ``remember`` has
    stored another one when it returns, before the first rule is made. It may raise OSError.
    """

    def __init__(
        self,
        configuration: Configuration,
        held_by: ToolName | None,
        remember: Callable[[ToolName | None], None],
    ) -> None:
        self.repaired = 0
        self.warnings: tuple[str, ...] = ()
        self._services = fullnat_services(configuration)
        self._held_by = held_by
        self._remember = remember
        self._made: tuple[frozenset[ServiceKey], str] | None = None
        self._in_use = asyncio.Lock()
        self._log = structlog.get_logger()

    async def configure(self, configuration: Configuration) -> None:
        """Follow another configuration."""
        self._services = fullnat_services(configuration)
        await self.reconcile()

    async def reconcile(self) -> None:
        """Compare, and make anew what differs. What fails is reported, and met by the next pass."""
        async with self._in_use:
            try:
                if self._services:
                    await self._make()
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
        """Remove the rules. Connections that are under way keep their translation."""
        self._services = frozenset()
        await self.reconcile()

    async def _make(self) -> None:
        if self._held_by is None:
            name = await choose(self._services)
            self._remember(name)
            self._held_by = name
        tool = TOOLS[self._held_by]
        found = await tool.listing()
        if (self._services, found) == self._made:
            return
        await tool.make(self._services)
        listing = await tool.listing()
        repaired = self._made is not None and self._made[0] == self._services
        self.repaired += repaired
        if found != listing:
            event = "masquerade_repaired" if repaired else "masquerade_set"
            services = [str(key) for key in sorted(self._services)]
            self._log.info(event, tool=self._held_by, services=services)
        self._made = (self._services, listing)

    async def _remove(self) -> None:
        if self._held_by is None:
            return
        await TOOLS[self._held_by].remove()
        self._log.info("masquerade_removed", tool=self._held_by)
        self._made = None
        self._remember(None)
        self._held_by = None
