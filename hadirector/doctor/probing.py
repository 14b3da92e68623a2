"""Asks real servers what their checks ask: by their own address, and through IPVS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial

from checks.definition.check import CheckDefinition
from checks.definition.result import Result
from checks.probes.registry import run
from hadirector.dataplane.dataplane import DataplaneError, read_table
from hadirector.dataplane.ipvs.dataplane import IpvsDataplane
from hadirector.dataplane.reconcile import DeleteService, diff
from hadirector.doctor.diagnosis.virtual import led_through_ipvs
from hadirector.doctor.knocking import knock_at
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import Table
from hadirector.model.vip_probes import probe_services

AT_ONCE = 64


async def ask(checks: Mapping[str, CheckDefinition]) -> dict[str, Result]:
    """Probe each once, so many at a time; each ends by its own deadline."""
    return await _perform({name: partial(run, check) for name, check in checks.items()})


async def _perform(probes: Mapping[str, Callable[[], Awaitable[Result]]]) -> dict[str, Result]:
    allowed = asyncio.Semaphore(AT_ONCE)

    async def one(probe: Callable[[], Awaitable[Result]]) -> Result:
        async with allowed:
            return await probe()

    async with asyncio.TaskGroup() as tasks:
        started = {name: tasks.create_task(one(probe)) for name, probe in probes.items()}
    return {name: task.result() for name, task in started.items()}


async def ask_through_ipvs(
    configuration: Configuration, names: Collection[str], sources: Mapping[str, str]
) -> dict[str, Result]:
    """Probe the named real servers by their virtual address, as far as that is possible.

    At those in ``sources`` only knock, from the address given there. Services of our own, of marks
    that no other uses, are there meanwhile. Raises DataplaneError.
    """
    dataplane = IpvsDataplane()
    try:
        led = led_through_ipvs(configuration, names, await read_table(dataplane))
        if led is None:
            raise DataplaneError("no firewall marks are free to ask through IPVS")
        checks = {
            f"{server.name}/{each.name}": each.check
            for server in led.virtual_servers
            for each in server.real_servers
            if each.check is not None
        }
        async with _services(dataplane, probe_services(led)):
            return await _perform(
                {
                    name: partial(knock_at, check, sources[name])
                    if name in sources
                    else partial(run, check)
                    for name, check in checks.items()
                }
            )
    finally:
        await dataplane.close()


@asynccontextmanager
async def _services(dataplane: IpvsDataplane, table: Table) -> AsyncIterator[None]:
    """Have services in the kernel's table for a while."""
    try:
        if failures := await dataplane.apply(diff({}, table, ())):
            raise DataplaneError(failures[0].error)
        yield
    finally:
        left = await dataplane.apply([DeleteService(key) for key in table])
        if left:
            raise DataplaneError(f"{left[0].error}: it is still there")
