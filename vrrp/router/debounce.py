"""Delays the effect of a changed value until the change has lasted for a given time."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")


class Debounced(Generic[Value]):
    """The value in effect, and a reported value that replaces it if it lasts.

    ``value`` is None before the first report, which takes effect at once. ``deadline`` is when
    `settle` must be called, in monotonic seconds.
    """

    __slots__ = ("_pending", "deadline", "value")

    def __init__(self) -> None:
        self.value: Value | None = None
        self.deadline: float | None = None
        self._pending: Value | None = None

    def report(self, value: Value, now: float, delay: float) -> None:
        """Store a reported value. It takes effect when it has lasted ``delay`` seconds."""
        if self.value is None or delay <= 0 or value == self.value:
            self.value, self.deadline = value, None
        elif self.deadline is None or value != self._pending:
            self._pending, self.deadline = value, now + delay

    def settle(self, now: float) -> None:
        """Put the reported value into effect if it has lasted long enough."""
        if self.deadline is not None and now >= self.deadline:
            self.value, self.deadline = self._pending, None
