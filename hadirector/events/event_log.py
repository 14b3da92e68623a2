"""The list of events: numbered, in order, and limited to the latest events. Pure.

An event is a log line whose name is in ``EVENT_NAMES``, or a new reason for a weight.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

EVENTS_MAX: Final = 2000
"""Events that the log keeps; the oldest event is removed first."""
TEXT_MAX: Final = 500
"""Characters of a text in an event; a longer text is truncated."""
FIELDS_BYTES_MAX: Final = 4096
"""The maximum size of the fields of an event as JSON. The longest values are shortened."""
YEAR_10000: Final = 253402300800.0
"""Seconds since the epoch; later times cannot be shown as a date."""
NAMED_MAX: Final = 50
"""Names in a list; the event has their total count as well."""

WEIGHT_DECIDED: Final = "weight_decided"
EVENT_NAMES: Final = frozenset(
    {
        "director_started",
        "director_stopping",
        "configuration_changed",
        "reload_refused",
        "configuration_applied",
        "configuration_confirmed",
        "configuration_reloaded",
        "configuration_undone",
        "configuration_not_undone",
        "configuration_not_archived",
        "process_died",
        "checks_worker_starved",
        "checks_worker_recovered",
        "verdict_changed",
        "target_warning_raised",
        "target_warning_ended",
        WEIGHT_DECIDED,
        "server_flapping",
        "quorum_reached",
        "quorum_lost",
        "failing_servers_held",
        "failing_servers_released",
        "outgoing_servers_held",
        "outgoing_servers_released",
        "virtual_address_unheld",
        "virtual_address_unheld_over",
        "elections_delayed",
        "elections_began",
        "fitness_lost",
        "fitness_regained",
        "drill_began",
        "drill_ended",
        "drill_interrupted",
        "drill_not_ended",
        "readiness_lost",
        "readiness_regained",
        "priority_lowered",
        "priority_restored",
        "handover_began",
        "handover_abandoned",
        "owned_state_not_stored",
        "owned_state_stored",
        "blindness_began",
        "blindness_ended",
        "change_made",
        "change_refused",
        "request_refused",
        "web_port_opened",
        "web_port_not_opened",
        "web_files_refused",
        "pair_peer_reached",
        "pair_peer_lost",
        "pair_difference_found",
        "pair_difference_ended",
        "split_brain_detected",
        "split_brain_explained",
        "split_brain_ended",
        "pair_peer_refused",
        "pair_client_refused",
        "pause_ordered",
        "pause_ended",
        "override_set",
        "override_removed",
        "override_expired",
        "override_conflict_decided",
        "override_superseded",
        "overrides_not_merged",
        "peer_overrides_refused",
        "drain_ended",
        "handover_ordered",
        "handover_undone",
        "handover_expired",
        "vrrp_state_changed",
        "interface_unusable",
        "interface_usable",
        "two_active_routers",
        "two_active_routers_over",
        "clock_skew",
        "clock_skew_over",
        "clock_correction_followed",
        "learned_interval_too_long",
        "learned_interval_too_long_over",
        "contest_won",
        "authentication_failed",
        "tracked_process_changed",
        "process_events_unavailable",
        "processes_unreadable",
        "tracked_script_changed",
        "alert_receiver_failed",
        "alert_receiver_recovered",
        "alert_message_lost",
        "members_changed",
        "members_refused",
        "members_unusable",
        "members_not_stored",
        "document_refused",
        "summary_not_written",
        "summary_written_again",
        "document_not_stored",
        "source_failed",
        "source_recovered",
        "table_repaired",
        "sysctl_repaired",
        "sync_daemon_repaired",
        "timeouts_repaired",
        "masquerade_repaired",
        "announcement_changed",
        "announcement_failed",
        "announcement_hold_ended",
        "routing_engine_unreadable",
        "routing_session_established",
        "routing_session_lost",
        "static_items_not_removed",
        "address_removed",
        "route_removed",
    }
)

Value = str | int | float | bool | None | list[str]


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event. ``at`` is seconds since the epoch, for display; the number gives the order.

    ``time`` is the same moment in the form of RFC 3339, in UTC.
    """

    number: int
    at: Annotated[float, msgspec.Meta(ge=0, lt=YEAR_10000)]
    name: str
    fields: dict[str, Value]
    time: str = ""


