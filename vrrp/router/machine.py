"""The virtual router of RFC 9568 6.4 (and RFC 3768 6.4), as a machine of values.

``handle(event, now)`` returns actions in the order in which they must be performed. What the
shell around it promises:

- ``now`` is monotonic seconds; after every ``handle`` the timer is set anew from ``deadline``.
- Before it delivers `TimerExpired` it delivers what already waits in its socket, so that a
  process that was frozen hears of its successor before it claims to be active.
- Only advertisements that passed `vrrp.protocol.packet.decode` and `vrrp.protocol.validation.vet`
  come in here.

A planned handover makes before it breaks (`vrrp.router.handover`): the active router resigns with
priority 0 but goes on answering for its addresses until its successor is heard, and steps back a
moment later. Without a successor a `HandOver` is abandoned, and reported so, and a `Leave` goes
ahead. After a `HandOver` either way the router is ``yielding``: it has the lowest priority.

In a sync group (`vrrp.router.sync_group`) an expired Active_Down_Timer does not make the router
ACTIVE: it then has no ``deadline``, and waits for `TakeOver` or for whom to follow.
"""

from __future__ import annotations

import math
from typing import Final

from msgspec.structs import replace

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.protocol.announce import REANNOUNCE_SPACING
from vrrp.protocol.packet import OWNER_PRIORITY, Address, Advertisement
from vrrp.protocol.validation import configured_addresses
from vrrp.router.election import Patience, followed_interval, race_end, reason_to_lose, skew_time
from vrrp.router.event import (
    AcquireAddresses,
    Action,
    AddressAnnounced,
    AdvertisementReceived,
    AnnounceAddresses,
    ConfigurationChanged,
    Event,
    HandOver,
    HandOverAbandoned,
    HandOverUndone,
    Leave,
    OwnAddressChanged,
    PriorityChanged,
    ReleaseAddresses,
    SendAdvertisement,
    Shutdown,
    Startup,
    StateChanged,
    StepBack,
    StopAnnouncing,
    TakeOver,
    TimerExpired,
)
from vrrp.router.handover import Handover

YIELDING_PRIORITY: Final = 1

_NOBODY_HEARD: Final = "no active router was heard"


