"""A state that counts only when it has lasted for some time. Pure."""

from __future__ import annotations


class LastingState:
    """Whether an object is up, with a delay for each direction. Times are in seconds."""

    def __init__(self, up_delay: float, down_delay: float) -> None:
        self.up: bool | None = None
        self._up_delay = up_delay
        self._down_delay = down_delay
        self._since: float | None = None

    def observe(self, *, up: bool, now: float) -> bool:
        """Record the current state. Return whether the state that counts has changed.

        The first state counts at once. A change back within the delay cancels the change.
        """
        if up == self.up:
            self._since = None
            return False
        if self.up is not None:
            self._since = now if self._since is None else self._since
            if now < self._since + self._delay(up=up):
                return False
        self.up = up
        self._since = None
        return True

    @property
    def due(self) -> float | None:
        """When a change that lasts will count; None if there is no change."""
        if self._since is None:
            return None
        return self._since + self._delay(up=not self.up)

    def _delay(self, *, up: bool) -> float:
        return self._up_delay if up else self._down_delay
