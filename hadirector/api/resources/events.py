"""The events of the director: in pages, with a wait for the next event, or as a stream."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec.structs import replace

from hadirector.api.problems import Code, ProblemError
from hadirector.api.resources.event_stream import EVENT_STREAM, send_stream
from hadirector.api.route import Call, Nothing, Reply
from hadirector.events.event_log import Page
from hadirector.events.selection import Selection

FOLLOWERS_MAX: Final = 32
"""Clients that may wait for events at the same time."""
WAIT_SECONDS_MAX: Final = 25.0


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of the events. ``wait`` is in seconds.

    ``object`` is VIRTUAL_SERVER, VIRTUAL_SERVER/REAL_SERVER or the name of a VRRP instance.
    ``since`` selects the events of the last seconds.
    """

    after: Annotated[int, msgspec.Meta(ge=0)] | None = None
    wait: Annotated[float, msgspec.Meta(ge=0, le=WAIT_SECONDS_MAX)] = 0.0
    object: str = ""
    name: str = ""
    since: Annotated[float, msgspec.Meta(ge=0)] | None = None


async def read_events(call: Call[EventsQuery, Nothing]) -> Reply[Page] | web.StreamResponse:
    """Answer with the events after a number.

    If there are none, wait up to ``wait`` seconds for an event. With Accept: text/event-stream,
    send the events as they occur.
    """
    query, recorder = call.query, call.context.director.recorder
    selection = Selection(query.name, query.object)
    if EVENT_STREAM in call.request.headers.get("Accept", ""):
        with _following(call):
            snapshot = await call.context.snapshots.current()
            cursor = _read_cursor(call)
            return await send_stream(
                call.request, recorder, cursor, selection, generation=snapshot.generation
            )
    with _following(call) if query.wait else contextlib.nullcontext():
        page = await recorder.after(query.after or 0, query.wait)
    return Reply(_select(page, selection, query.since))


@contextlib.contextmanager
def _following(call: Call[EventsQuery, Nothing]) -> Iterator[None]:
    """Count a client that waits for events. Raises ProblemError at the limit."""
    followers = call.context.followers
    if len(followers) >= FOLLOWERS_MAX:
        raise ProblemError(
            Code.FOLLOWERS,
            f"{FOLLOWERS_MAX} clients are already waiting for events",
            headers={"Retry-After": "1"},
        )
    task = asyncio.current_task()
    assert task is not None, "a handler runs in a task"
    followers.add(task)
    try:
        yield
    finally:
        followers.discard(task)


def _read_cursor(call: Call[EventsQuery, Nothing]) -> int:
    """Return the number of the last event that the client of a stream has."""
    received = call.request.headers.get("Last-Event-ID", "")
    if received.isascii() and received.isdigit() and len(received) < 16:
        return int(received)
    if call.query.after is not None:
        return call.query.after
    return call.context.director.recorder.event_log.last


def _select(page: Page, selection: Selection, since: float | None) -> Page:
    oldest = 0.0
    if since is not None:
        oldest = time.time() - since  # noqa: TID251  # events have dates
    events = tuple(
        event
        for event in page.events
        if event.at >= oldest and selection.includes(event.name, event.fields)
    )
    return replace(page, events=events)
