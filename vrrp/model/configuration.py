"""The configuration of one VRRP instance.

The configuration reader validates these values. This module does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import msgspec


class Multicast(msgspec.Struct, frozen=True, tag="multicast"):
    """Transport: IP protocol 112 to a multicast group on the interface (RFC 9568 5.1).

    ``source`` is an address of the interface. None selects its primary IPv4 address, or over
    IPv6 its link-local address. ``group`` None stands for 224.0.0.18 or ff02::12.
    """

    source: str | None = None
    group: str | None = None


class Unicast(msgspec.Struct, frozen=True, tag="unicast"):
    """Transport: IP protocol 112 to ``peers`` from ``source``, an address of the interface.

    None selects the source as for `Multicast`, and a peer with the address of the source gets
    nothing.
    Advertisements are accepted from ``peers`` only, with a TTL of at least ``ttl_min``. They
    are sent with a TTL of 255.
    """

    peers: tuple[str, ...]
    source: str | None = None
    ttl_min: int = 255


class UdpUnicast(msgspec.Struct, frozen=True, tag="udp"):
    """Transport: the same packets inside UDP datagrams, for networks that block IP protocol 112.

    ``source`` is the local address. It also decides ties between equal priorities, and is part
    of the pseudo-header of the checksum. Advertisements are accepted from ``peers`` only. All
    routers use the same ``port``.
    """

    source: str
    peers: tuple[str, ...]
    port: int = 1112


class Secret(msgspec.Struct, frozen=True):
    """A value that must not appear in a log line, a status or a traceback."""

    value: bytes

    def __repr__(self) -> str:
        return "Secret()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Hide the value from the traceback formatter of rich as well."""
        return []


class PassAuthentication(msgspec.Struct, frozen=True, tag="pass"):
    """The simple text password of VRRP version 2 (RFC 2338): 1 to 8 ASCII characters.

    The password is sent in clear text. It protects against a misconfigured neighbor, but not
    against an attacker.
    """

    password: Secret


HmacMode = Literal["receive_only", "permissive", "enforce"]


class HmacKey(msgspec.Struct, frozen=True):
    """A shared key of auth_hmac (32 to 64 bytes), and its id in packets (0 to 255)."""

    key_id: int
    secret: Secret


class HmacAuthentication(msgspec.Struct, frozen=True, tag="hmac", kw_only=True):
    """The configuration of auth_hmac (`vrrp.protocol.authentication`). ``window`` is in seconds.

    A received message may be signed with any of the ``keys``. The key with the id ``send_key``
    signs sent messages. The modes ``receive_only`` and ``permissive`` count advertisements that
    are not authentic, and accept them. In ``receive_only`` the instance sends no trailer.
    ``sequence_file`` stores the last sequence number for the next start; if it is empty,
    nothing is stored.
    """

    mode: HmacMode
    send_key: int
    keys: tuple[HmacKey, ...]
    window: float
    sequence_file: str = ""

    def key(self, key_id: int) -> Secret | None:
        """Return the key with this id; None if there is none."""
        return next((key.secret for key in self.keys if key.key_id == key_id), None)


Transport = Multicast | Unicast | UdpUnicast
Authentication = PassAuthentication | HmacAuthentication


TrackedKind = Literal[
    "interface", "pool", "script", "file", "process", "visibility", "fitness", "readiness"
]


class TrackedKey(NamedTuple):
    """The identity of a tracked object. As text it is the name in reports, such as "pool web"."""

    kind: TrackedKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class TrackedObject(msgspec.Struct, frozen=True, kw_only=True):
    """An object whose value affects elections of an instance (`vrrp.router.priority`).

    Without a ``weight``, the instance takes part in elections only while the object is up.
    ``weight_when`` is the state in which the weight is added to the priority. With None, a
    positive weight is added while the object is up, and a negative weight while it is down. A
    tracked file has a number instead of a state, and its weight is multiplied by this number.

    A change of an interface takes effect when it has lasted ``flap_delay`` seconds.
    """

    key: TrackedKey
    weight: int = 0
    weight_when: Literal["up", "down"] | None = None
    flap_delay: float = 0.0

    def amount(self, value: int) -> int:
        """Return the number that is added to the priority when the object has this value."""
        if self.key.kind == "file":
            return self.weight * value
        counts_while_up = self.weight > 0 if self.weight_when is None else self.weight_when == "up"
        return self.weight if bool(value) == counts_while_up else 0


