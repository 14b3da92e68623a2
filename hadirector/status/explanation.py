"""The explanations that ``hadirector why`` prints: of a real server, and of a VRRP instance."""

from __future__ import annotations

import msgspec

from hadirector.events.event_log import Event
from hadirector.pools.candidate import Step
from hadirector.status.report import RealServerStatus
from vrrp.model.report import InstanceStatus


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


class InstanceExplanation(msgspec.Struct, frozen=True):
    """Why a VRRP instance has its state and its priority, with its latest ``events``.

    ``unfit`` has the reasons why this director is not fit to serve.
    """

    status: InstanceStatus
    unfit: tuple[str, ...]
    events: tuple[Event, ...]
