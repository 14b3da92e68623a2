"""What an operator orders for one real server: drain it, disable it, or give it another weight."""

from __future__ import annotations

from enum import StrEnum

import msgspec

REASON_CHARACTERS_MAX = 200
AUTHOR_CHARACTERS_MAX = 64
SECONDS_MAX = 366 * 24 * 3600.0


class Action(StrEnum):
    """What is ordered."""

    DRAIN = "drain"
    DISABLE = "disable"
    WEIGHT = "weight"


class RealServerName(msgspec.Struct, frozen=True, order=True, gc=False):
    """Names one real server of one virtual server, as in commands: web/192.0.2.45:80."""

    virtual_server: str
    real_server: str

    def __str__(self) -> str:
        return f"{self.virtual_server}/{self.real_server}"


class Override(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One order; there is one at most for a real server, the last.

    ``expires_at`` is when it is lifted by itself, and ``deadline`` when a drain ends although
    connections are left; both are monotonic seconds. ``ended`` says why a drain is over: the real
    server is out of the table then. ``keep_clients`` is what a drain was told of persistence.
    """

    name: RealServerName
    action: Action
    author: str
    reason: str = ""
    weight: int = 0
    expires_at: float | None = None
    deadline: float | None = None
    keep_clients: bool | None = None
    ended: str = ""

    def expired(self, now: float) -> bool:
        """Whether it is to be lifted."""
        return self.expires_at is not None and now >= self.expires_at

    @property
    def words(self) -> str:
        """Say what was ordered, by whom and why; without times, so that it stays the same."""
        done = {
            Action.DRAIN: f"drained, {self.ended}" if self.ended else "draining",
            Action.DISABLE: "disabled",
            Action.WEIGHT: f"weight {self.weight}",
        }[self.action]
        return f"{done}, by {self.author}" + (f": {self.reason}" if self.reason else "")


def end_of_drain(override: Override, connections: int, now: float) -> str | None:
    """Decide whether a drain is over, and say why; ``connections`` are those still carried."""
    if override.action is not Action.DRAIN or override.ended:
        return None
    if connections == 0:
        return "its connections were gone"
    if override.deadline is not None and now >= override.deadline:
        return f"its deadline came with {connections} connections left"
    return None
