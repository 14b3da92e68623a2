"""Keeps the kernel parameters as the configuration implies: read, compare, set, every 10 s."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from hadirector.host.sysctl import files, reverse_path, rules
from hadirector.host.sysctl.rules import Interfaces, Sysctl, SysctlStatus, Taken, dotted_name
from hadirector.model.configuration import Configuration
from hadirector.model.vip_probes import probed_servers


async def preview_sysctls(configuration: Configuration) -> tuple[str, ...]:
    """Say what would be set for a configuration that is not in force."""
    wanted = await _implied(configuration, files.read_routes())
    actual = files.read(each.name for each in wanted)
    return tuple(
        f"set {dotted_name(each.name)} to {each.value}, was {actual[each.name]} ({each.reason})"
        for each in rules.changes(configuration, wanted, actual)
    )


async def interfaces_towards_servers(configuration: Configuration, routes: str) -> Interfaces:
    """Find the interfaces that matter, in a thread: it takes 50 ms for 40,000 servers."""
    servers = rules.routed_servers(configuration), probed_servers(configuration)
    towards = [await asyncio.to_thread(files.interfaces_towards, each, routes) for each in servers]
    return Interfaces(*towards)


async def _implied(configuration: Configuration, routes: str) -> tuple[Sysctl, ...]:
    interfaces = await interfaces_towards_servers(configuration, routes)
    return rules.wanted_sysctls(configuration, interfaces)


class SysctlReconciler:
    """Sets what is implied, and puts it back at the end.

    ``remember`` is called with what every parameter was that we have set, before it is set; it has
    stored that when it returns. It may raise OSError.
    """

    def __init__(
        self,
        configuration: Configuration,
        taken: Mapping[str, Taken],
        remember: Callable[[dict[str, Taken]], None],
    ) -> None:
        self.repaired = 0
        self.warnings: tuple[str, ...] = ()
        self._configuration = configuration
        self._taken = dict(taken)
        self._remember = remember
        self._wanted: tuple[Sysctl, ...] = ()
        self._routes: str | None = None
        self._settled = False
        self._in_use = asyncio.Lock()
        self._log = structlog.get_logger()

    async def configure(self, configuration: Configuration) -> None:
        """Follow another configuration. What it no longer implies stays until the end."""
        async with self._in_use:
            self._configuration = configuration
            self._routes, self._settled = None, False
        await self.reconcile()

    async def reconcile(self) -> None:
        """Set what differs. What cannot be set is warned of, and tried again by the next pass."""
        async with self._in_use:
            await self._imply()
            self._compare()
            self._settled = True

    async def _imply(self) -> None:
        routes = files.read_routes()
        if routes == self._routes:
            return
        self._wanted = await _implied(self._configuration, routes)
        self._routes = routes

    def _compare(self) -> None:
        configuration = self._configuration
        names = [each.name for each in self._wanted]
        actual = files.read([*names, *reverse_path.filters(configuration, self._wanted)])
        refused = []
        for each in rules.changes(configuration, self._wanted, actual):
            # A change of ip_forward may have changed this one too.
            found = files.read([each.name])[each.name] or ""
            if found == each.value:
                continue
            if (error := self._set(each, found)) is not None:
                refused.append(f"{dotted_name(each.name)} is {found}, not {each.value}: {error}")
                continue
            # The configuration is what it was: somebody else has been here.
            self.repaired += self._settled
            self._log.info(
                "sysctl_repaired" if self._settled else "sysctl_set",
                name=dotted_name(each.name),
                value=each.value,
                was=found,
                reason=each.reason,
            )
        contradicting = rules.contradictions(configuration, self._wanted, actual)
        strict = reverse_path.strict(configuration, actual, self._wanted)
        self._warn((*contradicting, *strict, *refused))

    def restore(self) -> None:
        """Put back what is still ours; what could not be put back stays remembered."""
        actual = files.read(self._taken)
        left = {}
        for name, value in rules.restorations(self._taken, actual).items():
            try:
                files.write(name, value)
                self._log.info("sysctl_restored", name=dotted_name(name), value=value)
            except OSError as error:
                left[name] = self._taken[name]
                self._log.error("sysctl_not_restored", name=dotted_name(name), error=str(error))
        for name in sorted(rules.STAY_ON & self._taken.keys()):
            self._log.info("sysctl_stays", name=dotted_name(name), value=actual[name])
        try:
            self._remember(left)
        except OSError as error:
            self._log.error("sysctls_not_stored", error=str(error))

    def statuses(self) -> tuple[SysctlStatus, ...]:
        """Describe every parameter that is implied, as it is now."""
        actual = files.read(each.name for each in self._wanted)
        return tuple(
            SysctlStatus(
                name=dotted_name(each.name),
                wanted=each.value,
                actual=actual[each.name],
                was=self._taken[each.name].was if each.name in self._taken else None,
                reason=each.reason,
            )
            for each in self._wanted
        )

    def _set(self, sysctl: Sysctl, found: str) -> str | None:
        """Remember what it was, then set it; return why that could not be done."""
        try:
            if sysctl.name not in self._taken:
                taken = {**self._taken, sysctl.name: Taken(was=found, ours=sysctl.value)}
                self._remember(taken)
                self._taken = taken
            files.write(sysctl.name, sysctl.value)
        except OSError as error:
            return error.strerror or str(error)
        return None

    def _warn(self, warnings: tuple[str, ...]) -> None:
        for each in warnings:
            if each not in self.warnings:
                self._log.warning("sysctl_contradicts", warning=each)
        self.warnings = warnings
