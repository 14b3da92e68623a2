"""A priority queue for thousands of items whose times advance by the same few intervals. Pure."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")

_Entry = tuple[float, int, T]


class TimerQueue(Generic[T]):
    """Returns the item with the earliest time first. Times may have any unit.

    Nearly all items with the same interval are added in the order of their times. They go to a
    simple queue for that interval, and only the others go to a heap. To take an item from a heap of
    thousands accesses more memory than a whole probe.
    """

    def __init__(self) -> None:
        self._queues: dict[float, deque[_Entry[T]]] = {}
        self._heap: list[_Entry[T]] = []
        self._order = count()  # breaks ties, so that the heap never compares two items

    def add(self, at: float, interval: float, item: T) -> None:
        """Add an item. Items with the same ``interval`` should mostly come in order."""
        entry = at, next(self._order), item
        queue = self._queues.get(interval)
        if queue is None:
            queue = self._queues[interval] = deque()
        if not queue or queue[-1][0] <= at:
            queue.append(entry)
        else:
            heapq.heappush(self._heap, entry)

    def next_at(self) -> float | None:
        """Return the earliest time; None if the queue is empty."""
        source = self._earliest()
        return source[0][0] if source else None

    def take(self, now: float) -> T | None:
        """Remove and return the earliest item; None if it is not due."""
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
