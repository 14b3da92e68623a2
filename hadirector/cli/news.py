"""Waits for events of a director, so that a command repeats its request only after a change."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from hadirector.api.client import ApiError, request

if TYPE_CHECKING:
    from hadirector.api.endpoint import Endpoint

PAUSE_SECONDS: Final = 0.25
"""The shortest time between two looks, however many events there are."""
_BEYOND: Final = 2**53
"""A number that no event has: the answer has the number of the latest event."""


class _Page(msgspec.Struct):
    """The part of a page of events that matters here."""

    last: int


class News:
    """Waits for the next event of a director."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._last: int | None = None

    def mark(self) -> None:
        """Let ``wait`` return at any event after this moment. Raises ApiError."""
        self._last = self._ask(_BEYOND, 0.0)

    def wait(self, seconds: float) -> None:
        """Return at the next event, and after this time at the latest.

        Without an answer of the director, pause for this time, at most for one second.
        """
        started = time.monotonic()
        try:
            if self._last is None:
                self.mark()
            assert self._last is not None, "mark sets it"
            self._last = self._ask(self._last, seconds)
        except ApiError:
            self._last = None
            time.sleep(min(seconds, 1.0))
        time.sleep(max(0.0, min(seconds, PAUSE_SECONDS) - (time.monotonic() - started)))

    def _ask(self, after: int, seconds: float) -> int:
        route = f"/v1/events?after={after}&wait={seconds:.3f}"
        return msgspec.json.decode(request(self._endpoint, "GET", route), type=_Page).last
