"""Estimates when a drain has no connections left. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

WINDOW_SECONDS: Final = 60.0
"""The rate is the mean of this time."""
KNOWN_AFTER_SECONDS: Final = 3.0
"""An estimate needs samples over at least this time."""
SAMPLES_MAX: Final = 600


class Sample(NamedTuple):
    """The number of connections at the moment ``at``, in monotonic seconds."""

    at: float
    connections: int


class DrainEstimate:
    """Estimates from samples how fast the connections of a draining real server end.

    ``first`` is the number of connections in the first sample.
    """

    def __init__(self) -> None:
        self.first = 0
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)

    def add(self, at: float, connections: int) -> None:
        """Add a sample. Times must not decrease."""
        if not self._samples:
            self.first = connections
        self.first = max(self.first, connections)
        self._samples.append(Sample(at, connections))
        while at - self._samples[0].at > WINDOW_SECONDS:
            self._samples.popleft()

    @property
    def left(self) -> int:
        """The number of connections in the latest sample."""
        return self._samples[-1].connections if self._samples else 0

    @property
    def rate(self) -> float | None:
        """Connections that end per second, at least 0. None while that is not known."""
        if not self._samples:
            return None
        oldest, latest = self._samples[0], self._samples[-1]
        seconds = latest.at - oldest.at
        if seconds < KNOWN_AFTER_SECONDS:
            return None
        return max(0.0, (oldest.connections - latest.connections) / seconds)

    @property
    def seconds_left(self) -> float | None:
        """The time until the last connection ends at this rate. None if it is not known.

        The last connections usually live longest, so it is the shortest likely time.
        """
        if self.left == 0:
            return 0.0
        return self.left / self.rate if self.rate else None
