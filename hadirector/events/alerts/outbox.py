"""Groups the news for one receiver into messages, and decides when each is sent. Pure.

The outbox compares the open alerts with the alerts that the receiver knows, and a message has the
difference. So nothing waits in a queue: an alert that ends before its message is sent is part of
the same message, and a receiver that was down gets one message about the current state. Times are
in monotonic seconds, except the times of alerts and notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from hadirector.events.alerts.alert import Alert, Key, Note
from hadirector.model.alerts import Condition

GROUP_SECONDS: Final = 10.0
"""How long the first news waits for further news."""
PACE_SECONDS_MAX: Final = 600.0
"""The longest wait for news of an object that changes again and again."""
CALM_SECONDS: Final = 1200.0
"""After this time without a message about it, an object counts as calm."""
ALERTS_MAX: Final = 1000
"""Open alerts that a receiver is informed of. Further alerts are only counted."""
NOTES_MAX: Final = 200
"""Notes, and ended alerts, that wait for a message. The oldest one is dropped and counted."""
RETRY_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 600.0, 600.0)
"""The pauses between the attempts to deliver a message: 12 attempts in 39 minutes."""

Item = TypeVar("Item", Alert, Note)


class Batch(msgspec.Struct, frozen=True):
    """The content of a message.

    ``open`` counts the open alerts, and ``omitted`` the open alerts that no message names.
    ``dropped`` counts the notes and ended alerts that were lost because too many waited.
    """

    identity: str
    began: tuple[Alert, ...]
    ended: tuple[Alert, ...]
    notes: tuple[Note, ...]
    open: int
    omitted: int = 0
    dropped: int = 0


class _Pace(NamedTuple):
    messages: int
    latest: float


class Outbox:
    """The news for one receiver, and the message that is being delivered.

    ``known`` are the open alerts that the receiver has got. ``failure`` is why the latest attempt
    failed, or empty. ``delivered`` and ``lost`` count messages, and ``failed`` counts attempts.
    """

    def __init__(
        self, on: Iterable[Condition], known: Iterable[Alert] = (), notes: Iterable[Note] = ()
    ) -> None:
        self.known = {alert.key: alert for alert in known}
        self.failure = ""
        self.delivered = self.failed = self.lost = 0
        self._on = frozenset(on)
        self._open = dict(self.known)
        self._ended: dict[Key, Alert] = {}
        self._notes = {note.key: note for note in notes}
        self._paces: dict[Key, _Pace] = {}
        self._omitted = self._dropped = self._attempts = 0
        self._due: float | None = 0.0 if self._notes else None
        self._sending: Batch | None = None
        self._retry_at = 0.0

    @property
    def next_at(self) -> float | None:
        """When the next attempt is due; None without news."""
        return self._due if self._sending is None else self._retry_at

    @property
    def waiting(self) -> int:
        """The alerts and notes that the receiver has not got yet."""
        sending = self._sending
        count = 0 if sending is None else sum(map(len, (sending.began, sending.ended)))
        count += len(sending.notes) if sending is not None else 0
        began = len(self._open.keys() - self._expected.keys())
        return count + began + len(self._ended) + len(self._notes)

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes that the receiver has not got yet."""
        return (*(self._sending.notes if self._sending else ()), *self._notes.values())

    def wants(self, condition: Condition) -> bool:
        """Return whether the receiver is informed of a condition."""
        return condition in self._on

    def observe(self, alerts: Mapping[Key, Alert], now: float, at: float) -> None:
        """Note the alerts that are open now. ``at`` is the end of alerts that are missing."""
        wanted = {key: alert for key, alert in alerts.items() if key.condition in self._on}
        self._omitted = max(0, len(wanted) - ALERTS_MAX)
        if self._omitted:
            known_first = sorted(wanted.items(), key=lambda item: item[0] not in self._open)
            wanted = dict(known_first[:ALERTS_MAX])
        for key in self._open.keys() - wanted.keys():
            self._keep(self._ended, replace(self._open[key], ended_at=at))
            self._schedule(key, now)
        for key in wanted.keys() - self._open.keys():
            self._ended.pop(key, None)
            self._schedule(key, now)
        self._open = wanted

    def note(self, note: Note, now: float) -> None:
        """Add a note if the receiver wants it. Notes with the same key become one."""
        if note.condition not in self._on:
            return
        earlier = self._notes.pop(note.key, None)
        self._keep(self._notes, replace(note, count=earlier.count + 1) if earlier else note)
        self._schedule(note.key, now)

    def take(self, now: float, identity: str) -> Batch | None:
        """Return the message to deliver now, new or again; None if nothing is due.

        ``identity`` is the identity of a new message.
        """
        if self._sending is not None:
            return self._sending if now >= self._retry_at else None
        if self._due is None or now < self._due:
            return None
        self._due = None
        began = tuple(alert for key, alert in self._open.items() if key not in self.known)
        if not (began or self._ended or self._notes):
            return None
        batch = Batch(
            identity,
            began,
            tuple(self._ended.values()),
            tuple(self._notes.values()),
            len(self._open) + self._omitted,
            self._omitted,
            self._dropped,
        )
        self._count_message([*(alert.key for alert in began), *self._ended, *self._notes], now)
        self._ended, self._notes, self._dropped = {}, {}, 0
        self._sending, self._attempts = batch, 0
        return batch

    def settle(self, failure: str, now: float) -> bool:
        """Note how the attempt ended: empty, or why it failed. Return whether the message is lost.

        A lost message is not sent again. The next message has its alerts, but not its notes.
        """
        batch = self._sending
        assert batch is not None, "take returned it"
        self.failure = failure
        if not failure:
            self.known = self._expected
            self.delivered += 1
            self._sending = None
            return False
        self.failed += 1
        self._attempts += 1
        if self._attempts <= len(RETRY_SECONDS):
            self._retry_at = now + RETRY_SECONDS[self._attempts - 1]
            return False
        self.lost += 1
        self._sending = None
        for alert in batch.ended:
            if alert.key in self.known and alert.key not in self._open:
                self._keep(self._ended, alert)
        return True

    def hurry(self) -> None:
        """Make the waiting news due at once, because the director is about to stop."""
        self._retry_at = 0.0
        if self._due is not None:
            self._due = 0.0

    @property
    def _expected(self) -> dict[Key, Alert]:
        """The alerts that the receiver knows when it has got the current message."""
        if self._sending is None:
            return self.known
        ended = {alert.key for alert in self._sending.ended}
        found = {key: alert for key, alert in self.known.items() if key not in ended}
        return found | {alert.key: alert for alert in self._sending.began}

    def _keep(self, waiting: dict[Key, Item], item: Item) -> None:
        if len(waiting) >= NOTES_MAX and item.key not in waiting:
            del waiting[next(iter(waiting))]
            self._dropped += 1
        waiting[item.key] = item

    def _schedule(self, key: Key, now: float) -> None:
        pace = self._paces.get(key)
        calm = pace is None or now - pace.latest > CALM_SECONDS
        # The begin and the end of a storm are two messages about an object. A third one waits.
        doubled = 0 if pace is None or calm else max(0, pace.messages - 1)
        due = now + min(GROUP_SECONDS * 2**doubled, PACE_SECONDS_MAX)
        self._due = due if self._due is None else min(self._due, due)

    def _count_message(self, keys: Iterable[Key], now: float) -> None:
        self._paces = {
            key: pace for key, pace in self._paces.items() if now - pace.latest <= CALM_SECONDS
        }
        for key in keys:
            earlier = self._paces.get(key, _Pace(0, now))
            self._paces[key] = _Pace(earlier.messages + 1, now)