class Placement(msgspec.Struct, frozen=True):
    """The options of one virtual address (ip-address(8)). Most addresses have no options.

    ``device`` replaces the interface of the instance. ``label`` is the name under which older
    tools show an IPv4 address. ``scope`` is the kernel's number (rtnetlink(7), rtm_scope).
    """

    address: str
    device: str | None = None
    label: str | None = None
    scope: int = 0


RouteKind = Literal["unicast", "blackhole", "unreachable", "prohibit"]
RuleKind = Literal["table", "blackhole", "unreachable", "prohibit"]


class NextHop(msgspec.Struct, frozen=True, kw_only=True):
    """One of the next hops of a route. Flows are divided among them in proportion to ``weight``."""

    gateway: str | None = None
    device: str | None = None
    weight: int = 1
    on_link: bool = False


class VirtualRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A route that exists only while the router is ACTIVE, like the addresses (ip-route(8)).

    ``destination`` is a prefix ("10.0.0.0/8"). ``source`` is the preferred source address of
    packets that this host sends. ``metric`` is the value that the kernel stores: it is never 0
    for IPv6. A route with ``nexthops`` has at least two of them, and neither a gateway nor a
    device.
    """

    destination: str
    gateway: str | None = None
    device: str | None = None
    nexthops: tuple[NextHop, ...] = ()
    source: str | None = None
    metric: int = 0
    table: int = 254
    scope: int = 0
    kind: RouteKind = "unicast"
    on_link: bool = False

    @property
    def devices(self) -> frozenset[str]:
        """The devices of the route and its next hops."""
        named = (self.device, *(hop.device for hop in self.nexthops))
        return frozenset(device for device in named if device is not None)


class VirtualRule(msgspec.Struct, frozen=True, kw_only=True):
    """A routing rule that exists only while the router is ACTIVE, like the addresses (ip-rule(8)).

    ``source`` and ``destination`` are prefixes of the same family. "0.0.0.0/0" and "::/0" match
    every address.
    """

    source: str
    destination: str
    priority: int
    table: int = 0
    kind: RuleKind = "table"
    input_device: str | None = None
    output_device: str | None = None
    mark: int | None = None
    mask: int = 0xFFFFFFFF


class InstanceConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """One VRRP instance. Durations are in seconds; addresses are literals in canonical form.

    - ``virtual_addresses`` and ``unadvertised_addresses`` include the prefix length
      ("192.0.2.1/32"). Unadvertised addresses move with the virtual addresses, and their family
      may differ. ``placements`` have the same texts as keys.
    - ``checksum`` selects the form that is sent for version 3 over IPv4: with the pseudo-header
      ("rfc5798", the default of keepalived and FRR) or without it ("rfc9568"). Both forms are
      accepted on receipt.
    - ``virtual_addresses`` may be empty: the instance then only elects a role.
    - ``ignore_carrier``: the loss of carrier on the interface is no fault of the instance.
    - ``flap_delay`` is the longest loss of carrier that has no effect. ``start_delay`` is the
      time after the start during which the instance does not become ACTIVE.
    - In version 3, a learned interval above `learned_interval_limit` raises an alarm.
      ``clamp_learned_interval`` limits the learned interval to it.
    - ``down_timer_adverts`` is the number of advertisement intervals without an advertisement
      after which a BACKUP router takes over, apart from the skew time (RFC 9568 6.1: 3).
    - ``address_mismatch`` decides whether version 2 drops an advertisement with a different
      address list (RFC 3768 7.1).
    - Instances with the same ``sync_group`` change state together.
    - ``death_certificate_port`` is the UDP port of questions and answers about the process of the
      active router (`vrrp.router.death_certificate`). None: there are none.
    - ``virtual_mac`` is the name of the macvlan that has the virtual MAC address and holds the
      virtual addresses. None: the interface holds them.
    """

    name: str
    interface: str
    virtual_router_id: int
    virtual_addresses: tuple[str, ...]
    unadvertised_addresses: tuple[str, ...] = ()
    placements: tuple[Placement, ...] = ()
    virtual_routes: tuple[VirtualRoute, ...] = ()
    virtual_rules: tuple[VirtualRule, ...] = ()
    version: Literal[2, 3] = 3
    priority: int = 100
    advert_interval: float = 1.0
    preempt: bool = True
    preempt_delay: float = 0.0
    checksum: Literal["rfc5798", "rfc9568"] = "rfc5798"
    transport: Transport = Multicast()
    authentication: Authentication | None = None
    track: tuple[TrackedObject, ...] = ()
    ignore_carrier: bool = False
    flap_delay: float = 0.0
    start_delay: float = 0.0
    max_learned_interval: float | None = None
    clamp_learned_interval: bool = False
    down_timer_adverts: int = 3
    address_mismatch: Literal["drop", "accept"] = "drop"
    sync_group: str | None = None
    virtual_mac: str | None = None
    death_certificate_port: int | None = None

    @property
    def learned_interval_limit(self) -> float:
        """The longest advertisement interval of a peer that raises no alarm, in seconds."""
        return self.max_learned_interval or max(10 * self.advert_interval, 5.0)

    def tolerated_silence(self, advert_interval: float) -> float:
        """Return the silence before a takeover, in seconds: without the skew time."""
        return self.down_timer_adverts * advert_interval

    @property
    def held_addresses(self) -> tuple[str, ...]:
        """All addresses that the ACTIVE router holds and announces."""
        return self.virtual_addresses + self.unadvertised_addresses

    @property
    def family(self) -> Literal[4, 6]:
        """The IP version of the virtual addresses and of the advertisements."""
        transport = self.transport
        others = (transport.group,) if isinstance(transport, Multicast) else transport.peers[:1]
        return first_family((*self.virtual_addresses[:1], transport.source, *others))

    @property
    def device(self) -> str:
        """The interface that holds the addresses, unless a placement names another device."""
        return self.virtual_mac or self.interface

    @property
    def hardware_address(self) -> bytes:
        """The virtual MAC address (RFC 9568 7.3)."""
        return bytes((0, 0, 0x5E, 0, 1 if self.family == 4 else 2, self.virtual_router_id))

    @property
    def authenticated(self) -> bool:
        """Whether advertisements without a valid trailer of auth_hmac are dropped."""
        authentication = self.authentication
        return isinstance(authentication, HmacAuthentication) and authentication.mode == "enforce"

    @property
    def identity(self) -> tuple[object, ...]:
        """The fields that cannot change in a running instance.

        If they change, a new instance replaces it.
        """
        return (
            self.name,
            self.interface,
            self.virtual_router_id,
            self.version,
            self.family,
            self.transport,
            self.virtual_mac,
        )

    def tracked_names(self, kind: TrackedKind) -> list[str]:
        """Return the names of the tracked objects of one kind."""
        return [tracked.key.name for tracked in self.track if tracked.key.kind == kind]


def first_family(addresses: Iterable[str | None]) -> Literal[4, 6]:
    """Return the IP version of the first address in the list that is not None; 4 without any."""
    first = next((address for address in addresses if address is not None), "")
    return 6 if ":" in first else 4


def virtual_mac_interface(family: int, virtual_router_id: int) -> str:
    """Return the default name of the macvlan interface of a virtual router."""
    return f"vrrp{family}-{virtual_router_id}"
