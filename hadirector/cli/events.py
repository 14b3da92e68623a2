"""Show recorded events."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.api.endpoint import Endpoint
from hadirector.cli import api_socket
from hadirector.events.event_log import EVENTS_MAX, Event, Page, Value

WAIT_SECONDS: Final = 20
RETRY_SECONDS: Final = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Show recorded events, the oldest first: verdicts, weights, overrides, elections, reloads"
        " and repairs."
    )
    parser.add_argument(
        "--follow", action="store_true", help="print new events as they occur, until Ctrl-C"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument(
        "--limit", type=_count, metavar="N", help="begin with the last N events (default: all)"
    )
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the events, the oldest first. Return 1 when no director answers the first request."""
    try:
        events, last = _request_all(arguments.socket)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    first = 0 if arguments.limit is None else max(0, len(events) - arguments.limit)
    _print(events[first:], as_json=arguments.json)
    if arguments.follow:
        _follow(arguments.socket, last, as_json=arguments.json)
    return 0


def _follow(path: Endpoint, last: int, *, as_json: bool) -> None:
    """Print the events after number ``last``; wait for a director that does not answer."""
    away = False
    while True:
        try:
            page = _request_events(path, last, WAIT_SECONDS)
        except ApiError as error:
            if not away:
                _notify(f"{error}; waiting for the director")
            away = True
            time.sleep(RETRY_SECONDS)
            continue
        if away:
            _notify("the director answers again")
            away = False
        if page.last < last:
            _notify("the stored events were lost; their numbers start again")
            last = 0
            continue
        if page.missed:
            _notify(f"{page.missed} events were missed; the director no longer stores them")
        _print(page.events, as_json=as_json)
        last = page.last


def _request_all(path: Endpoint) -> tuple[list[Event], int]:
    """Request all events page by page; return them and the number of the last. Raises ApiError."""
    events: list[Event] = []
    last = 0
    while len(events) < EVENTS_MAX:
        page = _request_events(path, last, 0)
        events += page.events
        last = page.last
        if not page.events:
            break
    return events, last


def _request_events(path: Endpoint, after: int, wait: int) -> Page:
    """Request the events after a number; wait up to ``wait`` s for the first. Raises ApiError."""
    answer = request(path, "GET", f"/v1/events?after={after}&wait={wait}")
    return msgspec.json.decode(answer, type=Page)


def _print(events: Sequence[Event], *, as_json: bool) -> None:
    for event in events:
        print(msgspec.json.encode(event).decode() if as_json else line(event), flush=True)


def _notify(text: str) -> None:
    """Print a message of this command on standard error, apart from the events."""
    print(f"hadirector: {text}", file=sys.stderr, flush=True)


def line(event: Event, without: Collection[str] = ()) -> str:
    """Render an event as one line, in UTC, without the named fields."""
    at = f"{datetime.fromtimestamp(event.at, UTC):%Y-%m-%d %H:%M:%S}Z"
    fields = [f"{key}={_text(value)}" for key, value in event.fields.items() if key not in without]
    return "  ".join((at, event.name, " ".join(fields))).rstrip()


def _text(value: Value) -> str:
    """Render a value; a text with a space, a quote or '=' is put in quotation marks."""
    if isinstance(value, list):
        return f"[{','.join(value)}]"
    if value is None or isinstance(value, bool):
        return msgspec.json.encode(value).decode()
    text = str(value)
    bare = text and text.isprintable() and not any(character in text for character in ' "=')
    return text if bare else msgspec.json.encode(text).decode()


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text}: expected a number of events")
    return int(text)
