"""Gathers the facts about this host and its real servers. The diagnosis is separate and pure."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from pyroute2 import IPRoute, NetlinkError

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.doctor import echo
from hadirector.doctor.announcement import examine_announcement
from hadirector.doctor.diagnosis import container
from hadirector.doctor.diagnosis.facts import (
    CONNTRACK_COUNT,
    CONNTRACK_MAX,
    EXAMINED_MAX,
    ExaminedServer,
    Facts,
    Obstacle,
    virtual_addresses,
)
from hadirector.doctor.diagnosis.return_path import echo_requests
from hadirector.doctor.diagnosis.vip_probes import (
    direct_check,
    find_obstacle,
    needs_vip_probe,
    obstacle_sysctls,
)
from hadirector.doctor.host import Host
from hadirector.doctor.probing import probe_all, probe_through_ipvs
from hadirector.host import preflight
from hadirector.host.sysctl import files, reverse_path, rules
from hadirector.host.sysctl.reconciler import interfaces_towards_servers
from hadirector.model.configuration import Configuration
from vrrp.tracking.process_connector import ConnectorError, ProcessConnector

CONTAINER_MARKS: Final = (Path("/run/.containerenv"), Path("/.dockerenv"))
"""Files of podman and of docker."""


async def examine(
    configuration: Configuration,
    servers: Sequence[ExaminedServer],
    clients: tuple[str, ...],
    *,
    prove: bool,
) -> Facts:
    """Gather the facts. All temporary changes of the host are undone at the end.

    With ``prove``, send echo requests with the source address of clients. Raises OSError if the
    kernel does not let this process read its state.
    """
    examined = servers[:EXAMINED_MAX]
    facts = await asyncio.to_thread(_read_kernel, examined, clients)  # pyroute2 has its own loop
    interfaces = await interfaces_towards_servers(configuration, files.read_routes())
    wanted = rules.wanted_sysctls(configuration, interfaces)
    facts = replace(
        facts,
        interfaces=interfaces,
        sysctls=files.read(
            [
                *(sysctl.name for sysctl in wanted),
                *reverse_path.filters(configuration, wanted),
                *obstacle_sysctls(facts.mtus),
                *(CONNTRACK_COUNT, CONNTRACK_MAX),
                *container.secondaries_sysctls(configuration),
            ]
        ),
        preflight_faults=(
            *preflight.missing_interfaces(configuration),
            *await preflight.faults(configuration),
        ),
        prove=prove,
        omitted=len(servers) - len(examined),
        process_polling=await asyncio.to_thread(_try_process_events, configuration),
        announcement=await examine_announcement(configuration.announce),
        in_container=any(mark.exists() for mark in CONTAINER_MARKS),
        sysctls_read_only=bool(os.statvfs("/proc/sys").f_flag & os.ST_RDONLY),
    )
    if prove:
        facts = await _send_echoes(configuration, examined, facts)
    facts = await _probe_own_addresses(examined, facts)
    if configuration.dataplane != "ipvs" or facts.preflight_faults:
        return facts
    return await _probe_virtual_addresses(configuration, examined, facts)


def _try_process_events(configuration: Configuration) -> str | None:
    """Return why the kernel reports no process events, if there are tracked processes."""
    if configuration.tracked_processes:
        try:
            ProcessConnector().close()
        except ConnectorError as error:
            return str(error)
    return None


def _read_kernel(servers: Sequence[ExaminedServer], clients: tuple[str, ...]) -> Facts:
    addresses = [
        *(server.address for server in servers),
        *(virtual for server in servers for virtual in virtual_addresses(server.virtual_server)),
        *clients,
    ]
    try:
        with IPRoute() as netlink:
            host = Host(netlink)
            return Facts(
                routes=host.routes(dict.fromkeys(addresses)),
                addresses=host.addresses(),
                mtus=host.mtus,
                clients=clients,
            )
    except NetlinkError as error:
        raise OSError(error.code, str(error)) from error


async def _send_echoes(
    configuration: Configuration, servers: Sequence[ExaminedServer], facts: Facts
) -> Facts:
    requests = echo_requests(configuration, facts, servers)[: echo.ECHOES_MAX]
    try:
        replies = await echo.send_echoes(requests)
    except PermissionError:
        return facts  # a finding reports that nothing is proven, and names the capability
    return replace(facts, echo_requests=frozenset(requests), echo_replies=replies)


async def _probe_own_addresses(servers: Sequence[ExaminedServer], facts: Facts) -> Facts:
    checks = {
        server.name: direct_check(server.real_server.check)
        for server in servers
        if server.real_server.check is not None
    }
    return replace(facts, own_results=await probe_all(checks))


async def _probe_virtual_addresses(
    configuration: Configuration, servers: Sequence[ExaminedServer], facts: Facts
) -> Facts:
    candidates = [server for server in servers if needs_vip_probe(server, facts)]
    obstacles = {
        server.name: obstacle
        for server in candidates
        if (obstacle := find_obstacle(server, facts)) is not None
    }
    names = {server.name for server in candidates} - obstacles.keys()
    try:
        results = await probe_through_ipvs(configuration, names) if names else {}
    except DataplaneError as error:
        failed = Obstacle(str(error), "correct this fault of the host, and run doctor again")
        return replace(facts, obstacles=obstacles | dict.fromkeys(names, failed))
    return replace(facts, obstacles=obstacles, vip_results=results)
