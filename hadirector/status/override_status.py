"""The state of an override, as the API returns it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

from hadirector.overrides.model import Action, Override, fingerprint

State = Literal["draining", "drained", "disabled", "weight"]
Knowledge = Literal["known", "pending", "not_shared"]
"""Whether a peer has an override: on its disk, not yet, or never because it does not share."""


class OverrideStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An override in force.

    ``actor`` is proven. ``claimed`` is a user that the client named, and that nothing proves.
    ``state`` follows from the action and, for a drain, from its end. ``weight`` has a value with
    the action weight. ``set_at``, ``expires_at`` and ``deadline_at`` are moments in UTC.
    ``expires_in`` and ``deadline_in`` are the seconds until then. ``connections`` is the number of
    connections while the real server gets no new connections, else None. ``configured`` is whether
    the configuration has the real server. ``etag`` changes with the override. ``peers`` is empty if
    the overrides are not shared. ``source`` is the source of the document that has the override.
    """

    name: str
    virtual_server: str
    real_server: str
    action: Action
    state: State
    description: str
    actor: str
    claimed: str
    reason: str
    ticket: str
    etag: str
    configured: bool
    weight: int | None = None
    set_at: datetime | None = None
    expires_at: datetime | None = None
    expires_in: float | None = None
    deadline_at: datetime | None = None
    deadline_in: float | None = None
    keep_clients: bool | None = None
    connections: int | None = None
    ended: str = ""
    peers: dict[str, Knowledge] = {}
    source: str = ""


def override_status(
    override: Override,
    *,
    configured: bool,
    connections: int | None,
    peers: dict[str, Knowledge],
    now: float,
    utc: float,
) -> OverrideStatus:
    """Return the state of an override. ``now`` is in monotonic seconds, ``utc`` since the epoch."""

    def moment(at: float | None) -> datetime | None:
        return None if at is None else datetime.fromtimestamp(utc + at - now, UTC)

    def remaining(at: float | None) -> float | None:
        return None if at is None else max(0.0, at - now)

    return OverrideStatus(
        name=str(override.name),
        virtual_server=override.name.virtual_server,
        real_server=override.name.real_server,
        action=override.action,
        state=_state(override),
        description=override.description,
        actor=override.author,
        claimed=override.claimed,
        reason=override.reason,
        ticket=override.ticket,
        etag=fingerprint(override),
        configured=configured,
        weight=override.weight if override.action is Action.WEIGHT else None,
        set_at=moment(override.set_at),
        expires_at=moment(override.expires_at),
        expires_in=remaining(override.expires_at),
        deadline_at=moment(override.deadline),
        deadline_in=remaining(override.deadline),
        keep_clients=override.keep_clients,
        connections=connections,
        ended=override.ended,
        peers=peers,
        source=override.source,
    )


def _state(override: Override) -> State:
    match override.action:
        case Action.DRAIN:
            return "drained" if override.ended else "draining"
        case Action.DISABLE:
            return "disabled"
        case Action.WEIGHT:
            return "weight"
