"""Sets the sysctls that the configuration needs, and compares them every 10 s."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from hadirector.host.sysctl import files, reverse_path, rules
from hadirector.host.sysctl.rules import (
    Interfaces,
    SavedValue,
    Sysctl,
    SysctlStatus,
    dotted_name,
)
from hadirector.model.configuration import Configuration
from hadirector.model.vip_probes import probed_servers


async def preview_sysctls(configuration: Configuration) -> tuple[str, ...]:
    """Describe the sysctls that a start or reload with this configuration would set."""
    wanted = await _wanted_sysctls(configuration, files.read_routes())
    actual = files.read(sysctl.name for sysctl in wanted)
    return tuple(
        f"set {dotted_name(sysctl.name)} to {sysctl.value}, was {actual[sysctl.name]}"
        f" ({sysctl.reason})"
        for sysctl in rules.changes(configuration, wanted, actual)
    )


async def interfaces_towards_servers(configuration: Configuration, routes: str) -> Interfaces:
    """Find the interfaces towards real servers, in a thread, because 40,000 servers take 50 ms."""
    servers = rules.routed_servers(configuration), probed_servers(configuration)
    towards = [
        await asyncio.to_thread(files.interfaces_towards, addresses, routes)
        for addresses in servers
    ]
    return Interfaces(*towards)


async def _wanted_sysctls(configuration: Configuration, routes: str) -> tuple[Sysctl, ...]:
    interfaces = await interfaces_towards_servers(configuration, routes)
    return rules.wanted_sysctls(configuration, interfaces)


class SysctlReconciler:
    """Sets the sysctls that the configuration needs, and restores their former values at the end.

    ``remember`` stores the former values of all parameters that the director sets. It is called
    before a parameter is set.
    """

    def __init__(
        self,
        configuration: Configuration,
        saved: Mapping[str, SavedValue],
        remember: Callable[[dict[str, SavedValue]], None],
    ) -> None:
        self.repaired = 0
        self.warnings: tuple[str, ...] = ()
        self._configuration = configuration
        self._saved = dict(saved)
        self._remember = remember
        self._wanted: tuple[Sysctl, ...] = ()
        self._routes: str | None = None
        self._settled = False
        self._in_use = asyncio.Lock()
        self._log = structlog.get_logger()

    async def configure(self, configuration: Configuration) -> None:
        """Replace the configuration.

        A sysctl that it no longer needs is restored when the director stops.
        """
        async with self._in_use:
            self._configuration = configuration
            self._routes, self._settled = None, False
        await self.reconcile()

    async def reconcile(self) -> None:
        """Set the sysctls that have other values.

        A failure causes a warning, and the next pass retries.
        """
        async with self._in_use:
            await self._refresh_wanted_sysctls()
            self._compare()
            self._settled = True

    async def _refresh_wanted_sysctls(self) -> None:
        """Decide the wanted sysctls again if the routes have changed."""
        routes = files.read_routes()
        if routes == self._routes:
            return
        self._wanted = await _wanted_sysctls(self._configuration, routes)
        self._routes = routes

    def _compare(self) -> None:
        configuration = self._configuration
        names = [sysctl.name for sysctl in self._wanted]
        actual = files.read([*names, *reverse_path.filters(configuration, self._wanted)])
        failures = []
        for sysctl in rules.changes(configuration, self._wanted, actual):
            # A change of ip_forward in this loop may have changed this parameter too.
            was = files.read([sysctl.name])[sysctl.name] or ""
            if was == sysctl.value:
                continue
            name = dotted_name(sysctl.name)
            if (error := self._set(sysctl, was)) is not None:
                failures.append(f"cannot set {name} to {sysctl.value} (it is {was}): {error}")
                continue
            # The configuration did not change, so another program changed the value.
            self.repaired += self._settled
            event = "sysctl_repaired" if self._settled else "sysctl_set"
            log = self._log.warning if self._settled else self._log.info
            log(event, name=name, value=sysctl.value, was=was, reason=sysctl.reason)
        contradicting = rules.contradictions(configuration, self._wanted, actual)
        strict = reverse_path.strict(configuration, actual, self._wanted)
        self._warn((*contradicting, *strict, *failures))

    def restore(self) -> None:
        """Restore the former values.

        A value that could not be restored is tried again by the next run.
        """
        actual = files.read(self._saved)
        remaining = {}
        for name, value in rules.restorations(self._saved, actual).items():
            try:
                files.write(name, value)
                self._log.info("sysctl_restored", name=dotted_name(name), value=value)
            except OSError as error:
                remaining[name] = self._saved[name]
                self._log.error("sysctl_not_restored", name=dotted_name(name), error=str(error))
        for name in sorted(rules.STAY_ON & self._saved.keys()):
            self._log.info("sysctl_stays", name=dotted_name(name), value=actual[name])
        self._remember(remaining)

    def statuses(self) -> tuple[SysctlStatus, ...]:
        """Return every parameter that the configuration needs, with its current value."""
        actual = files.read(sysctl.name for sysctl in self._wanted)
        return tuple(
            SysctlStatus(
                name=dotted_name(sysctl.name),
                wanted=sysctl.value,
                actual=actual[sysctl.name],
                was=self._saved[sysctl.name].was if sysctl.name in self._saved else None,
                reason=sysctl.reason,
            )
            for sysctl in self._wanted
        )

    def _set(self, sysctl: Sysctl, was: str) -> str | None:
        """Remember the former value and set the parameter; return the error if that failed."""
        try:
            if sysctl.name not in self._saved:
                saved = {**self._saved, sysctl.name: SavedValue(was=was, ours=sysctl.value)}
                self._remember(saved)
                self._saved = saved
            files.write(sysctl.name, sysctl.value)
        except OSError as error:
            return error.strerror or str(error)
        return None

    def _warn(self, warnings: tuple[str, ...]) -> None:
        for warning in warnings:
            if warning not in self.warnings:
                self._log.warning("sysctl_contradicts", warning=warning)
        self.warnings = warnings
