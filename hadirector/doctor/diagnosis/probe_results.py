"""Decides findings from the results of probes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from checks.definition.result import Reason, Result
from hadirector.doctor.diagnosis.facts import (
    ConfigPath,
    ExaminedServer,
    Facts,
    Obstacle,
    virtual_addresses,
)
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ForwardingMethod

_LOCAL_FAULTS = frozenset({Reason.NO_ROUTE, Reason.LOCAL_ERROR})
"""Reasons that concern this host and not the real server."""


def probe_findings(
    configuration: Configuration,
    facts: Facts,
    servers: Iterable[ExaminedServer],
    place: Callable[[ConfigPath], str],
) -> Iterator[Finding]:
    """Report real servers whose check fails, or fails at the virtual address only."""
    for server in servers:
        result = facts.own_results.get(server.name)
        no_route = server.address in facts.routes and facts.routes[server.address] is None
        if result is None or no_route:
            continue  # the findings about routes report a missing route
        if not result.passed:
            yield _failing(server, result)
        else:
            yield from _vip_findings(server, facts)
    for index, virtual_server in enumerate(configuration.virtual_servers):
        results = [
            facts.own_results.get(f"{virtual_server.name}/{real_server.name}")
            for real_server in virtual_server.real_servers
        ]
        if results and all(result is not None and not result.passed for result in results):
            yield Finding(
                code="pool_fails",
                severity=Severity.ERROR,
                place=place(("virtual_servers", index)),
                what=f"{virtual_server.name}: none of its real servers passes its check",
                remedy="see the finding about each real server; then test the check itself"
                " (`hadirector probe`)",
            )


def _failing(server: ExaminedServer, result: Result) -> Finding:
    remedy = (
        "see whether the service runs and listens there, and whether a firewall drops packets from"
        " this host"
    )
    if result.reason is Reason.UNREACHABLE:
        remedy = "see whether the real server is on, has this address, and is on this segment"
    return Finding(
        code="real_server_fails",
        severity=Severity.WARNING,
        place=server.place,
        what=f"{server.name}: its check fails: {result.detail}",
        remedy=remedy,
    )


def _vip_findings(server: ExaminedServer, facts: Facts) -> Iterator[Finding]:
    [virtual, *_] = virtual_addresses(server.virtual_server) or ("",)
    result = facts.vip_results.get(server.name)
    obstacle = facts.obstacles.get(server.name)
    if result is not None and result.reason in _LOCAL_FAULTS:
        obstacle = Obstacle(result.detail, "correct this fault of the host, and run doctor again")
    if obstacle is not None:
        yield Finding(
            code="virtual_address_not_probed",
            severity=Severity.NOTE,
            place=server.place,
            what=f"{server.name}: not probed at the virtual address {virtual}: {obstacle.reason}",
            remedy=obstacle.remedy,
        )
    elif result is not None and not result.passed:
        yield _silent(server, virtual, result)


def _silent(server: ExaminedServer, virtual: str, result: Result) -> Finding:
    command = f"hadirector realserver setup {virtual}"
    if server.forwarding is ForwardingMethod.TUN:
        command += " --method tunnel"
    return Finding(
        code="virtual_address_silent",
        severity=Severity.ERROR,
        place=server.place,
        what=f"{server.name}: the real server answers on its own address, but not on the"
        " virtual address"
        f" {virtual}: {result.detail}",
        remedy=f"run `{command}` on the real server, and let its service listen on the virtual"
        " address too; a check with `via: vip` detects this fault from then on",
    )
