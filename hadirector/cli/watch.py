"""Show a live view of the running director."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TextIO, cast

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.cli.override import duration_seconds
from hadirector.cli.terminal import PrintableStream
from hadirector.events.event_log import Page
from hadirector.status.problems import judge_director
from hadirector.status.report import Status
from hadirector.status.verdict import Level

if TYPE_CHECKING:
    from hadirector.api.endpoint import Endpoint
    from hadirector.cli.watch_view import Symbols, View
    from hadirector.events.event_log import Event

INTERVAL_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 5.0
EVENTS_KEPT: Final = 20
LINES_MAX: Final = 1000
"""Lines of a view that is printed once."""
_FRAMES_PER_SECOND: Final = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Show a live view of the running director: the verdict, VRRP instances, virtual servers,"
        " the real servers that need attention, and the latest events, until Ctrl-C. Without a"
        " terminal, print the view once, and exit with 0 if the verdict is OK."
    )
    parser.add_argument(
        "--interval",
        type=duration_seconds,
        default=INTERVAL_SECONDS,
        metavar="DURATION",
        help=f"time between two requests (default: {INTERVAL_SECONDS:g}s)",
    )
    parser.add_argument("--once", action="store_true", help="print the view once, as plain text")
    parser.add_argument(
        "--json", action="store_true", help="print the verdict as JSON, once, in one line"
    )
    api_socket.add_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the view. Return 1 if no director answers the first request.

    Without a terminal, return 1 if the verdict is not OK.
    """
    source = Source(arguments.socket)
    try:
        source.refresh()
    except ApiError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    if arguments.json or arguments.once or not is_live(os.environ):
        return _print_once(source.view(), as_json=arguments.json)
    _show(source, arguments.interval)
    return 0


def is_live(environment: Mapping[str, str]) -> bool:
    """Return whether standard output is a terminal that can show a live view."""
    return sys.stdout.isatty() and environment.get("TERM", "dumb") != "dumb"


class Source:
    """Requests the status and the events of a director, and keeps the latest answers."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._status: Status | None = None
        self._at = 0.0
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._last = 0
        self._points: dict[str, deque[int]] = {}

    def refresh(self) -> None:
        """Request everything again. Raises ApiError, and keeps the earlier answers."""
        status = msgspec.json.decode(self._request("/v1/status"), type=Status)
        page = msgspec.json.decode(self._request(f"/v1/events?after={self._last}"), type=Page)
        while page.events and page.last > self._last:
            self._last = page.last
            self._events.extend(page.events)
            page = msgspec.json.decode(self._request(f"/v1/events?after={self._last}"), type=Page)
        self._last = page.last
        with self._lock:
            self._status, self._at = status, time.monotonic()
            self._note_points(status)

    def run(self, interval: float) -> None:
        """Request everything again and again. The view shows the age of the latest answer."""
        while True:
            time.sleep(interval)
            try:
                self.refresh()
            except ApiError:
                continue

    def view(self) -> View:
        """Return the view of this moment, after the first answer."""
        from hadirector.cli.watch_view import View

        with self._lock:
            status = self._status
            assert status is not None, "refresh has succeeded"
            return View(
                status,
                status.verdict or judge_director(status),
                time.monotonic() - self._at,
                tuple(self._events),
                {name: points.copy() for name, points in self._points.items()},
            )

    def _request(self, route: str) -> bytes:
        return request(self._endpoint, "GET", route, timeout=TIMEOUT_SECONDS)

    def _note_points(self, status: Status) -> None:
        from hadirector.cli.watch_view import POINTS_MAX

        known = self._points
        self._points = {}
        for server in status.virtual_servers:
            points = known.get(server.name, deque(maxlen=POINTS_MAX))
            points.append(server.per_second.connections)
            self._points[server.name] = points


def _print_once(view: View, *, as_json: bool) -> int:
    from hadirector.cli.watch_view import view_lines

    stream = cast("TextIO", PrintableStream(sys.stdout, required=True))
    if as_json:
        print(msgspec.json.encode(view.verdict).decode(), file=stream)
    else:
        size = shutil.get_terminal_size()
        lines = view_lines(view, size.columns, LINES_MAX, _symbols())
        print("\n".join(line.text.rstrip() for line in lines), file=stream)
    stream.flush()
    return 0 if view.verdict.level is Level.OK else 1


def _symbols() -> Symbols:
    """Return the symbols that the encoding of standard output has."""
    from hadirector.cli.watch_view import ASCII, UNICODE

    try:
        "".join(UNICODE).encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def _show(source: Source, interval: float) -> None:
    """Show the view on the whole screen until Ctrl-C."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from hadirector.cli.watch_view import view_lines

    console, symbols = Console(highlight=False, markup=False), _symbols()

    def frame() -> Text:
        lines = view_lines(source.view(), console.width, console.height, symbols)
        return Text("\n", no_wrap=True, end="").join(Text(*line) for line in lines)

    threading.Thread(target=source.run, args=(interval,), daemon=True).start()
    with Live(frame(), console=console, screen=True, auto_refresh=False) as live:
        while True:
            try:
                time.sleep(1 / _FRAMES_PER_SECOND)
                live.update(frame(), refresh=True)
            except KeyboardInterrupt:
                return
