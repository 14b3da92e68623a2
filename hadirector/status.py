"""What a director says about itself: one value, made from the facts of this moment."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from checks.result import Result, Verdict
from hadirector.model import Configuration, RealServer, ServiceEntry, Table, endpoint
from vrrp.report import InstanceStatus


class ProcessStatus(msgspec.Struct, frozen=True):
    """A child process; ``pid`` is None while it is not running."""

    name: str
    pid: int | None
    restarts: int


class RealServerStatus(msgspec.Struct, frozen=True):
    """A real server; a weight is None where it is not in the table."""

    address: str
    configured_weight: int
    wanted_weight: int | None
    actual_weight: int | None
    verdict: Verdict
    reason: str


class VirtualServerStatus(msgspec.Struct, frozen=True):
    """A virtual server with its real servers; ``present`` tells whether the dataplane has it."""

    name: str
    address: str
    protocol: str
    scheduler: str
    forwarding: str
    present: bool
    real_servers: tuple[RealServerStatus, ...]


class Status(msgspec.Struct, frozen=True):
    """The whole director. ``failing`` maps an operation that did not take to the error."""

    name: str
    version: str
    pid: int
    dataplane: str
    processes: tuple[ProcessStatus, ...]
    instances: tuple[InstanceStatus, ...]
    virtual_servers: tuple[VirtualServerStatus, ...]
    foreign_services: tuple[str, ...]
    failing: dict[str, str]
    repaired: int
    probes: int


def virtual_server_statuses(
    configuration: Configuration,
    wanted: Table,
    actual: Table,
    verdicts: Mapping[str, Verdict],
    results: Mapping[str, Result],
) -> tuple[VirtualServerStatus, ...]:
    """Put side by side what is configured, wanted and there."""
    return tuple(
        VirtualServerStatus(
            name=server.name,
            address=endpoint(server.key.address, server.key.port),
            protocol=server.key.protocol,
            scheduler=server.scheduler,
            forwarding=server.forwarding,
            present=server.key in actual,
            real_servers=tuple(
                _real_server(
                    real_server,
                    wanted.get(server.key),
                    actual.get(server.key),
                    verdicts,
                    results,
                )
                for real_server in server.real_servers
            ),
        )
        for server in configuration.virtual_servers
    )


def foreign_services(configuration: Configuration, actual: Table) -> tuple[str, ...]:
    """Name the services in the table that are not configured."""
    ours = {server.key for server in configuration.virtual_servers}
    return tuple(str(key) for key in sorted(actual.keys() - ours))


def _real_server(
    real_server: RealServer,
    wanted: ServiceEntry | None,
    actual: ServiceEntry | None,
    verdicts: Mapping[str, Verdict],
    results: Mapping[str, Result],
) -> RealServerStatus:
    verdict, reason = Verdict.PASSING, "not checked"
    if real_server.check is not None:
        identity = real_server.check.identity
        verdict = verdicts.get(identity, Verdict.UNKNOWN)
        result = results.get(identity)
        reason = _said(result) if result else "no probe has ended yet"
    return RealServerStatus(
        address=str(real_server.key),
        configured_weight=real_server.weight,
        wanted_weight=_weight(wanted, real_server),
        actual_weight=_weight(actual, real_server),
        verdict=verdict,
        reason=reason,
    )


def _said(result: Result) -> str:
    return result.detail if result.passed else f"{result.reason}: {result.detail}"


def _weight(entry: ServiceEntry | None, real_server: RealServer) -> int | None:
    destination = entry.destinations.get(real_server.key) if entry else None
    return destination.weight if destination else None
