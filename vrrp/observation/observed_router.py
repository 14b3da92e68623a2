"""Derives the state of a virtual router from its advertisements on the link. Pure.

Another program, such as keepalived, runs the virtual router on this host. The state of this host is
the state that its advertisements show. Times are monotonic seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import msgspec

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import AdvertisingRouter, InstanceStatus, Notice, State, Transition
from vrrp.protocol.authentication import is_trailer, split_trailer
from vrrp.protocol.packet import (
    Address,
    Advertisement,
    Datagram,
    DropReason,
    PacketError,
    decode,
)
from vrrp.protocol.validation import NOT_FOR_US, configured_addresses, validate
from vrrp.router.alarms import Alarms
from vrrp.router.election import skew_time

ROUTERS_MAX: Final = 16
"""Routers that are remembered. The router that was silent longest is dropped."""
REMEMBERED_SECONDS: Final = 60.0
"""How long a silent router is shown."""

_NO_ADDRESS: Final[dict[int, Address]] = {4: IPv4Address(0), 6: IPv6Address(0)}


class _Latest(msgspec.Struct):
    at: float
    advertisement: Advertisement
    dropped: DropReason | None
    this_host: bool


class ObservedRouter:
    """One virtual router: its received advertisements, and the state of this host from them."""

    def __init__(self, configuration: InstanceConfiguration, now: float) -> None:
        self.configuration = configuration
        self._begun_at = now
        self._latest: dict[Address, _Latest] = {}
        self._state = State.INITIALIZE
        self._alarms = Alarms()
        self._counters: Counter[str] = Counter()
        self._mismatch_since: float | None = None

    def note(self, datagram: Datagram, now: float, *, this_host: bool) -> None:
        """Store a packet of this virtual router. ``this_host`` is whether this host sent it."""
        source = datagram.source
        try:
            advertisement = _decode(datagram)
        except PacketError as error:
            self._counters[f"dropped_{error.reason}"] += 1
            return
        dropped = None if this_host else self._validate(advertisement, datagram)
        if dropped in NOT_FOR_US and dropped is not DropReason.NOT_A_PEER:
            self._counters[f"dropped_{dropped}"] += 1
            return
        self._counters["advertisements_sent" if this_host else "advertisements_received"] += 1
        if dropped is not None:
            self._counters[f"dropped_{dropped}"] += 1
        if not this_host:
            self._alarms.note(advertisement, source, now, dropped=dropped)
        self._latest.pop(source, None)
        while len(self._latest) >= ROUTERS_MAX:
            del self._latest[next(iter(self._latest))]
        self._latest[source] = _Latest(now, advertisement, dropped, this_host)

    def settle(
        self, held: Collection[Address], now: float
    ) -> Iterator[Transition | Notice | InstanceStatus]:
        """Decide the state at this moment. Yield changes of state, and the status.

        ``held`` are the addresses that this host has at present.
        """
        self._latest = {
            address: latest
            for address, latest in self._latest.items()
            if now - latest.at <= REMEMBERED_SECONDS
        }
        own = self._active(now, this_host=True)
        peer = self._active(now, this_host=False)
        state = self._decide(own, peer)
        if state is not self._state:
            reason = self._reason(own, peer)
            yield Transition(self.configuration.name, self._state, state, reason)
            self._state = state
        for changed in self._alarms.settle(
            self.configuration,
            active=own is not None,
            active_router=peer,
            active_down_interval=self._active_down_interval(peer),
            now=now,
        ):
            yield changed.notice(self.configuration.name)
        yield self._status(own, peer, held, now)

    def _validate(self, advertisement: Advertisement, datagram: Datagram) -> DropReason | None:
        return validate(
            advertisement,
            source=datagram.source,
            destination=datagram.destination,
            ttl=datagram.ttl,
            own_address=_NO_ADDRESS[self.configuration.family],
            configuration=self.configuration,
        )

    def _active(self, now: float, *, this_host: bool) -> Address | None:
        """Return the router that advertises, among this host or its peers; None if none does.

        Among several peers, the highest priority decides, and then the highest address.
        """
        alive = [
            (latest.advertisement.priority, int(address), address)
            for address, latest in self._latest.items()
            if latest.this_host is this_host
            and latest.advertisement.priority > 0
            and now - latest.at <= self._active_down_interval(address)
        ]
        return max(alive)[2] if alive else None

    def _active_down_interval(self, router: Address | None) -> float:
        """Return how long a silent router counts as ACTIVE (RFC 9568 6.1)."""
        configuration = self.configuration
        interval = configuration.advert_interval
        if router is not None and configuration.version == 3:
            interval = self._latest[router].advertisement.advert_interval
        skew = skew_time(configuration.version, configuration.priority, interval)
        return configuration.tolerated_silence(interval) + skew

    def _decide(self, own: Address | None, peer: Address | None) -> State:
        if own is not None:
            return State.ACTIVE
        return State.INITIALIZE if peer is None else State.BACKUP

    def _reason(self, own: Address | None, peer: Address | None) -> str:
        if own is not None:
            return f"this host advertises from {own}"
        if peer is not None:
            return f"{peer} advertises"
        return "no router advertises"

    def _fault(self, now: float) -> str | None:
        waiting = self._active_down_interval(None)
        if self._state is not State.INITIALIZE or now - self._begun_at <= waiting:
            return None
        return f"no router has advertised for {waiting:.1f} s"

    def _differing(
        self, own: Address | None, peer: Address | None, held: Collection[Address], now: float
    ) -> tuple[str, ...]:
        """Return which virtual addresses this host holds against its state.

        A difference counts when it lasts longer than an active-down interval.
        """
        addresses = configured_addresses(self.configuration.virtual_addresses)
        present = [address for address in addresses if address in held]
        if own is not None:
            absent = [address for address in addresses if address not in held]
            text = f"this host advertises, but does not hold {' '.join(map(str, absent))}"
            wrong = absent
        else:
            other = f"{peer} advertises" if peer else "no router advertises"
            text = f"this host holds {' '.join(map(str, present))}, although {other}"
            wrong = present
        if not wrong:
            self._mismatch_since = None
            return ()
        if self._mismatch_since is None:
            self._mismatch_since = now
        lasting = now - self._mismatch_since > self._active_down_interval(None)
        return (text,) if lasting else ()

    def _status(
        self, own: Address | None, peer: Address | None, held: Collection[Address], now: float
    ) -> InstanceStatus:
        configuration = self.configuration
        advertised = None if own is None else self._latest[own].advertisement.priority
        latest = None if peer is None else self._latest[peer]
        return InstanceStatus(
            instance=configuration.name,
            state=self._state,
            priority=configuration.priority if advertised is None else advertised,
            virtual_router_id=configuration.virtual_router_id,
            interface=configuration.interface,
            virtual_addresses=configuration.held_addresses,
            handing_over=False,
            yielding=False,
            active_router=None if peer is None else str(peer),
            active_priority=None if latest is None else latest.advertisement.priority,
            preempt=configuration.preempt,
            active_down_interval=self._active_down_interval(own or peer),
            counters=dict(self._counters),
            priority_arithmetic=(
                f"{configuration.priority} (configured)"
                if advertised is None
                else f"{advertised} (advertised)"
            ),
            fault=self._fault(now),
            sync_group=configuration.sync_group,
            alarms=(*self._alarms.raised.values(), *self._differing(own, peer, held, now)),
            alarm_kinds=tuple(self._alarms.raised),
            advertising_routers=tuple(self._describe(now)),
        )

    def _describe(self, now: float) -> Iterator[AdvertisingRouter]:
        for address, latest in self._latest.items():
            advertisement = latest.advertisement
            yield AdvertisingRouter(
                address=str(address),
                priority=advertisement.priority,
                version=advertisement.version,
                advert_interval=advertisement.advert_interval,
                virtual_addresses=tuple(map(str, advertisement.addresses)),
                age=now - latest.at,
                dropped=None if latest.dropped is None else latest.dropped.value,
                this_host=latest.this_host,
            )


def _decode(datagram: Datagram) -> Advertisement:
    """Decode a packet, with or without the trailer of auth_hmac. Raises PacketError."""
    message, trailer = split_trailer(datagram.payload, datagram.source)
    if not is_trailer(trailer):
        message, trailer = datagram.payload, b""
    return decode(message, datagram.source, datagram.destination, trailer)