class Router:
    """One virtual router. The attributes are for reading; `handle` is what changes them.

    It claims nothing before ``listen_until``, except when it resumes.
    ``deadline`` is when `TimerExpired` is due, None for never: the Active_Down_Timer in BACKUP,
    the Adver_Timer in ACTIVE. ``active_router`` is whom we follow, None while ACTIVE or before
    anyone was heard.
    """

    def __init__(
        self,
        configuration: InstanceConfiguration,
        own_address: Address,
        *,
        listen_until: float = -math.inf,
    ) -> None:
        self.configuration = configuration
        self._listen_until = listen_until
        self.own_address = own_address
        self.state = State.INITIALIZE
        self.deadline: float | None = None
        self.yielding = False
        self.active_router: Address | None = None
        self.active_advert_interval = configuration.advert_interval
        self._takeover_reason = ""
        self._patience = Patience()
        self._race_until = -math.inf
        self._reannounce_at = 0.0
        self._departure: Handover | None = None

    @property
    def priority(self) -> int:
        """The priority in force. After a handover the lowest there is: then every other router's
        own rules, and ours, say that it goes before us.
        """
        return YIELDING_PRIORITY if self.yielding else self.configuration.priority

    @property
    def wants_active(self) -> bool:
        """Whether we are BACKUP, have waited our time, and wait for the sync group (`TakeOver`)."""
        return self.state is State.BACKUP and self.deadline is None

    @property
    def handing_over(self) -> bool:
        """Whether we are ACTIVE and have resigned."""
        return self._departure is not None

    @property
    def skew_time(self) -> float:
        """Seconds, with the priority and the interval in force."""
        version = self.configuration.version
        return skew_time(version, self.priority, self.active_advert_interval)

    @property
    def active_down_interval(self) -> float:
        """Seconds of silence after which a BACKUP takes over."""
        return 3 * self.active_advert_interval + self.skew_time

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take one event and return what must be done, in this order."""
        match event:
            case ConfigurationChanged(configuration):
                return self._reconfigure(configuration, now)
            case PriorityChanged(priority):
                return self._reconfigure(replace(self.configuration, priority=priority), now)
            case OwnAddressChanged(address):
                self.own_address = address
                return []
            case TimerExpired() if self.deadline is None or now < self.deadline:
                return []
        answer = {
            State.INITIALIZE: self._in_initialize,
            State.BACKUP: self._in_backup,
            State.ACTIVE: self._in_active,
        }
        return answer[self.state](event, now)

    # RFC 9568 6.4.1

    def _in_initialize(self, event: Event, now: float) -> list[Action]:
        match event:
            case Startup(resume=True):
                return self._become_active(now, "resumed")
            case Startup() if self.priority == OWNER_PRIORITY and now >= self._listen_until:
                return self._become_active(now, "owner of the addresses")
            case Startup():
                self._takeover_reason = _NOBODY_HEARD
                return self._become_backup(now + self.active_down_interval, "started")
            case HandOver() | HandOverUndone():
                self._set_yielding(isinstance(event, HandOver), now)
            case _:
                pass
        return []

    # RFC 9568 6.4.2

    def _in_backup(self, event: Event, now: float) -> list[Action]:
        match event:
            case AdvertisementReceived(advertisement, source):
                self._follow(advertisement, source, now)
            case TimerExpired():
                return self._active_down_timer_expired(now)
            case TakeOver() if self.wants_active:
                return self._become_active(now, self._takeover_reason)
            case Shutdown(reason) | Leave(reason):
                return self._become_initialize(reason)
            case HandOver() | HandOverUndone():
                self._set_yielding(isinstance(event, HandOver), now)
            case _:
                pass
        return []

    # RFC 9568 6.4.3

    def _in_active(self, event: Event, now: float) -> list[Action]:
        actions: list[Action] = []
        match event:
            case AdvertisementReceived(advertisement, source):
                actions = self._contest(advertisement, source, now)
            case TimerExpired():
                actions = self._active_timer_expired(now)
            case Shutdown(reason):
                actions = [SendAdvertisement(0), *self._become_initialize(reason)]
            case HandOver():
                actions = self._depart(now, None)
            case Leave(reason):
                actions = self._depart(now, reason)
            case StepBack(reason) if self._departure is None:
                self._race_until = race_end(now, self.active_down_interval)
                actions = [SendAdvertisement(0), *self._become_backup(self._race_until, reason)]
            case HandOverUndone():
                actions = self._undo_hand_over(now)
            case AddressAnnounced(address) if self._departure is not None:
                self._departure.hear_announcement(now, address)
                self.deadline = max(now, self._departure.deadline)
            case _:
                pass
        return actions

    def _follow(self, advertisement: Advertisement, source: Address, now: float) -> None:
        """BACKUP hears somebody: wait on, take note of a resignation, or let the time run out."""
        if advertisement.priority == 0:
            self.deadline = now + self.skew_time
            self._takeover_reason = "the active router resigned"
        elif self._patience.accepts(advertisement.priority, self.priority, self.configuration, now):
            self._learn(advertisement, source)
            self.deadline = max(now + self.active_down_interval, self._race_until)
        else:
            self._takeover_reason = "the active router has a lower priority"

    def _learn(self, advertisement: Advertisement, source: Address) -> None:
        """Follow this router, in version 3 at the pace it advertises (RFC 9568 6.4.2)."""
        if advertisement.version == 3:
            self.active_advert_interval = followed_interval(advertisement, self.configuration)
        self.active_router = source
        self._takeover_reason = "the active router fell silent"

    def _active_down_timer_expired(self, now: float) -> list[Action]:
        if self._is_stalled(now, self.active_down_interval):
            self.deadline = now + self.active_advert_interval + self.skew_time
            return []
        if now < self._listen_until:
            self.deadline = self._listen_until
            return []
        if self.configuration.sync_group is not None:
            self.deadline = None
            return []
        return self._become_active(now, self._takeover_reason)

    def _contest(self, advertisement: Advertisement, source: Address, now: float) -> list[Action]:
        """ACTIVE hears another ACTIVE, or its resignation (RFC 9568 6.4.3)."""
        if self._departure is not None:
            return self._hear_successor(self._departure, advertisement, source, now)
        if self._is_stalled(now, 3 * self.active_advert_interval):
            actions = self._listen_after_stall(now)
            self._follow(advertisement, source, now)
            return actions
        assertion = SendAdvertisement(self.priority)
        if advertisement.priority == 0:
            self.deadline = now + self.configuration.advert_interval
            return [assertion, *self._reannounce(now)]
        heard = advertisement.priority
        reason = reason_to_lose(heard, source, self.priority, self.own_address)
        if reason is not None:
            # A last one: losing to it, the winner announces the addresses again, to hosts that
            # still believe us. Without it a healed partition leaves them with our address.
            self._learn(advertisement, source)
            return [assertion, *self._become_backup(now + self.active_down_interval, reason)]
        # The Adver_Timer goes on: nobody else's packets may move our advertisements.
        return [assertion, *self._reannounce(now)]

    def _reannounce(self, now: float) -> list[Action]:
        """Hosts may have believed the other one, so they are told again."""
        if now < self._reannounce_at:
            return []
        self._reannounce_at = now + REANNOUNCE_SPACING
        return [AnnounceAddresses()]

    def _active_timer_expired(self, now: float) -> list[Action]:
        if self._is_stalled(now, 3 * self.active_advert_interval):
            return self._listen_after_stall(now)
        if self._departure is not None:
            return self._departure_timer_expired(self._departure, now)
        assert self.deadline is not None
        interval = self.configuration.advert_interval
        kept_pace = self.deadline + interval
        self.deadline = kept_pace if kept_pace > now else now + interval
        return [SendAdvertisement(self.priority)]

    def _is_stalled(self, now: float, allowed: float) -> bool:
        """Whether this process was away so long that others have taken over meanwhile."""
        return self.deadline is not None and now - self.deadline > allowed

    def _listen_after_stall(self, now: float) -> list[Action]:
        """A frozen ACTIVE resigns: four intervals after its last advertisement every peer has taken
        over, and its addresses may have ended. A peer that did answers, and announces them again.
        """
        departure, self._takeover_reason = self._departure, _NOBODY_HEARD
        resignation = SendAdvertisement(0)
        if departure is not None and departure.stop_reason is not None:
            return [resignation, *self._become_initialize(departure.stop_reason)]
        self.yielding = self.yielding or departure is not None
        listened = now + self.active_advert_interval + self.skew_time
        return [resignation, *self._become_backup(listened, "this process was stalled")]

    def _depart(self, now: float, stop_reason: str | None) -> list[Action]:
        actions: list[Action] = []
        if self._departure is None:
            addresses = configured_addresses(self.configuration.held_addresses)
            self._departure = Handover.begin(now, self.configuration.advert_interval, addresses)
            actions = [SendAdvertisement(0), StopAnnouncing()]
        if stop_reason is not None:
            self._departure.stop(now, stop_reason)
        self.deadline = self._departure.deadline
        return actions

    def _hear_successor(
        self, departure: Handover, advertisement: Advertisement, source: Address, now: float
    ) -> list[Action]:
        departure.hear(now, advertisement.priority)
        if advertisement.priority > 0:
            self._learn(advertisement, source)
        self.deadline = max(now, departure.deadline)
        return []

    def _departure_timer_expired(self, departure: Handover, now: float) -> list[Action]:
        handed_over = departure.release_at is not None
        if not handed_over and now < departure.give_up_at:
            departure.repeat(now)
            self.deadline = departure.deadline
            return [SendAdvertisement(0)]
        if departure.stop_reason is not None:
            return self._become_initialize(departure.stop_reason)
        self.yielding = True
        if handed_over:
            deadline = departure.heard_at + self.active_down_interval
            return self._become_backup(deadline, "handed over")
        return [*self._stay_active(now), HandOverAbandoned()]

    def _undo_hand_over(self, now: float) -> list[Action]:
        if self._departure is not None and self._departure.stop_reason is not None:
            return []
        self.yielding = False
        return [] if self._departure is None else self._stay_active(now)

    def _stay_active(self, now: float) -> list[Action]:
        self._departure = None
        self.active_router = None
        self.active_advert_interval = self.configuration.advert_interval
        self.deadline = now + self.configuration.advert_interval
        return [SendAdvertisement(self.priority), AnnounceAddresses()]

    def _reconfigure(self, configuration: InstanceConfiguration, now: float) -> list[Action]:
        """Keep the state."""
        previous, previous_down_interval = self.configuration, self.active_down_interval
        assert configuration.identity == previous.identity, "another virtual router"
        self.configuration = configuration
        if configuration.version == 2 or self.active_router is None:
            self.active_advert_interval = configuration.advert_interval
        if self.state is State.ACTIVE:
            return self._reconfigure_active(previous, now)
        self._shift_timer(previous_down_interval, now)
        return []

    def _set_yielding(self, yielding: bool, now: float) -> None:
        previous_down_interval = self.active_down_interval
        self.yielding = yielding
        self._shift_timer(previous_down_interval, now)

    def _shift_timer(self, previous_down_interval: float, now: float) -> None:
        """The Active_Down_Timer runs on, as if it had been set with what is true now."""
        if self.deadline is not None:
            shift = self.active_down_interval - previous_down_interval
            self.deadline = max(now, self.deadline + shift)

    def _reconfigure_active(self, previous: InstanceConfiguration, now: float) -> list[Action]:
        actions: list[Action] = []
        if self.configuration.held_addresses != previous.held_addresses:
            actions.append(AcquireAddresses())
        if self._departure is None:
            assert self.deadline is not None
            self.deadline = min(self.deadline, now + self.configuration.advert_interval)
            actions += [AnnounceAddresses()] if actions else []
        return actions

    # The only places that change the state.

    def _become_initialize(self, reason: str) -> list[Action]:
        previous, self.state = self.state, State.INITIALIZE
        self.deadline = None
        self.active_router = None
        self.active_advert_interval = self.configuration.advert_interval
        return self._entered(previous, reason)

    def _become_backup(self, deadline: float, reason: str) -> list[Action]:
        previous, self.state = self.state, State.BACKUP
        self.deadline = deadline
        self._patience = Patience()
        return self._entered(previous, reason)

    def _become_active(self, now: float, reason: str) -> list[Action]:
        """The advertisement goes first: a peer that holds the addresses lets go of them."""
        assert self.state is not State.ACTIVE
        previous, self.state = self.state, State.ACTIVE
        self.deadline = now + self.configuration.advert_interval
        self.active_advert_interval = self.configuration.advert_interval
        self.active_router = None
        report = StateChanged(previous, self.state, reason)
        return [SendAdvertisement(self.priority), AcquireAddresses(), AnnounceAddresses(), report]

    def _entered(self, previous: State, reason: str) -> list[Action]:
        """Report a state in which the addresses are not held."""
        self._departure = None
        release: list[Action] = [ReleaseAddresses()] if previous is State.ACTIVE else []
        return [*release, StateChanged(previous, self.state, reason)]
