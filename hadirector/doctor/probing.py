"""Runs the checks of real servers once, at their own address or through IPVS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from checks.definition.check import CheckDefinition
from checks.definition.result import Result
from checks.probes.registry import run
from hadirector.dataplane.dataplane import DataplaneError, read_table
from hadirector.dataplane.ipvs.dataplane import IpvsDataplane
from hadirector.dataplane.reconcile import DeleteService, diff
from hadirector.doctor.diagnosis.vip_probes import vip_probe_configuration
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import Table
from hadirector.model.vip_probes import probe_services

CONCURRENT_PROBES_MAX = 64


async def probe_all(checks: Mapping[str, CheckDefinition]) -> dict[str, Result]:
    """Run each check once, at most 64 at the same time, and return the results by name."""
    slots = asyncio.Semaphore(CONCURRENT_PROBES_MAX)

    async def probe(check: CheckDefinition) -> Result:
        async with slots:
            return await run(check)

    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(probe(check)) for name, check in checks.items()}
    return {name: task.result() for name, task in tasks.items()}


async def probe_through_ipvs(
    configuration: Configuration, names: Collection[str]
) -> dict[str, Result]:
    """Probe the named real servers at their virtual address, through IPVS.

    During the probes, the IPVS table has additional services for firewall marks that no other
    service uses. Raises DataplaneError.
    """
    dataplane = IpvsDataplane()
    try:
        probed = vip_probe_configuration(configuration, names, await read_table(dataplane))
        if probed is None:
            raise DataplaneError("all firewall marks for probes through IPVS are in use")
        checks = {
            f"{server.name}/{real_server.name}": real_server.check
            for server in probed.virtual_servers
            for real_server in server.real_servers
            if real_server.check is not None
        }
        async with _temporary_services(dataplane, probe_services(probed)):
            return await probe_all(checks)
    finally:
        await dataplane.close()


@asynccontextmanager
async def _temporary_services(dataplane: IpvsDataplane, table: Table) -> AsyncIterator[None]:
    """Add services to the IPVS table, and delete them at the end. Raises DataplaneError."""
    try:
        if failures := await dataplane.apply(diff({}, table, ())):
            raise DataplaneError(failures[0].error)
        yield
    finally:
        failures = await dataplane.apply([DeleteService(key) for key in table])
        if failures:
            raise DataplaneError(f"{failures[0].error}: the service is still in the IPVS table")
