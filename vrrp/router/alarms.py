"""Alarms: faults of peer routers that can be detected from their advertisements.

The protocol permits these situations for a moment, but they are faults if they last. An alarm
changes neither the state nor a timer of the router. Times are monotonic seconds.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from vrrp.model.configuration import HmacAuthentication, InstanceConfiguration
from vrrp.model.report import AlarmKind, Notice
from vrrp.protocol.packet import Address, Advertisement, DropReason
from vrrp.router.unheld import describe_unheld, unheld_addresses

REMEMBERED_INTERVALS: Final = 10
REMEMBERED_SECONDS_MIN: Final = 5.0
"""How long a silent router counts as ACTIVE: the longer of the two. The number of intervals is
high, so that a router is detected although most of its advertisements are lost."""
SENDERS_MAX: Final = 8
"""Maximum number of senders that are remembered. The sender that was silent longest is dropped."""


OVER: Final = {
    AlarmKind.TWO_ACTIVE_ROUTERS: "two_active_routers_over",
    AlarmKind.LEARNED_INTERVAL_TOO_LONG: "learned_interval_too_long_over",
    AlarmKind.CLOCK_SKEW: "clock_skew_over",
    AlarmKind.VIRTUAL_ADDRESS_UNHELD: "virtual_address_unheld_over",
}
"""The names of the events that end an alarm."""


class AlarmChanged(NamedTuple):
    """An alarm was raised, with a ``detail``, or has ended: then ``detail`` is None."""

    kind: AlarmKind
    detail: str | None

    def notice(self, instance: str) -> Notice:
        """Return the notice for the log."""
        if self.detail is None:
            return Notice("info", OVER[self.kind], {"instance": instance})
        return Notice("error", self.kind, {"instance": instance, "detail": self.detail})


class _Sender(msgspec.Struct):
    at: float
    advertisement: Advertisement
    dropped: DropReason | None

    @property
    def advert_interval(self) -> float:
        return self.advertisement.advert_interval

    def counts_as_active(self, now: float) -> bool:
        seconds = max(REMEMBERED_INTERVALS * self.advert_interval, REMEMBERED_SECONDS_MIN)
        return now - self.at <= seconds

    def describe(self, address: Address) -> str:
        reason = "" if self.dropped is None else f", dropped as {self.dropped}"
        return f"{address} (priority {self.advertisement.priority}{reason})"


class Alarms:
    """Decides which alarms an instance raises.

    ``raised`` has a text of one line for each raised alarm.
    """

    def __init__(self) -> None:
        self.raised: dict[AlarmKind, str] = {}
        self._senders: dict[Address, _Sender] = {}
        self._seconds_ahead: dict[Address, float] = {}
        self._active_since: float | None = None
        self._conflict_since: float | None = None
        self._unheld_since: float | None = None

    def note(
        self,
        advertisement: Advertisement,
        source: Address,
        now: float,
        *,
        dropped: DropReason | None = None,
        seconds_ahead: float | None = None,
    ) -> None:
        """Store the sender of an advertisement as ACTIVE; after priority 0, remove it.

        ``dropped`` is why the advertisement was dropped. ``seconds_ahead`` is how far the
        clock of the sender is ahead of this host, if the advertisement was authentic.
        """
        previous = self._senders.pop(source, None)
        if seconds_ahead is not None:
            self._seconds_ahead[source] = seconds_ahead
        if advertisement.priority == 0:
            return
        too_many = len(self._senders) >= SENDERS_MAX
        if self._conflict_since is None and (too_many or self._returns(previous)):
            self._conflict_since = now
        if too_many:
            del self._senders[next(iter(self._senders))]
        self._senders[source] = _Sender(now, advertisement, dropped)

    def priority_of(self, sender: Address) -> int | None:
        """Return the priority in the latest advertisement of a sender, None if it is not known."""
        found = self._senders.get(sender)
        return None if found is None else found.advertisement.priority

    def contest(
        self, advertisement: Advertisement, now: float, active_down_interval: float
    ) -> bool:
        """Return whether the advertisement of a peer shows a second ACTIVE router.

        In the first active-down interval after this router became ACTIVE, it does not: a
        router that was preempted may still send its last advertisement.
        """
        since = self._active_since
        shows_active_peer = advertisement.priority > 0
        return shows_active_peer and since is not None and now - since > active_down_interval

    def _returns(self, previous: _Sender | None) -> bool:
        """Return whether another router advertised since the previous advertisement of a sender.

        The first advertisement of a successor is not a conflict.
        """
        return previous is not None and any(
            sender.at > previous.at for sender in self._senders.values()
        )

    def settle(
        self,
        configuration: InstanceConfiguration,
        *,
        active: bool,
        active_router: Address | None,
        active_down_interval: float,
        now: float,
    ) -> list[AlarmChanged]:
        """Decide which alarms are raised now, and return the alarms that began or ended.

        ``active``: this router is ACTIVE and not handing over. ``active_router`` is the
        router that it follows as BACKUP.
        """
        self._senders = {
            address: sender
            for address, sender in self._senders.items()
            if sender.counts_as_active(now)
        }
        wanted = self._two_active(active, active_down_interval, now)
        wanted |= self._clock_skew(configuration)
        followed = None if active_router is None else self._senders.get(active_router)
        if followed is not None and followed.advert_interval > configuration.learned_interval_limit:
            wanted[AlarmKind.LEARNED_INTERVAL_TOO_LONG] = (
                f"{active_router} advertises every {followed.advert_interval:g}s,"
                f" expected at most {configuration.learned_interval_limit:g}s"
            )
        advertisement = None if followed is None else followed.advertisement
        unheld = () if advertisement is None else unheld_addresses(advertisement, configuration)
        if not unheld:
            self._unheld_since = None
        elif self._unheld_since is None:
            self._unheld_since = now
        elif now > self._unheld_since + active_down_interval:
            assert advertisement is not None
            assert active_router is not None
            wanted[AlarmKind.VIRTUAL_ADDRESS_UNHELD] = describe_unheld(
                unheld, advertisement, active_router, configuration
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
        if not active:
            self._active_since = None
        elif self._active_since is None:
            self._active_since = now
        if len(self._senders) + active < 2:
            self._conflict_since = None
        elif self._conflict_since is None and self._active_since is not None:
            latest = max(sender.at for sender in self._senders.values())
            self._conflict_since = latest if latest >= self._active_since else None
        if self._conflict_since is None:
            return {}
        conflict_end = self._conflict_since + active_down_interval
        routers = sorted(
            sender.describe(address)
            for address, sender in self._senders.items()
            if sender.at > conflict_end
        )
        if len(routers) + active < 2:
            return {}
        together = " and ".join([*["this router"] * active, *routers])
        return {AlarmKind.TWO_ACTIVE_ROUTERS: f"{together} are active at the same time"}

    def _clock_skew(self, configuration: InstanceConfiguration) -> dict[AlarmKind, str]:
        """Raise the alarm if the clock of a sender differs by more than half of the window.

        Beyond the window, its advertisements are dropped.
        """
        authentication = configuration.authentication
        self._seconds_ahead = {
            address: seconds
            for address, seconds in self._seconds_ahead.items()
            if address in self._senders
        }
        if not isinstance(authentication, HmacAuthentication):
            return {}
        window = authentication.window
        skews = [
            f"the clock of {address} is {abs(seconds):.1f} s"
            f" {'ahead of' if seconds > 0 else 'behind'} the clock of this host"
            for address, seconds in self._seconds_ahead.items()
            if abs(seconds) > window / 2
        ]
        if not skews:
            return {}
        remedy = f"auth_hmac allows {window:g} s: check the NTP clients of these hosts"
        return {AlarmKind.CLOCK_SKEW: f"{' and '.join(sorted(skews))}; {remedy}"}
