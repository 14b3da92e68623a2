"""What flaps counts only when it has lasted."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")


class Debounced(Generic[Value]):
    """A value that counts, and perhaps another one that will, unless it is taken back.

    ``value`` is None before the first report, which counts at once. Times are monotonic seconds;
    ``deadline`` is when `settle` has something to do.
    """

    __slots__ = ("_coming", "deadline", "value")

    def __init__(self) -> None:
        self.value: Value | None = None
        self.deadline: float | None = None
        self._coming: Value | None = None

    def report(self, value: Value, now: float, delay: float) -> None:
        """Take a value in; one that differs counts when it has lasted ``delay`` seconds."""
        if self.value is None or delay <= 0 or value == self.value:
            self.value, self.deadline = value, None
        elif self.deadline is None or value != self._coming:
            self._coming, self.deadline = value, now + delay

    def settle(self, now: float) -> None:
        """Let the coming value count if its time has come."""
        if self.deadline is not None and now >= self.deadline:
            self.value, self.deadline = self._coming, None
