"""What an operator orders for one real server: drain it, disable it, or give it another weight."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

DAY_SECONDS = 24 * 3600.0
Line = Annotated[str, msgspec.Meta(max_length=200, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
Author = Annotated[str, msgspec.Meta(max_length=64, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
Weight = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=366 * DAY_SECONDS)]


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


class OverrideRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator asks for: an override, with times from now on, in seconds.

    ``name`` is VIRTUAL_SERVER/REAL_SERVER; the port may be left out where it is not needed.
    """

    name: str
    action: Action
    author: Author
    reason: Line = ""
    weight: Weight | None = None
    expires_in: Seconds | None = None
    deadline_in: Seconds | None = None
    keep_clients: bool | None = None

    def contradiction(self) -> str | None:
        """Say what in it makes no sense."""
        if (self.weight is None) == (self.action is Action.WEIGHT):
            return f"an order to {self.action} has {'a' if self.weight is None else 'no'} weight"
        given = (self.deadline_in is not None, self.keep_clients is not None)
        if any(given) and self.action is not Action.DRAIN:
            return "only a drain has a deadline, or says what becomes of clients"
        return None

    def override(self, name: RealServerName, now: float) -> Override:
        """Make the override, for the real server meant."""
        return Override(
            name=name,
            action=self.action,
            author=self.author,
            reason=self.reason,
            weight=self.weight or 0,
            expires_at=None if self.expires_in is None else now + self.expires_in,
            deadline=None if self.deadline_in is None else now + self.deadline_in,
            keep_clients=self.keep_clients,
        )


class OverrideRemoval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operator's wish that an order be no more: the last one, which was to do ``action``."""

    name: str
    action: Action


def end_of_drain(override: Override, connections: int, now: float) -> str | None:
    """Decide whether a drain is over, and say why; ``connections`` are those still carried."""
    if override.action is not Action.DRAIN or override.ended:
        return None
    if connections == 0:
        return "its connections were gone"
    if override.deadline is not None and now >= override.deadline:
        return f"its deadline came with {connections} connections left"
    return None