class Page(msgspec.Struct, frozen=True):
    """The events after a number, the oldest first.

    The next request continues after the number ``last``. It is the number of the last event in
    a full page, or else of the latest event, or 0 without events. ``missed`` counts the events
    in between that were removed because the list is limited.
    """

    events: tuple[Event, ...]
    last: int
    missed: int


class EventLog:
    """Keeps the latest events. Numbers start at 1 and continue after a restart."""

    def __init__(self) -> None:
        self.last = 0
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)

    def restore(self, last: int, events: Iterable[Event]) -> None:
        """Continue with the events of an earlier run.

        Raises ValueError if they are out of order.
        """
        found = list(events)
        numbers = [0, *(event.number for event in found), last + 1]
        if any(first >= second for first, second in pairwise(numbers)):
            raise ValueError("the events are not in the order of their numbers")
        self.last = last
        self._events.extend(
            replace(event, fields=_fit(event.fields), time=format_time(event.at)) for event in found
        )

    def note(self, at: float, name: str, fields: Mapping[str, object]) -> None:
        """Add an event."""
        self.last += 1
        limited = fit_fields(fields)
        self._events.append(Event(self.last, at, name, limited, format_time(at)))

    def after(self, number: int, limit: int = EVENTS_MAX) -> Page:
        """Return the first events after this number, at most ``limit``."""
        first = self._events[0].number if self._events else self.last + 1
        found = (event for event in self._events if event.number > number)
        events = tuple(islice(found, limit))
        last = events[-1].number if len(events) == limit else self.last
        return Page(events, last, max(0, first - number - 1))

    def about(self, virtual_server: str, real_server: str) -> tuple[Event, ...]:
        """Return the events of one real server."""
        return tuple(
            event
            for event in self._events
            if event.fields.get("real_server") == real_server
            and event.fields.get("virtual_server") == virtual_server
        )

    def about_virtual_server(self, name: str) -> tuple[Event, ...]:
        """Return the events of one virtual server and its real servers."""
        return tuple(event for event in self._events if _concerns(event, name))

    def about_instance(self, instance: str) -> tuple[Event, ...]:
        """Return the events of one VRRP instance and of the fitness of the director."""
        return tuple(
            event
            for event in self._events
            if event.fields.get("instance") == instance or event.name in _FITNESS_EVENTS
        )


def _concerns(event: Event, virtual_server: str) -> bool:
    """Return whether an event names a virtual server, alone or among others."""
    several = event.fields.get("virtual_servers")
    return event.fields.get("virtual_server") == virtual_server or (
        isinstance(several, list) and virtual_server in several
    )


_FITNESS_EVENTS: Final = frozenset(
    {
        "fitness_lost",
        "fitness_regained",
        "readiness_lost",
        "readiness_regained",
        "priority_lowered",
        "priority_restored",
        "elections_delayed",
        "elections_began",
        "blindness_began",
        "blindness_ended",
    }
)


def format_time(at: float) -> str:
    """Return a time in seconds since the epoch in the form of RFC 3339, in UTC, to the ms."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def fit_fields(fields: Mapping[str, object]) -> dict[str, Value]:
    """Return the fields of an event with types that JSON has, and with a limited size."""
    return _fit({key: _limit(value) for key, value in fields.items()})


def _limit(value: object) -> Value:
    """Convert a value to a type that an event can have, and limit its size."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, tuple | list):
        return [str(item)[:TEXT_MAX] for item in value[:NAMED_MAX]]
    return str(value)[:TEXT_MAX]


def _fit(fields: dict[str, Value]) -> dict[str, Value]:
    """Halve the longest value until the fields have at most ``FIELDS_BYTES_MAX``."""
    fitting = dict(fields)
    while fitting and len(msgspec.json.encode(fitting)) > FIELDS_BYTES_MAX:
        key = max(fitting, key=lambda each: len(msgspec.json.encode(fitting[each])))
        value = fitting[key]
        if isinstance(value, str | list) and len(value) > 1:
            fitting[key] = value[: len(value) // 2]
        else:
            del fitting[key]
    return fitting
