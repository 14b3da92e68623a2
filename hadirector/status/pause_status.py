"""The pause of a director, as its status shows it. Pure."""

from __future__ import annotations

import msgspec

from hadirector.overrides.pause import Pause


class PauseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A pause in force, which ends in ``remaining`` seconds.

    Verdicts change no weight. With ``elections``, the roles of VRRP instances are frozen too.
    ``ordered_at`` is in seconds since the epoch.
    """

    actor: str
    reason: str
    elections: bool
    remaining: float
    ordered_at: float

    @property
    def description(self) -> str:
        """The pause in one line, without its remaining time."""
        effect = "verdicts change no weight"
        if self.elections:
            effect = f"{effect}, and the roles of VRRP instances are frozen"
        return f"paused by {self.actor} ({self.reason}): {effect}"


def describe_pause(pause: Pause | None, now: float) -> PauseStatus | None:
    """Return the state of a pause at ``now`` (monotonic seconds); None without a pause."""
    if pause is None:
        return None
    return PauseStatus(
        actor=pause.actor,
        reason=pause.reason,
        elections=pause.elections,
        remaining=max(0.0, pause.ends_at - now),
        ordered_at=pause.ordered_at,
    )
