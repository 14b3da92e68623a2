"""One VRRP instance: it passes packets and timers to its router, and performs the actions.

Advertisements are handled and sent at once, inside the callback of the socket or timer. Changes of
addresses can take longer: the instance requests them, and `HeldResources` makes them in a task.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import Final, assert_never

import msgspec

from vrrp.addresses.addresses import lifetime, virtual_addresses
from vrrp.addresses.announcement_listener import AnnouncementListener
from vrrp.addresses.resources import HeldResources
from vrrp.instance.description import describe_instance
from vrrp.instance.inquirer import Inquirer
from vrrp.instance.messaging import Messaging
from vrrp.instance.rate_limited_notices import RateLimitedNotices
from vrrp.instance.sequence import SequenceNumbers
from vrrp.instance.sync_group import SyncGroup
from vrrp.instance.timer import Timer
from vrrp.model.configuration import InstanceConfiguration, TrackedKey
from vrrp.model.lateness import Lateness
from vrrp.model.report import InstanceStatus, Notice, Report, State, Transition
from vrrp.protocol.packet import Address, Datagram, DropReason
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
from vrrp.router.following import ACTIVE_ROUTER_DIED
from vrrp.router.machine import Router
from vrrp.router.sync_group import MemberStatus
from vrrp.transport import Transport
from vrrp.transport.frames import FrameSocket

_UNKNOWN_ADDRESS: Final = IPv4Address(0)


class Instance:
    """Drives one router, which takes part in elections while it is attached to a transport.

    ``yielding``: handed over before the start, with the lowest priority. ``resume``: continues
    as ACTIVE after a process that died a moment ago. The task ``resources.addresses.run`` must
    run.
    """

    def __init__(
        self,
        configuration: InstanceConfiguration,
        report: Callable[[Report], None],
        sequence: SequenceNumbers,
        frames: FrameSocket,
        announcements: AnnouncementListener,
        *,
        resume: bool = False,
        yielding: bool = False,
    ) -> None:
        self.configuration = configuration
        self.stopping = False
        self._loop = asyncio.get_running_loop()
        self._eligibility = Eligibility(configuration)
        listen_until = -math.inf if resume else self._loop.time() + configuration.start_delay
        self.router = Router(
            self._effective_configuration(), _UNKNOWN_ADDRESS, listen_until=listen_until
        )
        self.sync_group = SyncGroup([self])
        self._alarms = Alarms()
        self.notices = RateLimitedNotices(report, instance=configuration.name)
        self.resources = HeldResources(
            configuration, frames, self._report_problem, self._may_announce
        )
        self._report = report
        self._resume_until = self._loop.time() + lifetime(configuration)
        self._resume = resume
        self._messaging = Messaging(configuration, sequence, self._report_problem)
        self._transport: Transport | None = None
        self._announcements = announcements
        self._lateness = Lateness()
        self._heard: tuple[Address, float] | None = None
        self._timer = Timer(self._time_out)
        self._eligibility_timer = Timer(lambda _: self._update_eligibility())
        self._last_announcement = Timer(self._announce_last)
        self.inquirer = Inquirer(
            self.router, sequence, self.notices.counters, self._report_problem, self.handle
        )
        self._initialized = asyncio.Event()
        self._initialized.set()
        if yielding:
            self.handle(HandoverRequested())

    def __repr__(self) -> str:
        return f"<Instance {self.name!r} on {self.configuration.interface}: {self.router.summary}>"

    @property
    def name(self) -> str:
        """The name of the instance in the configuration."""
        return self.configuration.name

    def attach(self, transport: Transport) -> None:
        """Take part in elections through ``transport``.

        Call this again after a change of the transport or its source address.
        """
        if self.stopping:
            return
        self._transport = transport
        self.handle(OwnAddressChanged(transport.source))
        self._eligibility.link_usable(self._loop.time())
        self._update_eligibility()

    def detach(self, reason: str) -> None:
        """Take no part in elections from now on. An ACTIVE router sends priority 0 if it can."""
        self._eligibility.link_unusable(reason, self._loop.time())
        self._update_eligibility()
        if self.stopping:  # the sync group ignores this instance, so it does not shut it down
            self.handle(Shutdown(reason))
        if reason != LINK_DOWN:
            self._transport = None

    def update_values(self, values: Mapping[TrackedKey, int]) -> None:
        """Store new values of tracked objects. Values of other objects are ignored."""
        self._eligibility.update(values, self._loop.time())
        self._update_eligibility()

    def configure(
        self, configuration: InstanceConfiguration, values: Mapping[TrackedKey, int]
    ) -> None:
        """Replace the configuration by another one of the same virtual router."""
        self.configuration = configuration
        self._messaging.configure(configuration)
        self.resources.configure(configuration)
        self._eligibility.configure(configuration)
        self._eligibility.update(values, self._loop.time())
        self.handle(ConfigurationChanged(self._effective_configuration()))
        self._update_eligibility()

    def member_status(self) -> MemberStatus:
        """Return the state of this instance, on which its sync group decides."""
        router = self.router
        return MemberStatus(
            name=self.configuration.name,
            state=router.state,
            fault=self._eligibility.fault,
            pending=self._eligibility.pending,
            resume=self._resume and self._loop.time() < self._resume_until,
            ready=router.ready,
            handing_over=router.handing_over,
            seeks_better_peer=router.better_peer.is_sought(
                router.priority, router.own_address, self._loop.time()
            ),
        )

    def handle(self, event: Event) -> None:
        """Pass one event to the router, perform its actions, and then let the sync group decide."""
        self.apply(event)
        self.sync_group.settle()

    def apply(self, event: Event) -> None:
        """Pass one event to the router, perform its actions, and decide which alarms are raised."""
        self._resume = self._resume and not isinstance(event, Startup)
        actions = self.router.handle(event, self._loop.time())
        if self.configuration.virtual_mac is not None:
            # The first advertisement makes switches send to this host, so the addresses go first.
            actions = sorted(actions, key=lambda action: not isinstance(action, AcquireAddresses))
        for action in actions:
            self._perform(action)
        if self.router.handing_over:
            self._listen_for_successor()
        self._timer.set(self.router.deadline)
        self.inquirer.settle()
        self._settle_alarms()

    def drain(self) -> None:
        """Handle the packets that already wait in the receive queue of the socket."""
        if self._transport is not None:
            self._transport.drain()

    def note_announcement(self, device: str, address: Address) -> None:
        """Handle the announcement of an address by another host, on a device of this host."""
        if self.router.handing_over and any(
            (virtual.device, virtual.address.ip) == (device, address)
            for virtual in virtual_addresses(self.configuration)
        ):
            self.notices.counters["successor_announcements"] += 1
            self.handle(AddressAnnounced(address))

    def hand_over(self, *, undo: bool) -> None:
        """Hand over to a peer; with ``undo``, use the configured priority again."""
        self.handle(HandoverUndone() if undo else HandoverRequested())

    async def stop(self, reason: str) -> None:
        """Hand over to a peer if ACTIVE, stop, and wait until the addresses are removed.

        The handover takes at most 5 s, and the removal at most 1 s.
        """
        self.stopping = True
        self.handle(StopRequested(reason))
        await self._initialized.wait()
        self.detach(reason)
        await self.resources.wait_for_release()

    def receive(self, datagram: Datagram) -> None:
        """Validate one datagram, and pass an accepted advertisement to the router.

        The alarms also use dropped advertisements if they show that a peer is ACTIVE.
        """
        reception = self._messaging.receive(datagram, self.router.own_address)
        advertisement, dropped, ahead = reception
        source, now = datagram.source, self._loop.time()
        if advertisement is None:
            return
        if reception.shows_active_peer:
            self._alarms.note(advertisement, source, now, dropped=dropped, seconds_ahead=ahead)
        if dropped is None and self.router.state is State.INITIALIZE:
            dropped = DropReason.NOT_TAKING_PART
            self.count_drop(dropped, source)
        if dropped is None:
            self.notices.counters["advertisements_received"] += 1
            self._messaging.senders.count_advertisement(source)
            self._heard = source, now
            contest = self._alarms.contest(advertisement, now, self.router.active_down_interval)
            self.handle(AdvertisementReceived(advertisement, source))
            if contest and self._advertises:
                self._messaging.report_contest(advertisement, source)
        elif reception.shows_active_peer:
            self._settle_alarms()

    def count_drop(self, reason: DropReason, source: Address | None) -> None:
        """Increment the counter of a drop reason."""
        self._messaging.count_drop(reason, source)

    def report_transport_error(self, error: Exception) -> None:
        """Count a failed attempt to open the transport, and report it."""
        self._report_problem("transport_unusable", "transport_errors", error=error)

    def status(self) -> InstanceStatus:
        """Return the state of the instance, for people and for metrics."""
        return describe_instance(
            self.configuration,
            self.router,
            self._eligibility,
            self._alarms,
            counters=self._counters(),
            senders=self._messaging.senders,
            lateness=self._lateness.snapshot(),
        )

    def close(self) -> None:
        """Cancel the timers and the announcements. The instance sends nothing after this."""
        self.stopping = True
        self._transport = None
        self._timer.set(None)
        self._eligibility_timer.set(None)
        self._last_announcement.set(None)
        self.inquirer.close()
        self.resources.stop_announcing()

    def _counters(self) -> dict[str, int]:
        lost = 0 if self._transport is None else self._transport.lost
        return {**self.notices.counters, **({"datagrams_lost": lost} if lost else {})}

    def _listen_for_successor(self) -> None:
        try:
            self._announcements.listen()
        except OSError as error:  # the handover then ends by its time limit
            self._report_problem("announcements_not_heard", "announcement_errors", error=error)

    def _settle_alarms(self) -> None:
        router = self.router
        for change in self._alarms.settle(
            self.configuration,
            active=router.state is State.ACTIVE and not router.handing_over,
            active_router=router.following.address,
            active_down_interval=router.active_down_interval,
            now=self._loop.time(),
        ):
            self.notices.counters[change.kind] += change.detail is not None
            self._report(change.notice(self.configuration.name))

    def _effective_configuration(self) -> InstanceConfiguration:
        """Return the configuration with the effective priority."""
        priority = self._eligibility.priority.priority
        return msgspec.structs.replace(self.configuration, priority=priority)

    def _update_eligibility(self) -> None:
        """Act on a change of the link or of a tracked object."""
        self._eligibility.settle(self._loop.time())
        effective = self._eligibility.priority
        standing = effective.priority, effective.impairment
        if standing != (self.router.configuration.priority, self.router.better_peer.impairment):
            self.handle(PriorityChanged(*standing))
        self.sync_group.settle()
        self._eligibility_timer.set(self._eligibility.deadline)

    def _time_out(self, due: float) -> None:
        """Handle the expired timer, unless packets that wait in the socket have to go first.

        An ACTIVE router advertises first, so packets of other hosts cannot delay it. But if the
        timer is late, a successor may have advertised. A BACKUP router takes over when no packet
        waits: during a flood, at most one interval later.
        """
        assert self._transport is not None
        late = self._loop.time() - due > self.configuration.advert_interval
        waits = (late or not self._advertises) and not self._transport.drain()
        if waits and not (late or self._advertises):
            self._timer.set(self.router.deadline)
            return
        if self._advertises:
            self._lateness.note(self._loop.time() - due)
        self.handle(TimerExpired())

    @property
    def _advertises(self) -> bool:
        return self.router.state is State.ACTIVE and not self.router.handing_over

    def _perform(self, action: Action) -> None:
        match action:
            case SendAdvertisement(priority):
                self._send(priority)
            case AcquireAddresses():
                self.resources.addresses.hold()
            case AnnounceAddresses():
                self.resources.announce()
            case StopAnnouncing():
                self.resources.stop_announcing()
            case ReleaseAddresses():
                self.resources.release()
            case StateChanged(previous, state, reason):
                self._report_state(previous, state, reason)
            case HandoverBegan(reason):
                self._notice("handover_began", reason)
            case HandoverAbandoned(reason):
                self._notice("handover_abandoned", reason)
            case _:
                assert_never(action)

    def _send(self, priority: int) -> None:
        assert self._transport is not None
        sent = self._messaging.send(priority, self._transport)
        self.notices.counters["advertisements_sent"] += sent

    def _notice(self, event: str, reason: str) -> None:
        self._report(Notice("warning", event, {"instance": self.name, "reason": reason}))

    def _report_state(self, previous: State, state: State, reason: str) -> None:
        self.notices.counters["transitions"] += 1
        if state is State.INITIALIZE:
            self._initialized.set()
        else:
            self._initialized.clear()
        # The kernel of a dead router holds the addresses until then, and answers for them.
        left = state is State.ACTIVE and reason == ACTIVE_ROUTER_DIED
        until = self._loop.time() + lifetime(self.configuration)
        self._last_announcement.set(until if left else None)
        transition = Transition(self.configuration.name, previous, state, reason)
        if state is State.ACTIVE and self._heard is not None:
            peer, heard_at = self._heard
            silence = self._loop.time() - heard_at
            transition = msgspec.structs.replace(transition, peer=str(peer), silence=silence)
        if state is not State.BACKUP:
            self._heard = None
        self._report(transition)

    def _may_announce(self) -> bool:
        return not self.router.handing_over

    def _announce_last(self, _deadline: float) -> None:
        if self._may_announce():
            self.resources.announce()

    def _report_problem(self, event: str, counter: str, **fields: object) -> None:
        now = self._loop.time()
        texts = {name: str(value) for name, value in fields.items()}
        self.notices.note(event, counter, now, **texts)
