"""The state of a handover, as the API returns it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

from hadirector.model.handover import Handover

Standby = Literal["ready", "unknown"]
"""Whether a peer is ready to take over. Without a pair link it is unknown."""


class HandoverStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A handover in force.

    ``actor`` is proven, and empty for a handover of an earlier version. ``claimed`` is a user that
    the client named, and that nothing proves. ``expires_in`` is the seconds until the handover is
    undone. ``standby`` is the state of the standby at the request, if the request asked for it.
    """

    instance: str
    actor: str
    claimed: str
    reason: str
    set_at: datetime | None = None
    expires_at: datetime | None = None
    expires_in: float | None = None
    standby: Standby | None = None


def handover_status(instance: str, handover: Handover, *, now: float, utc: float) -> HandoverStatus:
    """Return the state of a handover. ``now`` is in monotonic seconds, ``utc`` since the epoch."""

    def moment(at: float | None) -> datetime | None:
        return None if at is None else datetime.fromtimestamp(utc + at - now, UTC)

    expires_at = handover.expires_at
    return HandoverStatus(
        instance=instance,
        actor=handover.author,
        claimed=handover.claimed,
        reason=handover.reason,
        set_at=moment(handover.set_at),
        expires_at=moment(expires_at),
        expires_in=None if expires_at is None else max(0.0, expires_at - now),
    )
