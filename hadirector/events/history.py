"""The history: failovers, handovers, changes of the configuration, and pauses of a director. Pure.

Each kind has its own limit. So a role that flaps does not push out the configurations, and real
servers that flap push out nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from hadirector.events.event_log import YEAR_10000, Value, fit_fields, format_time

ENTRIES_MAX: Final = 200
"""Entries of each kind. The oldest one is removed first."""


class Kind(StrEnum):
    """The kind of an entry."""

    FAILOVER = "failover"
    HANDOVER = "handover"
    CONFIGURATION = "configuration"
    PAUSE = "pause"
    DRILL = "drill"
    START = "start"


_KINDS: Final = {
    "vrrp_state_changed": Kind.FAILOVER,
    "handover_ordered": Kind.HANDOVER,
    "handover_undone": Kind.HANDOVER,
    "handover_expired": Kind.HANDOVER,
    "handover_began": Kind.HANDOVER,
    "handover_abandoned": Kind.HANDOVER,
    "configuration_applied": Kind.CONFIGURATION,
    "configuration_confirmed": Kind.CONFIGURATION,
    "configuration_undone": Kind.CONFIGURATION,
    "configuration_reloaded": Kind.CONFIGURATION,
    "pause_ordered": Kind.PAUSE,
    "pause_ended": Kind.PAUSE,
    "drill_ended": Kind.DRILL,
    "drill_interrupted": Kind.DRILL,
    "director_started": Kind.START,
}
_ACTIVE: Final = "ACTIVE"


class HistoryEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry. ``at`` is in seconds since the epoch; the number gives the order.

    ``time`` is the same moment in the form of RFC 3339, in UTC.

    The fields of a failover are the instance, its states, the reason, and for a takeover the
    ``peer`` that was ACTIVE before and the ``silence``: the seconds from its last advertisement
    until the first advertisement of this director.
    """

    number: int
    at: Annotated[float, msgspec.Meta(ge=0, lt=YEAR_10000)]
    kind: Kind
    event: str
    fields: dict[str, Value]
    time: str = ""


class History:
    """The entries, the oldest first. Numbers start at 1, and continue after a reboot."""

    def __init__(self) -> None:
        self.last = 0
        self.entries: tuple[HistoryEntry, ...] = ()

    def restore(self, last: int, entries: Iterable[HistoryEntry]) -> None:
        """Continue an earlier history. Entries of this run get the numbers after it."""
        new = self.entries
        self.entries = tuple(replace(entry, time=format_time(entry.at)) for entry in entries)
        self.last = max([last, *(entry.number for entry in self.entries)])
        for entry in new:
            self._add(entry.at, entry.kind, entry.event, entry.fields)

    def note(self, at: float, event: str, fields: Mapping[str, object]) -> bool:
        """Add an entry if the event belongs to the history; return whether it does."""
        kind = _KINDS.get(event)
        if kind is None or (kind is Kind.FAILOVER and not _concerns_active(fields)):
            return False
        self._add(at, kind, event, fit_fields(fields))
        return True

    def _add(self, at: float, kind: Kind, event: str, fields: dict[str, Value]) -> None:
        self.last += 1
        entries = (*self.entries, HistoryEntry(self.last, at, kind, event, fields, format_time(at)))
        if Counter(entry.kind for entry in entries)[kind] > ENTRIES_MAX:
            oldest = next(entry for entry in entries if entry.kind is kind)
            entries = tuple(entry for entry in entries if entry is not oldest)
        self.entries = entries


def _concerns_active(fields: Mapping[str, object]) -> bool:
    """Return whether an instance has become ACTIVE, or was ACTIVE before."""
    return _ACTIVE in (fields.get("state"), fields.get("previous"))
