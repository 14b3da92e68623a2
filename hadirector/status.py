"""What a director says about itself: one value, made from the facts of this moment."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from checks.result import Result, Verdict
from hadirector.dataplane.base import Counters, Held
from hadirector.judgement import Derivation, Judgement
from hadirector.model import (
    Configuration,
    DestinationKey,
    RealServer,
    ServiceEntry,
    Table,
    VirtualServer,
    endpoint,
)
from hadirector.sysctls import SysctlStatus
from vrrp.report import InstanceStatus


class ProcessStatus(msgspec.Struct, frozen=True):
    """A child process; ``pid`` is None while it is not running."""

    name: str
    pid: int | None
    restarts: int


class RealServerStatus(msgspec.Struct, frozen=True):
    """A real server; a weight is None where it is not in the table.

    ``decided`` says why the wanted weight is not simply what the check makes of the configured one.
    """

    address: str
    configured_weight: int
    wanted_weight: int | None
    actual_weight: int | None
    active_connections: int
    inactive_connections: int
    verdict: Verdict
    reason: str
    decided: str = ""


class VirtualServerStatus(msgspec.Struct, frozen=True):
    """A virtual server with its real servers; ``present`` tells whether the dataplane has it.

    ``quorum`` says how the pool stands to its quorum where that is lost, or more than one server.
    """

    name: str
    address: str
    protocol: str
    scheduler: str
    forwarding: str
    present: bool
    real_servers: tuple[RealServerStatus, ...]
    quorum: str = ""
    sorry_server: RealServerStatus | None = None


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
    sysctls: tuple[SysctlStatus, ...] = ()
    warnings: tuple[str, ...] = ()


def virtual_server_status(
    server: VirtualServer,
    wanted: Table,
    held: Held,
    verdicts: Mapping[str, Verdict],
    results: Mapping[str, Result],
    *,
    judgement: Judgement | None,
) -> VirtualServerStatus:
    """Put side by side what is configured, wanted and there; not judged yet it is unknown why."""
    entry, carried = wanted.get(server.key), held.get(server.key, {})
    sorry = server.sorry_server
    derivations = dict(judgement.derivations) if judgement else {}
    if sorry is not None and judgement is not None and judgement.sorry is not None:
        derivations[sorry.key] = judgement.sorry
    statuses = [
        _real_server(
            each, entry, carried, verdicts, results, derivation=derivations.get(each.key, ())
        )
        for each in server.all_servers
    ]
    return VirtualServerStatus(
        name=server.name,
        address=endpoint(server.key.address, server.key.port),
        protocol=server.key.protocol,
        scheduler=server.scheduler,
        forwarding=server.forwarding,
        present=server.key in held,
        real_servers=tuple(statuses[: len(server.real_servers)]),
        quorum=_quorum(server, judgement) if judgement else "",
        sorry_server=statuses[-1] if sorry is not None else None,
    )


def foreign_services(configuration: Configuration, held: Held) -> tuple[str, ...]:
    """Name the services in the table that are not configured."""
    ours = {server.key for server in configuration.virtual_servers}
    return tuple(str(key) for key in sorted(held.keys() - ours))


def _real_server(
    real_server: RealServer,
    wanted: ServiceEntry | None,
    held: Mapping[DestinationKey, Counters],
    verdicts: Mapping[str, Verdict],
    results: Mapping[str, Result],
    *,
    derivation: Derivation,
) -> RealServerStatus:
    destination = wanted.destinations.get(real_server.key) if wanted else None
    counters = held.get(real_server.key)
    verdict, reason = Verdict.PASSING, "not checked"
    if real_server.check is not None:
        identity = real_server.check.identity
        verdict = verdicts.get(identity, Verdict.UNKNOWN)
        result = results.get(identity)
        reason = said(result) if result else "no probe has ended yet"
    return RealServerStatus(
        address=str(real_server.key),
        configured_weight=real_server.weight,
        wanted_weight=destination.weight if destination else None,
        actual_weight=counters.weight if counters else None,
        active_connections=counters.active if counters else 0,
        inactive_connections=counters.inactive if counters else 0,
        verdict=verdict,
        reason=reason,
        decided="; ".join(step.words for step in derivation if step.words not in _PLAIN),
    )


_PLAIN = {"configured", "not checked", *Verdict}
"""What the check's own column says already."""


def _quorum(server: VirtualServer, judgement: Judgement) -> str:
    if judgement.quorum is False:
        return f"quorum lost: {judgement.passing} passing, of {server.quorum} needed"
    if server.quorum == 1 or judgement.quorum is None:
        return ""
    return f"quorum {server.quorum}: {judgement.passing} passing"


def said(result: Result) -> str:
    """Say what a probe came to."""
    said = result.detail if result.passed else f"{result.reason}: {result.detail}"
    return f"{said}; {result.warning}" if result.warning else said
