"""The overrides of real servers: one by one, and in bulk by selector."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Final

import msgspec

from hadirector.api.actor import Actor, permits
from hadirector.api.preconditions import read_precondition
from hadirector.api.problems import Code, ProblemError
from hadirector.api.route import Call, Nothing, Reply
from hadirector.overrides.model import (
    Action,
    Author,
    Line,
    OverrideRequest,
    RealServerName,
    is_printable,
)
from hadirector.status.override_status import Knowledge, OverrideStatus

PAGE_MAX: Final = 200
"""Overrides in a page."""
Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class OverridesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of overrides: at most ``limit`` after the name ``after``."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = PAGE_MAX
    after: str = ""


class Overrides(msgspec.Struct, frozen=True):
    """Overrides in the order of their names. ``next`` continues as ``after``."""

    overrides: tuple[OverrideStatus, ...]
    next: str | None = None


class Removed(msgspec.Struct, frozen=True):
    """The overrides that a request has removed: real servers, and a text for each.

    ``peers`` has for each peer whether it has the removal. It is empty without shared overrides.
    """

    removed: tuple[str, ...]
    description: str
    peers: dict[str, Knowledge] = {}


class BulkRequest(OverrideRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request to set an override for every real server that the patterns select.

    ``real_server`` is an address, with or without a port. ``*`` stands for any text.
    """

    virtual_server: Pattern = "*"
    real_server: Pattern


class BulkRemoval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request to remove the overrides of all real servers that the patterns select.

    With an ``action``, only overrides with this action are removed.
    """

    virtual_server: Pattern = "*"
    real_server: Pattern
    action: Action | None = None
    reason: Line = ""

    def __post_init__(self) -> None:
        """Refuse characters that could control a terminal. Raises ValueError."""
        _check_reason(self.reason)


class RemovalQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of a removal. An override with another action than ``action`` is refused."""

    action: Action | None = None


class RemovalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a removal."""

    reason: Line = ""

    def __post_init__(self) -> None:
        """Refuse characters that could control a terminal. Raises ValueError."""
        _check_reason(self.reason)


def _check_reason(reason: str) -> None:
    if not is_printable(reason):
        raise ValueError("the reason has a character that is not printable")


async def read_overrides(call: Call[OverridesQuery, Nothing]) -> Reply[Overrides]:
    """Answer with a page of overrides."""
    query, requests = call.query, call.context.director.overrides
    async with call.context.explaining:
        found = await requests.read_page(query.after, query.limit + 1)
    page = found[: query.limit]
    return Reply(Overrides(page, page[-1].name if len(found) > len(page) else None))


async def read_override(call: Call[Nothing, Nothing]) -> Reply[OverrideStatus]:
    """Answer with the override of a real server."""
    requests = call.context.director.overrides
    async with call.context.explaining:
        status = await requests.read(requests.resolve(_full_name(call.names)))
    return _reply(status)


async def set_override(call: Call[Nothing, OverrideRequest]) -> Reply[OverrideStatus]:
    """Set the override of a real server. It replaces an older override."""
    requests = call.context.director.overrides
    name = requests.resolve(_full_name(call.names))
    _check_scope(call.actor, [name])
    precondition = read_precondition(call.request.headers)
    [status] = await requests.set([name], call.body, author(call.actor), precondition)
    return _reply(status)


async def remove_override(call: Call[RemovalQuery, RemovalBody]) -> Reply[Removed]:
    """Remove the override of a real server."""
    requests = call.context.director.overrides
    name = requests.resolve(_full_name(call.names))
    _check_scope(call.actor, [name])
    found = await requests.remove(
        [name],
        author(call.actor),
        action=call.query.action,
        reason=call.body.reason,
        precondition=read_precondition(call.request.headers),
    )
    peers = await requests.wait_for_peers()
    return Reply(Removed((str(name),), f"{name}: no longer {found[name].description}", peers))


async def set_overrides(call: Call[Nothing, BulkRequest]) -> Reply[Overrides]:
    """Set an override for every selected real server, or for none."""
    requests, body = call.context.director.overrides, call.body
    names = await requests.select(body.virtual_server, body.real_server)
    _check_scope(call.actor, names)
    return Reply(Overrides(await requests.set(names, body, author(call.actor))))


async def remove_overrides(call: Call[Nothing, BulkRemoval]) -> Reply[Removed]:
    """Remove the overrides of every selected real server, or of none."""
    requests, body = call.context.director.overrides, call.body
    names = await requests.select_overrides(body.virtual_server, body.real_server, body.action)
    _check_scope(call.actor, names)
    await requests.remove(names, author(call.actor), reason=body.reason)
    removed = tuple(map(str, names))
    description = f"removed the overrides of {', '.join(removed)}"
    return Reply(Removed(removed, description, await requests.wait_for_peers()))


def author(actor: Actor) -> Author:
    """Return the operator of a change, as the change stores it."""
    return Author(actor.name, actor.claimed)


def _full_name(names: Mapping[str, str]) -> str:
    return f"{names['virtual_server']}/{names['real_server']}"


def _check_scope(actor: Actor, names: Collection[RealServerName]) -> None:
    """Raise ProblemError if the actor may not change one of these real servers."""
    for name in names:
        if not permits(actor.only, name.virtual_server, name.real_server):
            raise ProblemError(
                Code.FORBIDDEN, f"{actor.name} may change only {', '.join(actor.only)}, not {name}"
            )


def _reply(status: OverrideStatus) -> Reply[OverrideStatus]:
    return Reply(status, headers={"ETag": f'"{status.etag}"'})
