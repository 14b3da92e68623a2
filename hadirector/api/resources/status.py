"""The status of the director, and its metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from aiohttp import web
from msgspec.structs import replace

from hadirector.api.exchange import send
from hadirector.api.problems import unknown_object
from hadirector.api.route import JSON, Call, Nothing, Reply
from hadirector.status.report import Status
from hadirector.status.summary import DirectorSummary

if TYPE_CHECKING:
    from hadirector.status.scrape import Scrape


class StatusQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of the status. With a virtual server, the answer has no other virtual server."""

    virtual_server: str | None = None


_SCOPE: Final = "(director|vrrp|virtual_servers|real_servers|keepalived_exporter)"
Scopes = Annotated[str, msgspec.Meta(pattern=f"^({_SCOPE}(,{_SCOPE})*)?$")]
"""The names in `hadirector.status.metrics`, whose first import takes too long for this loop."""


class MetricsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of the metrics: some of their scopes, separated by commas."""

    scope: Scopes = ""


async def read_status(call: Call[StatusQuery, Nothing]) -> Reply[Status] | web.StreamResponse:
    """Answer with the whole status, or with the part about one virtual server."""
    if call.query.virtual_server is not None:
        return Reply(await _read_part(call, call.query.virtual_server))
    async with call.context.statuses.answer() as body:
        call.context.connections.note_sending(call.request)
        return await send(call.request, body, {"Content-Type": JSON})


async def _read_part(call: Call[StatusQuery, Nothing], name: str) -> Status:
    """Return the latest status, which is at most some seconds old, with one virtual server."""
    status = (await call.context.snapshots.current()).status
    found = tuple(server for server in status.virtual_servers if server.name == name)
    if not found:
        names = [server.name for server in status.virtual_servers]
        raise unknown_object("virtual server", name, names)
    return replace(status, virtual_servers=found)


async def read_summary(call: Call[Nothing, Nothing]) -> Reply[DirectorSummary]:
    """Answer with the summary of the latest status, which is at most some seconds old."""
    snapshot = await call.context.snapshots.current()
    return Reply(await call.context.director.operator.summary(snapshot.status))


def _read_scrape(scope: str, accept: str) -> Scrape:
    """Return the parameters. The first call imports a library, so use a thread."""
    from hadirector.status.scrape import read_scrape

    return read_scrape(scope, accept)


async def read_metrics(call: Call[MetricsQuery, Nothing]) -> web.StreamResponse:
    """Answer with the metrics."""
    accept = call.request.headers.get("Accept", "")
    scrape = await asyncio.to_thread(_read_scrape, call.query.scope, accept)
    async with call.context.metrics(scrape).answer() as body:
        call.context.connections.note_sending(call.request)
        return await send(call.request, body, {"Content-Type": scrape.content_type})
