"""The pause of the decisions of a director."""

from __future__ import annotations

import msgspec

from hadirector.api.resources.overrides import RemovalBody
from hadirector.api.route import Call, Nothing, Reply
from hadirector.api.scope import require_whole_director
from hadirector.overrides.pause import PauseRequest
from hadirector.status.pause_status import PauseStatus


class PauseState(msgspec.Struct, frozen=True):
    """The pause in force, or nothing."""

    pause: PauseStatus | None


async def read_pause(call: Call[Nothing, Nothing]) -> Reply[PauseState]:
    """Answer with the pause in force."""
    return Reply(PauseState(call.context.director.pausing.status))


async def begin_pause(call: Call[Nothing, PauseRequest]) -> Reply[PauseState]:
    """Begin a pause, or replace the current one."""
    require_whole_director(call.actor)
    return Reply(PauseState(await call.context.director.pausing.begin(call.body, call.actor.name)))


async def end_pause(call: Call[Nothing, RemovalBody]) -> Reply[PauseState]:
    """End the pause."""
    require_whole_director(call.actor)
    await call.context.director.pausing.end(call.actor.name, call.body.reason)
    return Reply(PauseState(None))
