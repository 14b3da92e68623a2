"""Applies the kernel state besides the IPVS table, after each change and every 10 s."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from hadirector.host import preflight, timeouts
from hadirector.host.masquerade.reconciler import MasqueradeReconciler
from hadirector.host.owned import Memory
from hadirector.host.status import HostStatus, SyncDaemonStatus
from hadirector.host.sync_daemon.reconciler import Kernel, SyncDaemonReconciler
from hadirector.host.sync_daemon.rules import Threads, wanted_threads
from hadirector.host.sysctl.reconciler import SysctlReconciler
from hadirector.host.timeouts import TimeoutReconciler
from hadirector.model.configuration import Configuration, UnheldAddress
from hadirector.model.ipvs import ConnectionTimeouts
from vrrp.model.report import State

PASS_SECONDS = 10.0


class HostReconciler:
    """Applies and repairs the sysctls, the masquerade rules, the timeouts and the sync daemon.

    ``unheld`` are the addresses of virtual servers that this host did not have at the latest look.
    """

    def __init__(self, configuration: Configuration, memory: Memory) -> None:
        self._configuration = configuration
        self._memory = memory
        self._states: Mapping[str, State] = {}
        owned = memory.owned
        self._sysctls = SysctlReconciler(configuration, owned.sysctls, memory.remember_sysctls)
        self._sync = SyncDaemonReconciler(
            _sync_threads, owned.sync_threads, memory.remember_sync_threads
        )
        self._masquerade = MasqueradeReconciler(
            configuration, owned.masquerade, memory.remember_masquerade
        )
        self._timeouts = TimeoutReconciler(_timeouts)
        self.unheld: list[UnheldAddress] = []
        self._wake = asyncio.Event()

    @property
    def status(self) -> HostStatus:
        """The status of all reconcilers now."""
        reconcilers = (self._sysctls, self._masquerade, self._timeouts, self._sync)
        return HostStatus(
            self._sysctls.statuses(),
            SyncDaemonStatus(self._sync.running, self._sync.foreign, self._sync.missing),
            tuple(warning for reconciler in reconcilers for warning in reconciler.warnings),
            sum(reconciler.repaired for reconciler in reconcilers),
        )

    @property
    def _wanted_threads(self) -> Threads:
        if self._configuration.dataplane != "ipvs":
            return {}
        return wanted_threads(self._configuration.sync_daemon, self._states)

    @property
    def _wanted_timeouts(self) -> ConnectionTimeouts:
        ipvs = self._configuration.dataplane == "ipvs"
        return self._configuration.connection_timeouts if ipvs else ConnectionTimeouts()

    async def start(self, states: Mapping[str, State]) -> None:
        """Apply the sysctls and the masquerade rules, which forwarded connections need at once.

        ``run`` applies the timeouts and the sync daemon.
        """
        await self._sysctls.reconcile()
        await self._masquerade.reconcile()
        self._states = dict(states)
        self._find_unheld_addresses()

    async def run(self) -> None:
        """Apply and repair all settings until cancelled.

        A change of state of a VRRP instance changes the sync daemon at once. The sysctls
        and the masquerade rules are compared every 10 s.
        """
        loop = asyncio.get_running_loop()
        next_pass = loop.time() + PASS_SECONDS
        while True:
            self._wake.clear()
            await self._sync.reconcile(self._wanted_threads)
            await self._timeouts.reconcile(self._wanted_timeouts)
            if loop.time() >= next_pass:
                next_pass = loop.time() + PASS_SECONDS
                self._memory.store()
                await self._sysctls.reconcile()
                await self._masquerade.reconcile()
                self._find_unheld_addresses()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_pass):
                    await self._wake.wait()

    def follow(self, states: Mapping[str, State]) -> None:
        """Store the new states of the VRRP instances; start and stop sync threads accordingly."""
        self._states = dict(states)
        self._wake.set()

    async def configure(self, configuration: Configuration) -> None:
        """Replace the configuration."""
        self._configuration = configuration
        await self._sysctls.configure(configuration)
        await self._masquerade.configure(configuration)
        self._find_unheld_addresses()
        self._wake.set()

    async def withdraw(self) -> None:
        """Restore all changed kernel state, except that IP forwarding stays enabled."""
        await self._sync.reconcile({})
        await self._masquerade.withdraw()
        self._sysctls.restore()

    def _find_unheld_addresses(self) -> None:
        """Look the addresses up in the kernel, which a status would otherwise do each time."""
        self.unheld = preflight.unheld_addresses(self._configuration)


def _timeouts() -> timeouts.Kernel:
    """Import this only for the ipvs dataplane."""
    from hadirector.dataplane.ipvs import timeouts

    return timeouts


def _sync_threads() -> Kernel:
    """Import this only for the ipvs dataplane."""
    from hadirector.dataplane.ipvs import sync_threads

    return sync_threads
