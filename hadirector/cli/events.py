"""Show what has happened: verdicts, weights, orders, elections, reloads, repairs."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.events.event_log import Event, Page, Value

WAIT_SECONDS: Final = 20
RETRY_SECONDS: Final = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--follow", action="store_true", help="go on, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument(
        "--limit", type=_count, metavar="N", help="begin with the last N (default: all there are)"
    )
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the events, the oldest first. Returns 1 when no director answers at first."""
    try:
        page = _ask(arguments.socket, 0, 0)
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    first = 0 if arguments.limit is None else max(0, len(page.events) - arguments.limit)
    _print(page.events[first:], as_json=arguments.json)
    if arguments.follow:
        _follow(arguments.socket, page.last, as_json=arguments.json)
    return 0


def _follow(path: str, last: int, *, as_json: bool) -> None:
    """Print what comes after the event with this number; waits for a director that is away."""
    away = False
    while True:
        try:
            page = _ask(path, last, WAIT_SECONDS)
        except ApiError as error:
            if not away:
                _say(f"{error}; waiting for it")
            away = True
            time.sleep(RETRY_SECONDS)
            continue
        if away:
            _say("the director answers again")
            away = False
        if page.last < last:
            _say("what was kept of events is gone, their numbers begin anew")
            last = 0
            continue
        if page.missed:
            _say(f"{page.missed} events came too fast to be kept")
        _print(page.events, as_json=as_json)
        last = page.last


def _ask(path: str, after: int, wait: int) -> Page:
    """Ask for the events after one. Raises ApiError."""
    answer = request(path, "GET", f"/v1/events?after={after}&wait={wait}")
    return msgspec.json.decode(answer, type=Page)


def _print(events: Sequence[Event], *, as_json: bool) -> None:
    for each in events:
        print(msgspec.json.encode(each).decode() if as_json else line(each), flush=True)


def _say(words: str) -> None:
    """Tell about ourselves, not among the events."""
    print(f"hadirector: {words}", file=sys.stderr, flush=True)


def line(event: Event, without: Collection[str] = ()) -> str:
    """Write an event for people and grep, in UTC; ``without`` are fields to leave out."""
    at = f"{datetime.fromtimestamp(event.at, UTC):%Y-%m-%d %H:%M:%S}Z"
    fields = [f"{key}={_text(value)}" for key, value in event.fields.items() if key not in without]
    return "  ".join((at, event.name, " ".join(fields))).rstrip()


def _text(value: Value) -> str:
    """Write a value; a text with a space in it gets quotation marks."""
    if isinstance(value, list):
        return f"[{','.join(value)}]"
    if value is None or isinstance(value, bool):
        return msgspec.json.encode(value).decode()
    text = str(value)
    plain = text and text.isprintable() and not any(each in text for each in ' "=')
    return text if plain else msgspec.json.encode(text).decode()


def _count(text: str) -> int:
    """Read how many."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not how many there should be (expected 0 up)")
    return int(text)
