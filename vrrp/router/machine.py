"""The state machine of a virtual router (RFC 9568 6.4, RFC 3768 6.4).

`vrrp.router` has the theory of operation and the state diagram.
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
from vrrp.router.better_peer import BetterPeer, Peer
from vrrp.router.death_certificate import ActiveRouter
from vrrp.router.election import Patience, race_end, reason_to_lose, skew_time
from vrrp.router.event import (
    AcquireAddresses,
    Action,
    ActiveRouterDied,
    AddressAnnounced,
    AdvertisementReceived,
    AnnounceAddresses,
    BetterPeerSought,
    ConfigurationChanged,
    Event,
    GroupBecomesActive,
    GroupBecomesBackup,
    HandoverAbandoned,
    HandoverBegan,
    HandoverRequested,
    HandoverUndone,
    OwnAddressChanged,
    PriorityChanged,
    ReleaseAddresses,
    SendAdvertisement,
    Shutdown,
    Startup,
    StateChanged,
    StopAnnouncing,
    StopRequested,
    TimerExpired,
)
from vrrp.router.following import NO_ACTIVE_ROUTER, Following
from vrrp.router.handover import Handover
from vrrp.router.reconfiguration import reconfigure, set_yielding
from vrrp.router.spacing import ANSWERS_PER_INTERVAL, Spacing

YIELDING_PRIORITY: Final = 1


class Router:
    """The state machine of one virtual router. Only `handle` changes its attributes.

    - ``deadline`` is when `TimerExpired` is due; None if no timer runs. It is the
      Active_Down_Timer in BACKUP and the Adver_Timer in ACTIVE.
    - ``following`` is its knowledge of the active router.
    - ``yielding``: after a handover, the router has the lowest priority.
    - ``better_peer``: decides whether an ACTIVE router should hand over without a request. The
      driver then delivers `BetterPeerSought`.

    The router does not become ACTIVE before ``listen_until``, except to resume.
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
        self.following = Following(configuration.advert_interval)
        self._announced = Spacing()
        self._answers = Spacing()
        self._handover: Handover | None = None
        self.better_peer = BetterPeer()

    def __repr__(self) -> str:
        return f"<Router {self.configuration.name!r}: {self.summary}>"

    @property
    def summary(self) -> str:
        """The state in one line, for developers."""
        phase = " (handing over)" if self.handing_over else " (ready)" if self.ready else ""
        deadline = "no deadline" if self.deadline is None else f"deadline {self.deadline:.3f}"
        name = f"VRID {self.configuration.virtual_router_id}"
        return f"{name} {self.state}{phase}, priority {self.priority}, {deadline}"

    @property
    def priority(self) -> int:
        """The effective priority. After a handover it is 1, so that every other router wins."""
        return YIELDING_PRIORITY if self.yielding else self.configuration.priority

    @property
    def ready(self) -> bool:
        """Whether the Active_Down_Timer has expired and the router waits for its sync group."""
        return self.state is State.BACKUP and self.deadline is None

    @property
    def handing_over(self) -> bool:
        """Whether the router is ACTIVE and has sent priority 0 to start a handover."""
        return self._handover is not None

    @property
    def active_router(self) -> ActiveRouter | None:
        """The active router for a death watch, while the Active_Down_Timer runs."""
        waits = self.state is State.BACKUP and self.deadline is not None
        return self.following.active_router(self.skew_time) if waits else None

    @property
    def skew_time(self) -> float:
        """The skew time in seconds, for the effective priority and the current interval."""
        version = self.configuration.version
        return skew_time(version, self.priority, self.following.advert_interval)

    @property
    def active_down_interval(self) -> float:
        """Seconds without an advertisement after which a BACKUP router takes over."""
        return self.tolerated_silence + self.skew_time

    @property
    def tolerated_silence(self) -> float:
        """The `active_down_interval` without the skew time."""
        return self.configuration.tolerated_silence(self.following.advert_interval)

    def handle(self, event: Event, now: float) -> list[Action]:
        """Handle one event; return the actions in the order in which they must be performed."""
        match event:
            case ConfigurationChanged(configuration):
                return reconfigure(self, configuration, now)
            case PriorityChanged(priority, impairment):
                self.better_peer.change(impairment)
                return reconfigure(self, replace(self.configuration, priority=priority), now)
            case OwnAddressChanged(address):
                self.own_address = address
                return []
            case AdvertisementReceived(advertisement, source) if advertisement.priority:
                self.better_peer.peer = Peer(advertisement.priority, source)
            case TimerExpired() if self.deadline is None or now < self.deadline:
                return []
        handlers = {
            State.INITIALIZE: self._in_initialize,
            State.BACKUP: self._in_backup,
            State.ACTIVE: self._in_active,
        }
        return handlers[self.state](event, now)

    # RFC 9568 6.4.1

    def _in_initialize(self, event: Event, now: float) -> list[Action]:
        match event:
            case Startup(resume=True):
                return self._become_active(now, "resumed")
            case Startup() if self.priority == OWNER_PRIORITY and now >= self._listen_until:
                return self._become_active(now, "owner of the addresses")
            case Startup():
                self.following.takeover_reason = NO_ACTIVE_ROUTER
                return self._become_backup(now + self.active_down_interval, "started")
            case HandoverRequested() | HandoverUndone():
                set_yielding(self, isinstance(event, HandoverRequested), now)
            case _:
                pass
        return []

    # RFC 9568 6.4.2

    def _in_backup(self, event: Event, now: float) -> list[Action]:
        match event:
            case AdvertisementReceived(advertisement, source):
                self._follow(advertisement, source, now)
            case TimerExpired():
                return self._on_active_down_timer(now)
            case ActiveRouterDied(address):
                self.deadline = self.following.shorten(self.deadline, address, self.skew_time, now)
            case GroupBecomesActive() if self.ready:
                return self._become_active(now, self.following.takeover_reason)
            case Shutdown(reason) | StopRequested(reason):
                return self._become_initialize(reason)
            case HandoverRequested() | HandoverUndone():
                set_yielding(self, isinstance(event, HandoverRequested), now)
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
                actions = self._on_adver_timer(now)
            case Shutdown(reason):
                actions = [SendAdvertisement(0), *self._become_initialize(reason)]
            case HandoverRequested():
                actions = self._hand_over(now)
            case BetterPeerSought() if self._handover is None:
                self.better_peer.note_attempt(now)
                reason = f"a peer may serve better: {self.better_peer.impairment.description}"
                actions = [HandoverBegan(reason), *self._hand_over(now, yields=False)]
            case StopRequested(reason):
                actions = self._hand_over(now, stop_reason=reason)
            case GroupBecomesBackup(reason) if self._handover is None:
                until = self.following.race_until = race_end(now, self.active_down_interval)
                actions = [SendAdvertisement(0), *self._become_backup(until, reason)]
            case HandoverUndone():
                actions = self._undo_handover(now)
            case AddressAnnounced(address) if self._handover is not None:
                self._handover.note_announcement(now, address)
                self.deadline = max(now, self._handover.deadline)
            case _:
                pass
        return actions

    def _follow(self, advertisement: Advertisement, source: Address, now: float) -> None:
        """Follow the sender, or let the timer run if it may be preempted (RFC 9568 6.4.2)."""
        priority, following = advertisement.priority, self.following
        if priority == 0:
            self.deadline = now + self.skew_time
            following.takeover_reason = "the active router sent priority 0"
        elif following.patience.accepts(priority, self.priority, self.configuration, now):
            following.learn(advertisement, source, self.configuration, now)
            self.deadline = max(now + self.active_down_interval, following.race_until)
        else:
            following.takeover_reason = "the active router has a lower priority"

    def _on_active_down_timer(self, now: float) -> list[Action]:
        if self._is_overdue(now, self.active_down_interval):
            self.deadline = now + self.following.advert_interval + self.skew_time
            return []
        if now < self._listen_until:
            self.deadline = self._listen_until
            return []
        if self.configuration.sync_group is not None:
            self.deadline = None
            return []
        return self._become_active(now, self.following.takeover_reason)

    def _contest(self, advertisement: Advertisement, source: Address, now: float) -> list[Action]:
        """Answer the advertisement of another router (RFC 9568 6.4.3)."""
        if self._handover is not None:
            return self._note_successor(self._handover, advertisement, source, now)
        if self._is_overdue(now, self.tolerated_silence):
            actions = self._listen_after_stall(now)
            self._follow(advertisement, source, now)
            return actions
        reason = reason_to_lose(advertisement.priority, source, self.priority, self.own_address)
        if reason is not None:
            # This last advertisement makes the winner announce the addresses again. Otherwise,
            # after a partition, some hosts would still send to the MAC address of this router.
            last = SendAdvertisement(self.priority)
            self.following.learn(advertisement, source, self.configuration, now)
            return [last, *self._become_backup(now + self.active_down_interval, reason)]
        answer = self._answer(now)
        if answer and advertisement.priority == 0:
            # Otherwise the Adver_Timer is not reset: packets must not delay an advertisement.
            self.deadline = now + self.configuration.advert_interval
        return [*answer, *self._reannounce(now)]

    def _answer(self, now: float) -> list[Action]:
        """Advertise now if that is due or an answer is permitted; otherwise as soon as it is."""
        assert self.deadline is not None
        if now >= self.deadline:
            return self._on_adver_timer(now)
        if self._answers.permit(now, self.configuration.advert_interval / ANSWERS_PER_INTERVAL):
            return [SendAdvertisement(self.priority)]
        self.deadline = min(self.deadline, self._answers.next_at)
        return []

    def _reannounce(self, now: float) -> list[Action]:
        """Announce the addresses again: hosts may have learned the MAC address of the peer."""
        return [AnnounceAddresses()] if self._announced.permit(now, REANNOUNCE_SPACING) else []

    def _on_adver_timer(self, now: float) -> list[Action]:
        if self._is_overdue(now, self.tolerated_silence):
            return self._listen_after_stall(now)
        if self._handover is not None:
            return self._on_handover_timer(self._handover, now)
        assert self.deadline is not None
        interval = self.configuration.advert_interval
        self._answers.permit(now, interval / ANSWERS_PER_INTERVAL)
        kept_pace = self.deadline + interval
        self.deadline = kept_pace if kept_pace > now else now + interval
        return [SendAdvertisement(self.priority)]

    def _is_overdue(self, now: float, allowed: float) -> bool:
        """Return whether the process was stalled for long enough for a peer to take over."""
        return self.deadline is not None and now - self.deadline > allowed

    def _listen_after_stall(self, now: float) -> list[Action]:
        """Make an ACTIVE router BACKUP after its process was stalled.

        By then every peer has taken over, and the lifetime of the addresses may have ended. The
        new ACTIVE router answers priority 0 and announces the addresses again.
        """
        handover, self.following.takeover_reason = self._handover, NO_ACTIVE_ROUTER
        if handover is not None and handover.stop_reason is not None:
            return [SendAdvertisement(0), *self._become_initialize(handover.stop_reason)]
        self.yielding = self.yielding or (handover is not None and handover.yields)
        deadline = now + self.following.advert_interval + self.skew_time
        return [SendAdvertisement(0), *self._become_backup(deadline, "the process was stalled")]

    def _hand_over(
        self, now: float, *, yields: bool = True, stop_reason: str | None = None
    ) -> list[Action]:
        actions: list[Action] = []
        if self._handover is None:
            addresses = configured_addresses(self.configuration.held_addresses)
            interval = self.configuration.advert_interval
            self._handover = Handover.begin(now, interval, addresses, yields=yields)
            actions = [SendAdvertisement(0), StopAnnouncing()]
        self._handover.yields |= yields
        if stop_reason is not None:
            self._handover.stop_afterwards(now, stop_reason)
        self.deadline = self._handover.deadline
        return actions

    def _note_successor(
        self, handover: Handover, advertisement: Advertisement, source: Address, now: float
    ) -> list[Action]:
        weaker = advertisement.priority > 0 and not self.better_peer.wins(
            Peer(advertisement.priority, source), self.priority, self.own_address
        )
        if weaker and handover.refuses_weaker_successor:
            self.better_peer.note_weaker_successor(now)
            reason = "the peer that took over would lose the election against this router"
            return [*self._stay_active(now), HandoverAbandoned(reason)]
        handover.note_advertisement(now, advertisement.priority)
        if advertisement.priority > 0:
            self.following.learn(advertisement, source, self.configuration, now)
        self.deadline = max(now, handover.deadline)
        return []

    def _on_handover_timer(self, handover: Handover, now: float) -> list[Action]:
        handed_over = handover.release_at is not None
        if not handed_over and now < handover.give_up_at:
            handover.repeat(now)
            self.deadline = handover.deadline
            return [SendAdvertisement(0)]
        if handover.stop_reason is not None:
            return self._become_initialize(handover.stop_reason)
        self.yielding = self.yielding or handover.yields
        if handed_over:
            deadline = handover.successor_seen_at + self.active_down_interval
            reason = "handed over" if handover.yields else "handed over to a better peer"
            return self._become_backup(deadline, reason)
        return [*self._stay_active(now), HandoverAbandoned("no peer took over")]

    def _undo_handover(self, now: float) -> list[Action]:
        if self._handover is not None and self._handover.stop_reason is not None:
            return []
        self.yielding = False
        return [] if self._handover is None else self._stay_active(now)

    def _stay_active(self, now: float) -> list[Action]:
        self._handover = None
        self.following.forget(self.configuration.advert_interval)
        self.deadline = now + self.configuration.advert_interval
        return [SendAdvertisement(self.priority), AnnounceAddresses()]

    # Only the following methods change the state.

    def _become_initialize(self, reason: str) -> list[Action]:
        previous, self.state = self.state, State.INITIALIZE
        self.deadline = None
        self.following.forget(self.configuration.advert_interval)
        return self._release(previous, reason)

    def _become_backup(self, deadline: float, reason: str) -> list[Action]:
        previous, self.state = self.state, State.BACKUP
        self.deadline = deadline
        self.following.patience = Patience()
        return self._release(previous, reason)

    def _become_active(self, now: float, reason: str) -> list[Action]:
        """Advertise first: a peer that still holds the addresses then releases them."""
        assert self.state is not State.ACTIVE
        previous, self.state = self.state, State.ACTIVE
        self.deadline = now + self.configuration.advert_interval
        self.following.forget(self.configuration.advert_interval)
        report = StateChanged(previous, self.state, reason)
        return [SendAdvertisement(self.priority), AcquireAddresses(), AnnounceAddresses(), report]

    def _release(self, previous: State, reason: str) -> list[Action]:
        """End a handover, release the addresses if they were held, and report the new state."""
        self._handover = None
        release: list[Action] = [ReleaseAddresses()] if previous is State.ACTIVE else []
        return [*release, StateChanged(previous, self.state, reason)]
