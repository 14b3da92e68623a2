"""The explanations that ``hadirector why`` prints."""

from __future__ import annotations

import msgspec

from hadirector.events.event_log import Event
from hadirector.pools.candidate import Step
from hadirector.status.override_status import Knowledge
from hadirector.status.readiness import PairReadiness
from hadirector.status.report import RealServerStatus, VirtualServerStatus
from hadirector.status.takeover import Takeover
from hadirector.status.verdict import Problem
from vrrp.model.report import InstanceStatus


class RealServerExplanation(msgspec.Struct, frozen=True):
    """Why a real server has its weight: the ``steps`` of the decision, and the latest ``events``.

    Times are in seconds. ``expires_in`` is the time until its override is removed, and
    ``deadline_in`` the time until its drain ends in any case. ``keep_clients`` is whether
    persistent clients stay during the drain. ``flaps_for`` is how long a flapping real server
    still counts as flapping. ``paused`` is the pause of the director; it is empty without a pause.
    ``peers`` has for each peer whether it has the override; it is empty without a shared override.
    """

    name: str
    steps: tuple[Step, ...]
    status: RealServerStatus
    events: tuple[Event, ...]
    expires_in: float | None = None
    deadline_in: float | None = None
    keep_clients: bool | None = None
    flaps_for: float | None = None
    paused: str = ""
    peers: dict[str, Knowledge] = {}


class InstanceExplanation(msgspec.Struct, frozen=True):
    """Why a VRRP instance has its state and its priority, with its latest ``events``.

    ``unfit`` has the reasons why this director is not fit to serve. ``paused`` is the pause of the
    director; it is empty without a pause. ``pair_readiness`` is None without a pair link.
    """

    status: InstanceStatus
    unfit: tuple[str, ...]
    events: tuple[Event, ...]
    takeover: Takeover | None = None
    paused: str = ""
    pair_readiness: PairReadiness | None = None


class AddressHolder(msgspec.Struct, frozen=True):
    """A VRRP instance that has an address of a virtual server, and who is ACTIVE for it.

    ``active`` is whether this director is. ``active_router`` is the address of the active peer.
    """

    instance: str
    active: bool
    active_router: str | None = None


class VirtualServerExplanation(msgspec.Struct, frozen=True):
    """Why a virtual server serves or does not: who gets its clients, its quorum, and its brake.

    ``hysteresis`` is a weight. ``healthy_minimum`` is the number of real servers that the brake
    keeps in use, 0 without a brake.
    """

    status: VirtualServerStatus
    holders: tuple[AddressHolder, ...]
    problems: tuple[Problem, ...]
    events: tuple[Event, ...]
    hysteresis: int = 0
    healthy_minimum: int = 0
    paused: str = ""


Explanation = RealServerExplanation | VirtualServerExplanation | InstanceExplanation
