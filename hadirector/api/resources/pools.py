"""The overview, the virtual servers and their real servers."""

from __future__ import annotations

import secrets
from bisect import bisect_right
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web

from hadirector.api.preconditions import read_tags
from hadirector.api.problems import unknown_object
from hadirector.api.route import Call, Nothing, Reply
from hadirector.api.snapshots import Snapshot
from hadirector.status.explanation import RealServerExplanation, VirtualServerExplanation
from hadirector.status.overview import (
    Overview,
    RealServerFilter,
    VirtualServerDetail,
    VirtualServerOverview,
    instance_overview,
    selects,
    virtual_server_detail,
)
from hadirector.status.report import RealServerStatus, VirtualServerStatus
from hadirector.status.verdict import DirectorVerdict, Level

PAGE_MAX: Final = 200
"""Objects in an answer. The encoding of more objects at once would hold the director."""
AGE_HEADER: Final = "Hadirector-Age"
_EPOCH: Final = secrets.token_hex(4)
"""Differs in each run of the program, because generations start again."""

Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)]


class VirtualServersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of virtual servers: at most ``limit`` after the name ``after``.

    ``state=failing`` selects the virtual servers with a problem.
    """

    limit: Limit = PAGE_MAX
    after: str = ""
    state: Literal["ok", "degraded", "critical", "failing"] | None = None


class RealServersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of real servers: at most ``limit`` after the name ``after``."""

    limit: Limit = PAGE_MAX
    after: str = ""
    state: RealServerFilter | None = None


class VirtualServers(msgspec.Struct, frozen=True):
    """One page of virtual servers, in the order of their names.

    The query of the next page has ``next`` as ``after``. On the last page, ``next`` is None.
    """

    virtual_servers: tuple[VirtualServerOverview, ...]
    age: float
    next: str | None = None


class RealServers(msgspec.Struct, frozen=True):
    """One page of real servers, in the order of their names.

    The query of the next page has ``next`` as ``after``. On the last page, ``next`` is None.
    """

    real_servers: tuple[RealServerStatus, ...]
    age: float
    next: str | None = None


async def read_overview(call: Call[Nothing, Nothing]) -> Reply[Overview] | web.StreamResponse:
    """Answer with the overview. Without a change since If-None-Match, answer with status 304."""
    snapshot = await call.context.snapshots.current()
    tag = f"{_EPOCH}-{snapshot.generation}"
    headers = {"ETag": f'"{tag}"', AGE_HEADER: f"{snapshot.age:.3f}"}
    known = call.request.headers.get("If-None-Match", "")
    if known.strip() == "*" or (known and tag in read_tags(known)):
        return web.Response(status=304, headers=headers)
    return Reply(_overview(call, snapshot), headers=headers)


async def read_virtual_servers(
    call: Call[VirtualServersQuery, Nothing],
) -> Reply[VirtualServers]:
    """Answer with a page of virtual servers."""
    snapshot, query = await call.context.snapshots.current(), call.query
    names = sorted(snapshot.rows)
    rows = [snapshot.rows[name] for name in names[bisect_right(names, query.after) :]]
    rows = [row for row in rows if _has_state(row, query.state)]
    page = tuple(rows[: query.limit])
    more = page[-1].name if len(rows) > len(page) else None
    return Reply(VirtualServers(page, snapshot.age, more))


async def read_virtual_server(call: Call[Nothing, Nothing]) -> Reply[VirtualServerDetail]:
    """Answer with one virtual server."""
    snapshot = await call.context.snapshots.current()
    server = _find(snapshot, call.names["virtual_server"])
    problems = snapshot.problems.get(server.name, [])
    return Reply(virtual_server_detail(server, snapshot.rows[server.name], problems))


async def read_real_servers(call: Call[RealServersQuery, Nothing]) -> Reply[RealServers]:
    """Answer with a page of the real servers of a virtual server."""
    snapshot, query = await call.context.snapshots.current(), call.query
    server = _find(snapshot, call.names["virtual_server"])
    found = sorted(
        (
            member
            for member in server.real_servers
            if member.address > query.after and selects(query.state, member)
        ),
        key=lambda member: member.address,
    )
    page = tuple(found[: query.limit])
    more = page[-1].address if len(found) > len(page) else None
    return Reply(RealServers(page, snapshot.age, more))


async def read_real_server(call: Call[Nothing, Nothing]) -> Reply[RealServerStatus]:
    """Answer with one real server, as the kernel has it now."""
    return Reply((await _explain(call)).status)


async def explain_real_server(call: Call[Nothing, Nothing]) -> Reply[RealServerExplanation]:
    """Explain the weight of a real server."""
    return Reply(await _explain(call))


async def explain_virtual_server(
    call: Call[Nothing, Nothing],
) -> Reply[VirtualServerExplanation]:
    """Explain which clients a virtual server serves."""
    operator = call.context.director.operator
    async with call.context.explaining:
        return Reply(await operator.explain_virtual_server(call.names["virtual_server"]))


async def _explain(call: Call[Nothing, Nothing]) -> RealServerExplanation:
    name = f"{call.names['virtual_server']}/{call.names['real_server']}"
    async with call.context.explaining:
        return await call.context.director.operator.explain(name)


def _overview(call: Call[Nothing, Nothing], snapshot: Snapshot) -> Overview:
    status = snapshot.status
    director = call.context.director
    return Overview(
        name=status.name,
        version=status.version,
        generation=snapshot.generation,
        age=snapshot.age,
        last_event=director.recorder.event_log.last,
        verdict=status.verdict or DirectorVerdict(Level.OK, ""),
        observing=status.observing,
        blind=status.blind,
        unfit=status.unfit,
        processes=status.processes,
        instances=tuple(map(instance_overview, status.instances)),
        virtual_servers=tuple(snapshot.rows.values()),
        overrides=director.overrides.count,
    )


def _find(snapshot: Snapshot, name: str) -> VirtualServerStatus:
    for server in snapshot.status.virtual_servers:
        if server.name == name:
            return server
    raise unknown_object("virtual server", name, snapshot.rows)


def _has_state(
    row: VirtualServerOverview, state: Literal["ok", "degraded", "critical", "failing"] | None
) -> bool:
    if state == "failing":
        return row.level is not Level.OK
    return state is None or row.level.value.lower() == state
