"""Sends events as they occur (Server-Sent Events, WHATWG HTML section 9.2).

There is no queue for a client, only a cursor into the log of events. A client that reads slowly
gets a gap in the numbers, and its connection is cut if it does not read for ten seconds.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from aiohttp import web

from hadirector.events.event_log import Page
from hadirector.events.recorder import PAGE_EVENTS_MAX, Recorder
from hadirector.events.selection import Selection

EVENT_STREAM: Final = "text/event-stream"
RETRY_MILLISECONDS: Final = 2000
HEARTBEAT_SECONDS = 15.0
WRITE_SECONDS_MAX = 10.0
_HEADERS: Final = {"Content-Type": EVENT_STREAM, "Cache-Control": "no-store"}


async def send_stream(
    request: web.BaseRequest,
    recorder: Recorder,
    cursor: int,
    selection: Selection,
    *,
    generation: int,
) -> web.StreamResponse:
    """Send the selected events after the number ``cursor`` until the client leaves.

    The first message has the generation of the overview. Raises ConnectionResetError.
    """
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    try:
        await _write(response, _greeting(generation, recorder.event_log.last))
        while True:
            cursor = await _send_next(response, recorder, cursor, selection)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the client did not read its events in time") from None


async def _send_next(
    response: web.StreamResponse, recorder: Recorder, cursor: int, selection: Selection
) -> int:
    """Send the next events, or a heartbeat if there are none; return the cursor after them."""
    log = recorder.event_log
    page = log.after(cursor, PAGE_EVENTS_MAX)
    text = b""
    if page.missed or cursor > log.last:
        text += encode_gap(page)
    text += b"".join(
        encode_event(event.number, msgspec.json.encode(event))
        for event in page.events
        if selection.includes(event.name, event.fields)
    )
    if page.last == cursor:
        await recorder.after(cursor, HEARTBEAT_SECONDS)
        if log.last == cursor:
            text = b": heartbeat\n\n"
    if text:
        await _write(response, text)
    return page.last


def encode_event(number: int, content: bytes) -> bytes:
    """Encode an event. Without the field ``event`` of SSE, one listener gets all events."""
    return b"id: %d\ndata: %s\n\n" % (number, content)


def encode_gap(page: Page) -> bytes:
    """Return the text that reports missed events; 0 means that the numbers started again."""
    first = page.events[0].number - 1 if page.events else page.last
    content = msgspec.json.encode({"missed": page.missed, "last": first})
    return b"id: %d\nevent: gap\ndata: %s\n\n" % (first, content)


def _greeting(generation: int, last: int) -> bytes:
    content = msgspec.json.encode({"generation": generation, "last": last})
    return b"retry: %d\nevent: overview\ndata: %s\n\n" % (RETRY_MILLISECONDS, content)


async def _write(response: web.StreamResponse, text: bytes) -> None:
    async with asyncio.timeout(WRITE_SECONDS_MAX):
        await response.write(text)
