"""Alarms: what the protocol itself does not forbid, but no operator wants to last.

One instance watches what it hears. Times are monotonic seconds; nothing here touches a timer or
the state of the router.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import Notice
from vrrp.protocol.packet import Address, Advertisement

REMEMBERED_INTERVALS: Final = 10
"""Intervals for which a silent router may still be one: who is heard seldom is noticed too."""
SENDERS_MAX: Final = 8
"""Active routers that are told apart; of more, who was heard longest ago is forgotten."""


class AlarmKind(StrEnum):
    """The alarms there are; the names are those of their events in the log."""

    TWO_ACTIVE_ROUTERS = "two_active_routers"
    LEARNED_INTERVAL_TOO_LONG = "learned_interval_too_long"


class AlarmChanged(NamedTuple):
    """An alarm began, with ``detail``, or ended: ``detail`` is None."""

    kind: AlarmKind
    detail: str | None

    def notice(self, instance: str) -> Notice:
        """Say so in the log."""
        if self.detail is None:
            return Notice("info", f"{self.kind}_over", {"instance": instance})
        return Notice("error", self.kind, {"instance": instance, "detail": self.detail})


class _Heard(msgspec.Struct):
    at: float
    priority: int
    advert_interval: float


class Alarms:
    """Decides which alarms an instance raises. ``raised`` maps each to one line for a person."""

    def __init__(self) -> None:
        self.raised: dict[AlarmKind, str] = {}
        self._heard: dict[Address, _Heard] = {}
        self._together_since: float | None = None

    def hear(self, advertisement: Advertisement, source: Address, now: float) -> None:
        """Take note of who says that he is active; priority 0 says that he is no longer."""
        self._heard.pop(source, None)
        if advertisement.priority == 0:
            return
        if len(self._heard) >= SENDERS_MAX:
            del self._heard[next(iter(self._heard))]
        interval = advertisement.advert_interval
        self._heard[source] = _Heard(now, advertisement.priority, interval)

    def settle(
        self,
        configuration: InstanceConfiguration,
        *,
        active: bool,
        active_router: Address | None,
        active_down_interval: float,
        now: float,
    ) -> list[AlarmChanged]:
        """Decide what is to be alarmed now; returns what has changed.

        ``active``: this router is ACTIVE and does not hand over. ``active_router`` is whom it
        follows otherwise.
        """
        self._heard = {
            who: each
            for who, each in self._heard.items()
            if now - each.at <= REMEMBERED_INTERVALS * each.advert_interval
        }
        wanted = self._two_active(active, active_down_interval, now)
        followed = None if active_router is None else self._heard.get(active_router)
        if followed is not None and followed.advert_interval > configuration.learned_interval_limit:
            wanted[AlarmKind.LEARNED_INTERVAL_TOO_LONG] = (
                f"{active_router} advertises every {followed.advert_interval:g}s,"
                f" expected at most {configuration.learned_interval_limit:g}s"
            )
        changed = [AlarmChanged(kind, None) for kind in self.raised if kind not in wanted]
        changed += [
            AlarmChanged(kind, detail) for kind, detail in wanted.items() if kind not in self.raised
        ]
        self.raised = wanted
        return changed

    def _two_active(
        self, active: bool, active_down_interval: float, now: float
    ) -> dict[AlarmKind, str]:
        """Two that hear each other settle it at the next advertisement of the one that wins.

        As many may be lost as the protocol allows before it calls a router silent, and no more.
        So two that are still heard an active-down interval later are a fault: they do not hear
        each other, discard what they hear, or are no VRRP routers.
        """
        if len(self._heard) + active < 2:
            self._together_since = None
            return {}
        if self._together_since is None:
            self._together_since = now
        settled_at = self._together_since + active_down_interval
        routers = sorted(
            f"{who} (priority {each.priority})"
            for who, each in self._heard.items()
            if each.at > settled_at
        )
        if len(routers) + active < 2:
            return {}
        together = " and ".join([*["this router"] * active, *routers])
        return {AlarmKind.TWO_ACTIVE_ROUTERS: f"{together} are active at the same time"}
