"""Alarms: faults of peer routers, detected in their advertisements.

The protocol permits these situations, but they are faults if they last. Alarms change neither the
state nor a timer of the router. Times are monotonic seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import Notice
from vrrp.protocol.packet import Address, Advertisement

REMEMBERED_INTERVALS: Final = 10
"""Intervals after which a silent router no longer counts as ACTIVE. The number is high, so that a
router is detected although most of its advertisements are lost."""
SENDERS_MAX: Final = 8
"""Maximum number of senders that are remembered. The sender that was silent longest is dropped."""


class AlarmKind(StrEnum):
    """The kinds of alarms. Their names are the names of the events in the log."""

    TWO_ACTIVE_ROUTERS = "two_active_routers"
    LEARNED_INTERVAL_TOO_LONG = "learned_interval_too_long"


class AlarmChanged(NamedTuple):
    """An alarm began, with a ``detail``, or ended. Then ``detail`` is None."""

    kind: AlarmKind
    detail: str | None

    def notice(self, instance: str) -> Notice:
        """Return the notice for the log."""
        if self.detail is None:
            return Notice("info", f"{self.kind}_over", {"instance": instance})
        return Notice("error", self.kind, {"instance": instance, "detail": self.detail})


class _Sender(msgspec.Struct):
    at: float
    priority: int
    advert_interval: float


class Alarms:
    """Decides which alarms an instance raises. ``raised`` has a one-line text for each of them."""

    def __init__(self) -> None:
        self.raised: dict[AlarmKind, str] = {}
        self._senders: dict[Address, _Sender] = {}
        self._conflict_since: float | None = None

    def note(self, advertisement: Advertisement, source: Address, now: float) -> None:
        """Remember the sender of an advertisement as ACTIVE; with priority 0, forget it."""
        self._senders.pop(source, None)
        if advertisement.priority == 0:
            return
        if len(self._senders) >= SENDERS_MAX:
            del self._senders[next(iter(self._senders))]
        interval = advertisement.advert_interval
        self._senders[source] = _Sender(now, advertisement.priority, interval)

    def settle(
        self,
        configuration: InstanceConfiguration,
        *,
        active: bool,
        active_router: Address | None,
        active_down_interval: float,
        now: float,
    ) -> list[AlarmChanged]:
        """Decide which alarms are raised now, and return the changed alarms.

        ``active``: this router is ACTIVE and not handing over. ``active_router`` is the router
        that it follows as BACKUP.
        """
        self._senders = {
            address: sender
            for address, sender in self._senders.items()
            if now - sender.at <= REMEMBERED_INTERVALS * sender.advert_interval
        }
        wanted = self._two_active(active, active_down_interval, now)
        followed = None if active_router is None else self._senders.get(active_router)
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
        """Raise the alarm if two routers are ACTIVE for longer than an active-down interval.

        Of two routers that receive each other's advertisements, one becomes BACKUP at the next
        advertisement of the other, or a few later if some are lost. If both still advertise an
        active-down interval later, they do not receive each other's advertisements or drop them.
        """
        if len(self._senders) + active < 2:
            self._conflict_since = None
            return {}
        if self._conflict_since is None:
            self._conflict_since = now
        conflict_end = self._conflict_since + active_down_interval
        routers = sorted(
            f"{address} (priority {sender.priority})"
            for address, sender in self._senders.items()
            if sender.at > conflict_end
        )
        if len(routers) + active < 2:
            return {}
        together = " and ".join([*["this router"] * active, *routers])
        return {AlarmKind.TWO_ACTIVE_ROUTERS: f"{together} are active at the same time"}
