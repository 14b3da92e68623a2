"""The explanation of the weight of a real server, which ``hadirector why`` prints."""

from __future__ import annotations

import msgspec

from hadirector.events.event_log import Event
from hadirector.pools.candidate import Step
from hadirector.status.report import RealServerStatus


class RealServerExplanation(msgspec.Struct, frozen=True):
    """Why a real server has its weight: the ``steps`` to it, and the latest ``events``.

    ``expires_in`` is the time until its override is removed, and ``deadline_in`` the time until its
    drain ends in any case. ``keep_clients`` is whether persistent clients stay during the drain.
    ``flaps_for`` is how long a flapping real server still counts as flapping. Times are seconds.
    """

    name: str
    steps: tuple[Step, ...]
    status: RealServerStatus
    events: tuple[Event, ...]
    expires_in: float | None = None
    deadline_in: float | None = None
    keep_clients: bool | None = None
    flaps_for: float | None = None
