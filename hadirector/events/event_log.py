"""The events that people may ask for later: numbered, in order, and not more than some.

Pure. An event is a line of the log that is kept, or a new reason for a weight; ``KEPT`` names them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Annotated, Final

import msgspec

EVENTS_MAX: Final = 2000
"""Events that are kept; the oldest goes first."""
TEXT_MAX: Final = 500
"""Characters of a text in an event; what is longer is cut off."""
YEAR_10000: Final = 253402300800.0
"""Seconds since the epoch; dates of people end before it."""
NAMED_MAX: Final = 50
"""Names in a list; an event with a list has the count of all."""

WEIGHT_DECIDED: Final = "weight_decided"
KEPT: Final = frozenset(
    {
        "director_started",
        "director_stopping",
        "configuration_changed",
        "reload_refused",
        "process_died",
        "verdict_changed",
        WEIGHT_DECIDED,
        "server_flapping",
        "quorum_reached",
        "quorum_lost",
        "failing_servers_held",
        "failing_servers_released",
        "blindness_began",
        "blindness_ended",
        "override_set",
        "override_removed",
        "override_expired",
        "drain_ended",
        "handover_ordered",
        "handover_undone",
        "vrrp_state_changed",
        "tracked_script_changed",
        "table_repaired",
        "sysctl_repaired",
        "sync_daemon_repaired",
        "timeouts_repaired",
        "masquerade_repaired",
        "address_removed",
        "route_removed",
    }
)

Value = str | int | float | bool | None | list[str]


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event. ``at`` is seconds since the epoch, for people; the number tells the order."""

    number: int
    at: Annotated[float, msgspec.Meta(ge=0, lt=YEAR_10000)]
    name: str
    fields: dict[str, Value]


class Page(msgspec.Struct, frozen=True):
    """The events after one that is known, the oldest first.

    ``last`` is the number of the last one that happened, 0 before the first; ``missed`` counts
    those between that were dropped for want of room.
    """

    events: tuple[Event, ...]
    last: int
    missed: int


class EventLog:
    """Keeps the last events. Numbers start at 1 and go on over restarts."""

    def __init__(self) -> None:
        self.last = 0
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)

    def restore(self, last: int, events: Iterable[Event]) -> None:
        """Go on from what an earlier run has kept. Raises ValueError when that is out of order."""
        found = list(events)
        numbers = [0, *(each.number for each in found), last + 1]
        if any(one >= other for one, other in pairwise(numbers)):
            raise ValueError("the events are not in the order of their numbers")
        self.last = last
        self._events.extend(found)

    def note(self, at: float, name: str, fields: Mapping[str, object]) -> None:
        """Keep one more event."""
        self.last += 1
        plain = {key: _plain(value) for key, value in fields.items()}
        self._events.append(Event(self.last, at, name, plain))

    def after(self, number: int) -> Page:
        """Give the events after the one with this number."""
        first = self._events[0].number if self._events else self.last + 1
        events = tuple(each for each in self._events if each.number > number)
        return Page(events, self.last, max(0, first - number - 1))

    def about(self, virtual_server: str, real_server: str) -> tuple[Event, ...]:
        """Give the events of one real server."""
        return tuple(
            each
            for each in self._events
            if each.fields.get("real_server") == real_server
            and each.fields.get("virtual_server") == virtual_server
        )


def _plain(value: object) -> Value:
    """Make a value one that is kept, and not too large."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, tuple | list):
        return [str(each)[:TEXT_MAX] for each in value[:NAMED_MAX]]
    return str(value)[:TEXT_MAX]
