"""Alerts, which begin and end, and notes about events, which do not last. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from hadirector.events.event_log import Event, Value
from hadirector.model.alerts import Condition

TEXT_MAX: Final = 300
"""Characters of a reason in a message; a longer text is cut."""


class Key(NamedTuple):
    """The identity of an alert: its condition, and the object that it concerns."""

    condition: Condition
    object: str


class Alert(msgspec.Struct, frozen=True):
    """A condition that lasts. Times are in seconds since the epoch; an open alert has no end."""

    condition: Condition
    object: str
    reason: str
    began_at: float
    ended_at: float | None = None

    @property
    def key(self) -> Key:
        """The identity of the alert."""
        return Key(self.condition, self.object)


class Note(msgspec.Struct, frozen=True):
    """An event that does not last, or the latest of ``count`` equal events."""

    condition: Condition
    object: str
    reason: str
    at: float
    count: int = 1

    @property
    def key(self) -> Key:
        """The identity of the note."""
        return Key(self.condition, self.object)


_CONDITIONS: Final[Mapping[str, Condition]] = {
    "vrrp_state_changed": "failover",
    "process_died": "process_died",
    "director_started": "director_started",
    "director_stopping": "director_started",
    "handover_ordered": "handover",
    "handover_undone": "handover",
    "handover_expired": "handover",
    "handover_began": "handover",
    "handover_abandoned": "handover",
    "configuration_applied": "configuration",
    "configuration_confirmed": "configuration",
    "configuration_reloaded": "configuration",
    "configuration_undone": "configuration",
    "configuration_not_undone": "configuration",
    "reload_refused": "configuration",
    "override_set": "override",
    "override_removed": "override",
    "override_expired": "override",
    "pause_ordered": "pause",
    "pause_ended": "pause",
    "change_refused": "change_refused",
}
"""The condition of each event that becomes a note."""
_OBJECT_FIELDS: Final = ("instance", "process", "virtual_server", "name")
_ACTIVE: Final = "ACTIVE"


def note_event(event: Event) -> Note | None:
    """Return the note about an event; None if it is not for receivers.

    A change of role is a failover if the instance was or is ACTIVE.
    """
    condition = _CONDITIONS.get(event.name)
    if condition is None:
        return None
    fields = event.fields
    if condition == "failover" and _ACTIVE not in (fields.get("state"), fields.get("previous")):
        return None
    return Note(condition, _object(fields), printable(_describe(event)), event.at)


def printable(text: str) -> str:
    """Return a text of limited length without the control characters of a terminal."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= TEXT_MAX else f"{shown[: TEXT_MAX - 1]}…"


def _object(fields: Mapping[str, Value]) -> str:
    found = next((str(fields[name]) for name in _OBJECT_FIELDS if fields.get(name)), "director")
    real_server = fields.get("real_server")
    return f"{found}/{real_server}" if real_server else found


def _describe(event: Event) -> str:
    fields = event.fields
    if event.name == "vrrp_state_changed":
        return f"{fields.get('previous')} -> {fields.get('state')} ({fields.get('reason')})"
    shown = [
        f"{name}={', '.join(value) if isinstance(value, list) else value}"
        for name, value in fields.items()
        if name not in (*_OBJECT_FIELDS, "real_server") and value not in (None, "", [])
    ]
    return f"{event.name}: {'; '.join(shown)}" if shown else event.name
