"""What ``hadirector why`` is told: how one real server's weight comes about."""

from __future__ import annotations

import msgspec

from hadirector.events.event_log import Event
from hadirector.pools.candidate import Step
from hadirector.status.report import RealServerStatus


class Why(msgspec.Struct, frozen=True):
    """A real server's weight: ``steps`` lead to it, and ``events`` are what happened to it lately.

    ``expires_in`` and ``deadline_in`` are seconds until an order is lifted by itself, and until a
    drain ends in any case; ``keep_clients`` is what that was told of persistence. ``flaps_for`` is
    how long, in seconds, a real server that flaps still counts as such.
    """

    name: str
    steps: tuple[Step, ...]
    status: RealServerStatus
    events: tuple[Event, ...]
    expires_in: float | None = None
    deadline_in: float | None = None
    keep_clients: bool | None = None
    flaps_for: float | None = None
