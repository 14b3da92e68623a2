"""A priority queue for thousands of items whose times advance by the same few intervals. Pure."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")

_Entry = tuple[float, int, T]


class TimerQueue(Generic[T]):
    """A priority queue: `take` returns the item with the earliest time. Times may have any unit.

    Nearly all items with the same interval are added in the order of their times, so they go to
    a first-in first-out queue for that interval. Only the other items go to a heap. Taking an
    item from a heap of thousands accesses more memory than a whole probe does.
    """

    def __init__(self) -> None:
        self._queues: dict[float, deque[_Entry[T]]] = {}
        self._heap: list[_Entry[T]] = []
        self._order = count()  # breaks ties, so that the heap never compares two items

    def add(self, at: float, interval: float, item: T) -> None:
        """Add an item.

        It is fast if items with the same ``interval`` come in the order of their times.
        """
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
        """Remove and return the earliest item if its time has come by ``now``; else return None."""
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
