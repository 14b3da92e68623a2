"""Who is due when, for thousands that move on by the same few paces."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")

_Entry = tuple[float, int, T]


class TimerQueue(Generic[T]):
    """Gives back what was put in, the earliest first. Times are in any one unit.

    What comes in the order of its time, as nearly everything of one pace does, is queued. Only the
    rest goes to a heap: each time one of thousands is taken from a heap, more of this host's
    memory is looked at than a whole probe needs.
    """

    def __init__(self) -> None:
        self._queues: dict[float, deque[_Entry[T]]] = {}
        self._heap: list[_Entry[T]] = []
        self._order = count()  # between equal times, so that a heap never compares what it holds

    def add(self, at: float, pace: float, what: T) -> None:
        """Put one in. ``pace`` is by what its times usually grow, of which there are few."""
        entry = at, next(self._order), what
        queue = self._queues.get(pace)
        if queue is None:
            queue = self._queues[pace] = deque()
        if not queue or queue[-1][0] <= at:
            queue.append(entry)
        else:
            heapq.heappush(self._heap, entry)

    def next_at(self) -> float | None:
        """When the earliest is due; None when there is none."""
        source = self._earliest()
        return source[0][0] if source else None

    def take(self, now: float) -> T | None:
        """Take the earliest, if it is due; None when nothing is."""
        source = self._earliest()
        if not source or source[0][0] > now:
            return None
        entry = source.popleft() if isinstance(source, deque) else heapq.heappop(source)
        return entry[2]

    def _earliest(self) -> deque[_Entry[T]] | list[_Entry[T]]:
        earliest: deque[_Entry[T]] | list[_Entry[T]] = self._heap
        for queue in self._queues.values():
            if queue and (not earliest or queue[0] < earliest[0]):
                earliest = queue
        return earliest
