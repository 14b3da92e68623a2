"""The latest events, ready to be sent to many followers. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from hadirector.events.selection import Selection

EVENTS_MAX: Final = 2000
"""Events that are kept; a follower that falls further behind gets a gap."""
BATCH_MAX: Final = 100
"""Events that are sent to a follower at once."""


class Gap(NamedTuple):
    """Events that a follower has missed. It continues after the number ``last``."""

    missed: int
    last: int


class _Event(NamedTuple):
    number: int
    name: str
    fields: Mapping[str, object]
    text: bytes


class Ring:
    """Keeps the latest events. A cursor is the number of the last event that a follower has."""

    def __init__(self) -> None:
        self.last = 0
        self._events: deque[_Event] = deque(maxlen=EVENTS_MAX)

    def add(self, number: int, name: str, fields: Mapping[str, object], content: bytes) -> None:
        """Add an event with its JSON. Numbers that do not grow begin a new sequence."""
        if number <= self.last:
            self._events.clear()
        # Without a type, a browser gives events of all names to one listener.
        text = b"id: %d\ndata: %s\n\n" % (number, content)
        self._events.append(_Event(number, name, fields, text))
        self.last = number

    def gap(self, cursor: int) -> Gap | None:
        """Return what a follower at this cursor has missed; None if it can simply continue."""
        if cursor > self.last:
            return Gap(0, self._first - 1)
        missed = self._first - 1 - cursor
        return Gap(missed, self._first - 1) if missed > 0 else None

    def after(self, cursor: int, selection: Selection) -> tuple[bytes, int]:
        """Return the selected events after the cursor as one text, and the new cursor."""
        text = []
        start = bisect_right(self._events, cursor, key=lambda event: event.number)
        for event in islice(self._events, start, start + BATCH_MAX):
            cursor = event.number
            if selection.includes(event.name, event.fields):
                text.append(event.text)
        return b"".join(text), cursor

    @property
    def _first(self) -> int:
        return self._events[0].number if self._events else self.last + 1


def encode_gap(gap: Gap) -> bytes:
    """Return the text that reports missed events to a follower."""
    content = msgspec.json.encode({"missed": gap.missed, "last": gap.last})
    return b"id: %d\nevent: gap\ndata: %s\n\n" % (gap.last, content)
