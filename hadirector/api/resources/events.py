"""The events of the director."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import msgspec

from hadirector.api.problems import Code, ProblemError
from hadirector.api.route import Call, Nothing, Reply
from hadirector.events.event_log import Page

FOLLOWERS_MAX: Final = 32
"""Clients that may wait for events at the same time."""
WAIT_SECONDS_MAX: Final = 25.0


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of the events. ``wait`` is in seconds."""

    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    wait: Annotated[float, msgspec.Meta(ge=0, le=WAIT_SECONDS_MAX)] = 0.0


async def read_events(call: Call[EventsQuery, Nothing]) -> Reply[Page]:
    """Answer with the events after a number.

    If there are none, wait up to ``wait`` seconds for an event.
    """
    followers, query = call.context.followers, call.query
    if query.wait and len(followers) >= FOLLOWERS_MAX:
        raise ProblemError(
            Code.FOLLOWERS,
            f"{FOLLOWERS_MAX} clients are already waiting for events",
            headers={"Retry-After": "1"},
        )
    task = asyncio.current_task()
    assert task is not None, "a handler runs in a task"
    followers.add(task)
    try:
        return Reply(await call.context.director.recorder.after(query.after, query.wait))
    finally:
        followers.discard(task)
