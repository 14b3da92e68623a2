"""A pause: an operator stops the decisions of this director for a limited time. Pure.

In memory its end is in monotonic seconds. The file has the moment of its writing on both clocks,
because monotonic time starts again at every boot.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from hadirector.overrides.expiry import STEP_SECONDS, Moment
from hadirector.overrides.model import DAY_SECONDS, NOT_BLANK, is_printable

PAUSE_SECONDS_MAX: Final = DAY_SECONDS
Reason = Annotated[
    str, msgspec.Meta(min_length=1, max_length=200, extra_json_schema={"pattern": NOT_BLANK})
]
PauseSeconds = Annotated[float, msgspec.Meta(gt=0, le=PAUSE_SECONDS_MAX)]


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A pause in force: verdicts change no weight. With ``elections``, roles are frozen too.

    ``ends_at`` is in monotonic seconds, and ``ordered_at`` in seconds since the epoch.
    """

    actor: str
    reason: str
    elections: bool
    ends_at: float
    ordered_at: float

    @property
    def description(self) -> str:
        """The scope, the actor and the reason. The text has no times, so it never changes."""
        scope = "verdicts and elections" if self.elections else "verdicts"
        return f"{scope} paused by {self.actor}: {self.reason}"


class PauseRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request for a pause of ``expires_in`` seconds. A new pause replaces the current one."""

    reason: Reason
    expires_in: PauseSeconds
    elections: bool = False

    def __post_init__(self) -> None:
        """Refuse characters that could control a terminal. Raises ValueError."""
        if not (is_printable(self.reason) and self.reason.strip()):
            raise ValueError("the reason is empty, or has a character that is not printable")

    def pause(self, actor: str, now: Moment) -> Pause:
        """Return the pause that begins now."""
        return Pause(
            actor=actor,
            reason=self.reason,
            elections=self.elections,
            ends_at=now.monotonic + self.expires_in,
            ordered_at=now.utc,
        )


class StoredPause(msgspec.Struct, frozen=True):
    """The content of the file: a pause, or None, and the moment of its writing."""

    version: Literal[1]
    written: Moment
    pause: Pause | None


def restore_pause(found: StoredPause, now: Moment) -> Pause | None:
    """Return the pause of a file, or None if its time is over.

    After a reboot, the UTC clock decides how much time has passed. A clock that was set back counts
    as no time.
    """
    pause = found.pause
    if pause is None:
        return None
    if found.written.boot == now.boot:
        ends_at = pause.ends_at
    else:
        passed = max(0.0, now.utc - found.written.utc)
        ends_at = now.monotonic + (pause.ends_at - found.written.monotonic) - passed
    if ends_at <= now.monotonic:
        return None
    return msgspec.structs.replace(pause, ends_at=ends_at)


def pause_needs_rewrite(found: StoredPause, now: Moment) -> bool:
    """Return whether the clock was set after the file was written."""
    return found.pause is not None and abs(found.written.offset - now.offset) > STEP_SECONDS
