"""One VRRP instance at work: datagrams and timers into its router, the router's actions out.

Whatever concerns an advertisement happens at once, inside the callback that caused it. What may
take long, changing addresses, is only asked for here; `HeldResources` sees to it in a task of its
own.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import Final, assert_never

import msgspec

from vrrp.addresses.addresses import lifetime, virtual_addresses
from vrrp.addresses.announcement_listener import AnnouncementSocket
from vrrp.addresses.resources import HeldResources
from vrrp.instance.companions import SyncGroup
from vrrp.instance.messaging import Conversation
from vrrp.instance.rate_limited_notices import Incidents
from vrrp.instance.sequence import SequenceNumbers
from vrrp.model.configuration import InstanceConfiguration, TrackedKey
from vrrp.model.lateness import Lateness
from vrrp.model.report import InstanceStatus, Notice, Report, Scalar, State, Transition
from vrrp.protocol.packet import Address, Advertisement, Datagram, DropReason
from vrrp.router.alarms import Alarms
from vrrp.router.eligibility import LINK_DOWN, Eligibility
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
    StopAnnouncing,
    TimerExpired,
)
from vrrp.router.machine import Router
from vrrp.router.sync_group import Member
from vrrp.transport import Transport
from vrrp.transport.frames import FrameSocket

_NOWHERE: Final = IPv4Address(0)


class Instance:
    """Drives one router. It takes part in VRRP while it is attached to a transport.

    ``yielding`` and ``resume`` say how it starts (`hadirector` asks for them after a restart).
    ``run`` has to run for its addresses to follow.
    """

    def __init__(
        self,
        configuration: InstanceConfiguration,
        report: Callable[[Report], None],
        sequence: SequenceNumbers,
        frames: FrameSocket,
        announcements: AnnouncementSocket,
        *,
        resume: bool = False,
        yielding: bool = False,
    ) -> None:
        self.configuration = configuration
        self.companions = SyncGroup([self])
        self.leaving = False
        self._loop = asyncio.get_running_loop()
        self._participation = Eligibility(configuration)
        listen_until = -math.inf if resume else self._loop.time() + configuration.start_delay
        self.router = Router(self._in_force(), _NOWHERE, listen_until=listen_until)
        self._alarms = Alarms()
        self.incidents = Incidents(report, instance=configuration.name)
        self.holding = HeldResources(configuration, frames, self._incident, self._may_announce)
        self._report = report
        self._resume_until = self._loop.time() + lifetime(configuration.advert_interval)
        self._resume = resume
        self._conversation = Conversation(configuration, sequence, self._incident, self._overhear)
        self._transport: Transport | None = None
        self._announcements = announcements
        self._lateness = Lateness()
        self._timer: asyncio.TimerHandle | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._initialized = asyncio.Event()
        self._initialized.set()
        if yielding:
            self.handle(HandOver())

    def attach(self, transport: Transport) -> None:
        """Take part through ``transport``.

        Call it again when the transport or its source address has changed.
        """
        if self.leaving:
            return
        self._transport = transport
        self.handle(OwnAddressChanged(transport.source))
        self._participation.link_usable(self._loop.time())
        self._reconsider()

    def detach(self, reason: str) -> None:
        """Take no part any more; what can still be said is said first."""
        self._participation.link_unusable(reason, self._loop.time())
        self._reconsider()
        if self.leaving:
            self.handle(Shutdown(reason))  # its companions go on without it
        if reason != LINK_DOWN:
            self._transport = None

    def learn(self, values: Mapping[TrackedKey, int]) -> None:
        """Take in the values of objects that may be tracked here."""
        self._participation.learn(values, self._loop.time())
        self._reconsider()

    def change(
        self, configuration: InstanceConfiguration, values: Mapping[TrackedKey, int]
    ) -> None:
        """Go on under another configuration of the same virtual router."""
        self.configuration = configuration
        self._conversation.change(configuration)
        self.holding.change(configuration)
        self._participation.configure(configuration)
        self._participation.learn(values, self._loop.time())
        self.handle(ConfigurationChanged(self._in_force()))
        self._reconsider()

    def member(self) -> Member:
        """What the sync group has to know of this moment."""
        router = self.router
        return Member(
            name=self.configuration.name,
            state=router.state,
            fault=self._participation.fault,
            pending=self._participation.pending,
            resume=self._resume and self._loop.time() < self._resume_until,
            wants_active=router.wants_active,
            departing=router.handing_over,
        )

    def handle(self, event: Event) -> None:
        """Let the router take one event, and do what follows from it."""
        self._resume = self._resume and not isinstance(event, Startup)
        actions = self.router.handle(event, self._loop.time())
        if self.configuration.virtual_mac is not None:
            # The first advertisement turns switches to this host: its address stands by then.
            actions = sorted(actions, key=lambda each: not isinstance(each, AcquireAddresses))
        for action in actions:
            self._perform(action)
        if self.router.handing_over:
            self._listen_for_successor()
        self._arm()
        self._settle_alarms()
        self.companions.settle()

    def drain(self) -> None:
        """Hear what already waits in the socket."""
        if self._transport is not None:
            self._transport.drain()

    def announced(self, device: str, address: Address) -> None:
        """Another host announces an address on one of this host's interfaces."""
        if self.router.handing_over and any(
            (each.device, each.address.ip) == (device, address)
            for each in virtual_addresses(self.configuration)
        ):
            self.incidents.counters["successor_announcements"] += 1
            self.handle(AddressAnnounced(address))

    def hand_over(self, *, undo: bool) -> None:
        """Give the addresses to a peer and stay behind it, or compete again."""
        self.handle(HandOverUndone() if undo else HandOver())

    async def leave(self, reason: str) -> None:
        """Hand over if ACTIVE (the router sets the limit), stop, and see the addresses gone.

        What the kernel does not take away within 1 s, it does when the lifetime is over.
        """
        self.leaving = True
        self.handle(Leave(reason))
        await self._initialized.wait()
        self.detach(reason)
        await self.holding.released()

    def receive(self, datagram: Datagram) -> None:
        """Judge one datagram, and tell the router if it is an advertisement for it."""
        advertisement = self._conversation.hear(datagram, self.router.own_address)
        if advertisement is not None:
            self._accept(advertisement, datagram.source)

    def refuse(self, reason: DropReason, source: Address | None) -> None:
        """Count a datagram that is none of ours."""
        self._conversation.refuse(reason, source)

    def transport_failed(self, error: Exception) -> None:
        """Count an attempt to open the transport that failed."""
        self._incident("transport_unusable", "transport_errors", error=error)

    def status(self) -> InstanceStatus:
        """A snapshot."""
        router = self.router
        active_router = router.active_router
        return InstanceStatus(
            instance=self.configuration.name,
            state=router.state,
            priority=router.priority,
            virtual_router_id=self.configuration.virtual_router_id,
            interface=self.configuration.interface,
            virtual_addresses=self.configuration.held_addresses,
            handing_over=router.handing_over,
            yielding=router.yielding,
            active_router=None if active_router is None else str(active_router),
            active_down_interval=router.active_down_interval,
            counters=self._counters(),
            priority_arithmetic=self._participation.priority.arithmetic,
            fault=self._participation.fault or self._participation.pending,
            sync_group=self.configuration.sync_group,
            alarms=tuple(self._alarms.raised.values()),
            advertisement_lateness=self._lateness.snapshot(),
        )

    def close(self) -> None:
        """Do nothing more: no timer, no announcement, no message."""
        self.leaving = True
        self._transport = None
        for timer in (self._timer, self._settling):
            if timer is not None:
                timer.cancel()
        self.holding.stop_announcing()

    def _counters(self) -> dict[str, int]:
        lost = 0 if self._transport is None else self._transport.lost
        return {**self.incidents.counters, **({"datagrams_lost": lost} if lost else {})}

    def _accept(self, advertisement: Advertisement, source: Address) -> None:
        if self.router.state is State.INITIALIZE:
            self.refuse(DropReason.NOT_TAKING_PART, source)
            return
        self.incidents.counters["advertisements_received"] += 1
        self.handle(AdvertisementReceived(advertisement, source))

    def _listen_for_successor(self) -> None:
        try:
            self._announcements.listen()
        except OSError as error:  # the time limit serves instead
            self._incident("announcements_not_heard", "announcement_errors", error=error)

    def _overhear(self, advertisement: Advertisement, source: Address) -> None:
        """Somebody advertises for this virtual router, whether or not he is believed."""
        self._alarms.hear(advertisement, source, self._loop.time())
        self._settle_alarms()

    def _settle_alarms(self) -> None:
        router = self.router
        for change in self._alarms.settle(
            self.configuration,
            active=router.state is State.ACTIVE and not router.handing_over,
            active_router=router.active_router,
            active_down_interval=router.active_down_interval,
            now=self._loop.time(),
        ):
            self.incidents.counters[change.kind] += change.detail is not None
            self._report(change.notice(self.configuration.name))

    def _in_force(self) -> InstanceConfiguration:
        """The configuration with the priority that is in force."""
        priority = self._participation.priority.priority
        return msgspec.structs.replace(self.configuration, priority=priority)

    def _reconsider(self) -> None:
        """Act on what has become known of what this instance depends on."""
        self._participation.settle(self._loop.time())
        priority = self._participation.priority.priority
        if priority != self.router.configuration.priority:
            self.handle(PriorityChanged(priority))
        self.companions.settle()
        if self._settling is not None:
            self._settling.cancel()
        due = self._participation.deadline
        self._settling = None if due is None else self._loop.call_at(due, self._reconsider)

    def _arm(self) -> None:
        deadline = self.router.deadline
        if self._timer is not None:
            if self._timer.when() == deadline:
                return
            self._timer.cancel()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._time_out)

    def _time_out(self) -> None:
        """Hear what already waits in the socket, then let the router see what time it is."""
        assert self._transport is not None
        assert self._timer is not None
        due, self._timer = self._timer.when(), None
        self._transport.drain()
        self._note_lateness(due)
        self.handle(TimerExpired())

    def _note_lateness(self, due: float) -> None:
        if self.router.state is State.ACTIVE and not self.router.handing_over:
            self._lateness.note(self._loop.time() - due)

    def _perform(self, action: Action) -> None:
        match action:
            case SendAdvertisement(priority):
                self._send(priority)
            case AcquireAddresses():
                self.holding.addresses.hold()
            case AnnounceAddresses():
                self.holding.announce()
            case StopAnnouncing():
                self.holding.stop_announcing()
            case ReleaseAddresses():
                self.holding.let_go()
            case StateChanged(previous, state, reason):
                self._changed_state(previous, state, reason)
            case HandOverAbandoned():
                fields: dict[str, Scalar] = {"instance": self.configuration.name}
                self._report(Notice("warning", "hand_over_abandoned", fields))
            case _:
                assert_never(action)

    def _send(self, priority: int) -> None:
        assert self._transport is not None
        sent = self._conversation.say(priority, self._transport)
        self.incidents.counters["advertisements_sent"] += sent

    def _changed_state(self, previous: State, state: State, reason: str) -> None:
        self.incidents.counters["transitions"] += 1
        if state is State.INITIALIZE:
            self._initialized.set()
        else:
            self._initialized.clear()
        self._report(Transition(self.configuration.name, previous, state, reason))

    def _may_announce(self) -> bool:
        return not self.router.handing_over

    def _incident(self, event: str, kind: str, **fields: object) -> None:
        now = self._loop.time()
        texts = {name: str(value) for name, value in fields.items()}
        self.incidents.happened(event, kind, now, **texts)
