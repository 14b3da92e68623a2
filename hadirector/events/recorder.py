"""Records the events of a running director from its log lines.

The events survive a restart in ``events.json`` in the runtime directory. While there are new
events, a thread writes the file once a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import structlog

from hadirector import storage
from hadirector.events.event_log import EVENT_NAMES, Event, EventLog, Page
from hadirector.events.file_writer import FileWriter, Write
from hadirector.events.history import History
from hadirector.events.history_store import HistoryStore

FILE: Final = "events.json"
PAGE_EVENTS_MAX: Final = 100
"""The maximum number of events in an answer. It limits the memory that a client can use."""


class Events(msgspec.Struct, frozen=True):
    """The content of the file; ``last`` is the number of the latest event."""

    version: Literal[1]
    last: int
    events: tuple[Event, ...]


class Recorder:
    """A structlog processor: it records the log lines whose event is in ``EVENT_NAMES``."""

    def __init__(self) -> None:
        self.event_log = EventLog()
        self.history = History()
        self.history_store = HistoryStore(self.history)
        self._path: Path | None = None
        self._news = asyncio.Event()
        self._writer = FileWriter(self._prepare, "events_not_written", "events_written_again")
        self._log = structlog.get_logger()

    def __call__(
        self, _logger: object, _method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Record the log line if it is an event, and return it unchanged.

        This is called in the thread of the event loop.
        """
        if line["event"] in EVENT_NAMES:
            fields = {key: value for key, value in line.items() if key not in ("event", "level")}
            self.note(line["event"], **fields)
        return line

    def note(self, name: str, /, **fields: object) -> None:
        """Record an event that has no log line."""
        now = time.time()  # noqa: TID251  # for display
        self.event_log.note(now, name, fields)
        if self.history.note(now, name, fields):
            self.history_store.note_change()
        self._news.set()
        self._writer.note_change()

    async def after(self, number: int, seconds: float) -> Page:
        """Return a page of events after this number.

        Without any, wait at most ``seconds`` for the first.

        A number beyond the latest event returns no events at once.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.event_log.last == number:
                    self._news.clear()
                    await self._news.wait()
        return self.event_log.after(number, PAGE_EVENTS_MAX)

    @contextlib.asynccontextmanager
    async def persist_in(self, directory: Path) -> AsyncIterator[None]:
        """Continue from the file in this directory, and write the file during the context."""
        self._path = directory / FILE
        self._read(self._path)
        async with self._writer.write_regularly("events"):
            yield

    def _prepare(self) -> Write:
        assert self._path is not None, "persist_in sets the path first"
        return partial(storage.store_pieces, self._path, _encode(self.event_log.after(0)))

    def _read(self, path: Path) -> None:
        """Restore the events of an earlier run. An unusable file is set aside."""
        try:
            stored = storage.read(path, Events)
            if stored is not None:
                self.event_log.restore(stored.last, stored.events)
        except (storage.StateError, ValueError) as error:
            aside = storage.set_aside(path)
            self._log.error("events_unusable", error=str(error), file=str(path), kept_as=str(aside))


def add_place(
    _logger: object, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the place in the documents to the log line of a warning or an error that is an event.

    This is a structlog processor after the recorder: the name of a recorded event gives the place.
    """
    if line["event"] in EVENT_NAMES and line["level"] in ("warning", "error"):
        line["see"] = f"docs/operations.md#event-{line['event']}"
    return line


def _encode(page: Page) -> Iterator[bytes]:
    """Yield the content of the file, with a line for each event."""
    yield b'{"version":1,"last":%d,"events":[' % page.last
    for index, event in enumerate(page.events):
        yield b",\n" if index else b"\n"
        yield msgspec.json.encode(event)
    yield b"\n]}\n"
