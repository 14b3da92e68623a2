"""The overview of a director: a verdict, and a row for each instance and virtual server. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from checks.definition.result import Verdict
from hadirector.dataplane.dataplane import NO_TRAFFIC, Traffic
from hadirector.status.report import ProcessStatus, RealServerStatus, Status, VirtualServerStatus
from hadirector.status.verdict import SEVERITY, DirectorVerdict, Level, Problem
from vrrp.model.report import InstanceStatus, State

RealServerFilter = Literal["passing", "failing", "unknown", "serving", "out", "overridden"]
"""A state of real servers. ``serving`` get new connections, ``out`` are not in the table."""


class InstanceOverview(msgspec.Struct, frozen=True):
    """A VRRP instance. ``state_age`` is in seconds, None if it is not known."""

    instance: str
    state: State
    state_age: float | None
    priority: int
    virtual_router_id: int
    interface: str
    virtual_addresses: tuple[str, ...]
    active_router: str | None
    handing_over: bool
    yielding: bool
    fault: str | None
    alarms: tuple[str, ...]


class VirtualServerOverview(msgspec.Struct, frozen=True):
    """A virtual server.

    ``level`` is the level of its worst problem, and ``reason`` the problem. ``real_servers`` counts
    the configured real servers, ``passing`` the real servers that pass their check, ``serving`` the
    real servers that get new connections, and ``overridden`` the real servers with an override.
    ``sorry_server`` is whether the sorry server gets new connections.
    """

    name: str
    address: str
    protocol: str
    scheduler: str
    forwarding: str
    level: Level
    reason: str
    real_servers: int
    passing: int
    serving: int
    overridden: int
    sorry_server: bool
    has_quorum: bool | None
    passing_weight: int
    needed_weight: int
    active_connections: int
    inactive_connections: int
    per_second: Traffic = NO_TRAFFIC


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """A director in a short form.

    ``age`` is the time in seconds since the table of the kernel was read. ``generation`` changes
    with every change of the content besides ages. ``last_event`` is the number of the latest event.
    """

    name: str
    version: str
    generation: int
    age: float
    last_event: int
    verdict: DirectorVerdict
    observing: bool
    blind: bool
    unfit: tuple[str, ...]
    processes: tuple[ProcessStatus, ...]
    instances: tuple[InstanceOverview, ...]
    virtual_servers: tuple[VirtualServerOverview, ...]
    overrides: int


class VirtualServerDetail(VirtualServerOverview, frozen=True, kw_only=True):
    """A virtual server with its problems.

    ``held`` are failing real servers that stay in the pool, and ``outgoing`` real servers that the
    configuration no longer has. The real servers are a resource of their own.
    """

    present: bool
    quorum: str
    held: tuple[str, ...]
    unseen: tuple[str, ...]
    outgoing: tuple[str, ...]
    problems: tuple[Problem, ...]


def instance_overview(status: InstanceStatus) -> InstanceOverview:
    """Return the row of an instance."""
    return InstanceOverview(
        instance=status.instance,
        state=status.state,
        state_age=status.state_age,
        priority=status.priority,
        virtual_router_id=status.virtual_router_id,
        interface=status.interface,
        virtual_addresses=status.virtual_addresses,
        active_router=status.active_router,
        handing_over=status.handing_over,
        yielding=status.yielding,
        fault=status.fault,
        alarms=status.alarms,
    )


class MemberCounts:
    """Counts the real servers of a virtual server that are not absent, by their states.

    The caller adds one real server at a time, and can pause after each.
    """

    def __init__(self) -> None:
        self.all = 0
        self.passing = 0
        self.serving = 0
        self.overridden = 0

    def add(self, member: RealServerStatus) -> None:
        """Count a real server."""
        if member.absent:
            return
        self.all += 1
        self.passing += member.verdict is Verdict.PASSING
        self.serving += bool(member.actual_weight)
        self.overridden += member.override is not None


def virtual_server_overview(
    server: VirtualServerStatus, counts: MemberCounts, problems: Iterable[Problem]
) -> VirtualServerOverview:
    """Return the row of a virtual server. ``counts`` and ``problems`` are its own."""
    worst = max(problems, key=lambda problem: SEVERITY[problem.level], default=None)
    sorry = server.sorry_server
    return VirtualServerOverview(
        name=server.name,
        address=server.address,
        protocol=server.protocol,
        scheduler=server.scheduler,
        forwarding=server.forwarding,
        level=worst.level if worst else Level.OK,
        reason=worst.reason if worst else "",
        real_servers=counts.all,
        passing=counts.passing,
        serving=counts.serving,
        overridden=counts.overridden,
        sorry_server=sorry is not None and bool(sorry.actual_weight),
        has_quorum=server.has_quorum,
        passing_weight=server.passing_weight,
        needed_weight=server.needed_weight,
        active_connections=server.active_connections,
        inactive_connections=server.inactive_connections,
        per_second=server.per_second,
    )


def virtual_server_detail(
    server: VirtualServerStatus, row: VirtualServerOverview, problems: Sequence[Problem]
) -> VirtualServerDetail:
    """Return a virtual server with its problems."""
    return VirtualServerDetail(
        **msgspec.structs.asdict(row),
        present=server.present,
        quorum=server.quorum,
        held=server.held,
        unseen=server.unseen,
        outgoing=server.outgoing,
        problems=tuple(problems),
    )


def problems_by_object(status: Status) -> Mapping[str, list[Problem]]:
    """Return the problems of a status by their objects, the worst first."""
    found: dict[str, list[Problem]] = {}
    for problem in status.verdict.problems if status.verdict else ():
        found.setdefault(problem.object, []).append(problem)
    return found


def selects(state: RealServerFilter | None, member: RealServerStatus) -> bool:
    """Return whether a real server is in this state. None selects every real server."""
    match state:
        case None:
            return True
        case "passing" | "failing" | "unknown":
            return member.verdict.value == state
        case "serving":
            return bool(member.actual_weight)
        case "out":
            return member.actual_weight is None
        case "overridden":
            return member.override is not None
