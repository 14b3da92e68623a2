"""The state and the result of a drill, as the API returns them. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class DrillState(StrEnum):
    """The states of a drill. It has passed if no probe was lost and the addresses are back."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class DrillStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A drill that runs or has ended.

    ``taken_over_in`` is the seconds until a peer held the addresses, and ``returned_in`` the
    seconds until this director held them again. ``connections`` are the connections before the
    drill, and ``connections_at_peer`` the connections in the table of the peer after the takeover,
    None if that is not known. ``failure`` is why it has failed.
    """

    number: int
    state: DrillState
    crash: bool
    instances: tuple[str, ...]
    actor: str
    reason: str
    started_at: datetime
    seconds: float
    standby: str = ""
    taken_over_in: float | None = None
    returned_in: float | None = None
    probes_sent: int = 0
    probes_lost: int = 0
    longest_gap: float | None = None
    connections: int | None = None
    connections_at_peer: int | None = None
    connections_after: int | None = None
    failure: str = ""
