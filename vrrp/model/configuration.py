"""What one VRRP instance is configured to be. Validated by whoever reads it from a file."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec


class Multicast(msgspec.Struct, frozen=True, tag="multicast"):
    """Protocol 112 to 224.0.0.18 or ff02::12 on the instance's interface (RFC 9568 5.1)."""


class Unicast(msgspec.Struct, frozen=True, tag="unicast"):
    """Protocol 112 to named peers, from ``source``, an address of the instance's interface.

    ``peers`` are the only addresses heard, with a TTL of ``ttl_min`` at least; 255 is sent.
    """

    source: str
    peers: tuple[str, ...]
    ttl_min: int = 255


class UdpUnicast(msgspec.Struct, frozen=True, tag="udp"):
    """The same packets inside UDP datagrams, for places where protocol 112 does not pass.

    ``source`` is our own address, also the one used for tie-breaks and pseudo-headers; ``peers``
    are the only addresses heard. All of them use the same ``port``.
    """

    source: str
    peers: tuple[str, ...]
    port: int = 1112


class Secret(msgspec.Struct, frozen=True):
    """Bytes that no log line, status or traceback may show."""

    value: bytes

    def __repr__(self) -> str:
        return "Secret()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show rich no more than anyone else."""
        return []


class PassAuthentication(msgspec.Struct, frozen=True, tag="pass"):
    """RFC 2338's plain password, for version 2: 1 to 8 characters of ASCII.

    It travels in the clear and is the same in every message: it keeps a neighbour's wrong
    configuration out, not an attacker.
    """

    password: Secret


HmacMode = Literal["receive_only", "permissive", "enforce"]


class HmacKey(msgspec.Struct, frozen=True):
    """A shared key of auth_hmac, 32 to 64 bytes, and its id on the wire (0 to 255)."""

    key_id: int
    secret: Secret


class HmacAuthentication(msgspec.Struct, frozen=True, tag="hmac", kw_only=True):
    """auth_hmac (`vrrp.protocol.authentication`). ``window`` is in seconds.

    Every key is good for receiving, the one of ``send_key`` for sending. In ``receive_only`` and
    ``permissive`` what is not authentic is counted, not dropped; ``receive_only`` sends no trailer.
    ``sequence_file`` keeps the last sequence number over a restart; empty for none.
    """

    mode: HmacMode
    send_key: int
    keys: tuple[HmacKey, ...]
    window: float
    sequence_file: str = ""

    def key(self, key_id: int) -> Secret | None:
        """Find a key by its id."""
        return next((each.secret for each in self.keys if each.key_id == key_id), None)


Transport = Multicast | Unicast | UdpUnicast
Authentication = PassAuthentication | HmacAuthentication


TrackedKind = Literal["interface", "pool", "script", "file", "process", "visibility"]


class TrackedKey(NamedTuple):
    """The identity of a tracked object. Its text is what reports call the object: "pool web"."""

    kind: TrackedKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class TrackedObject(msgspec.Struct, frozen=True, kw_only=True):
    """Something that an instance depends on; `vrrp.router.priority` says what follows from its
    value.

    Without a ``weight`` the instance takes part only while the object is well. ``flap_delay`` is
    how many seconds an interface's change has to last before it counts.
    """

    key: TrackedKey
    weight: int = 0
    flap_delay: float = 0.0


class Placement(msgspec.Struct, frozen=True):
    """How one of an instance's addresses is put on the host, where that is not the plain way.

    ``device`` is another interface than the instance's, ``label`` the name that old tools show
    IPv4 addresses by, ``scope`` the kernel's number (rtnetlink(7), rtm_scope).
    """

    address: str
    device: str | None = None
    label: str | None = None
    scope: int = 0


RouteKind = Literal["unicast", "blackhole", "unreachable", "prohibit"]
RuleKind = Literal["table", "blackhole", "unreachable", "prohibit"]


class VirtualRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A route that moves with the addresses (ip-route(8)).

    ``destination`` is a prefix ("10.0.0.0/8"), ``source`` the address preferred for what the host
    itself sends, ``metric`` what the kernel keeps: IPv6 knows no 0.
    """

    destination: str
    gateway: str | None = None
    device: str | None = None
    source: str | None = None
    metric: int = 0
    table: int = 254
    scope: int = 0
    kind: RouteKind = "unicast"
    on_link: bool = False


class VirtualRule(msgspec.Struct, frozen=True, kw_only=True):
    """A routing rule that moves with the addresses (ip-rule(8)).

    ``source`` and ``destination`` are prefixes of one family, "0.0.0.0/0" or "::/0" for any.
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
    """One VRRP instance. Durations are seconds; addresses are literals in canonical form.

    ``virtual_addresses`` carry their prefix length ("192.0.2.1/32"), and so do the
    ``unadvertised_addresses``, which move with them and may be of the other family. The
    ``placements`` are of some of them, by the same texts. ``checksum`` chooses the form that is
    sent for version 3 over IPv4: with the pseudo-header ("rfc5798", as keepalived and FRR do by
    default) or without ("rfc9568"). Both are accepted. ``flap_delay`` is how long the interface may
    be without carrier before the instance minds, ``start_delay`` how long it only listens at first.
    In version 3 a learned interval above `learned_interval_limit` is alarmed, and with
    ``clamp_learned_interval`` not followed. ``address_mismatch`` says whether version 2 drops an
    advertisement that lists other addresses (RFC 3768 7.1). Instances of one ``sync_group`` move
    together. ``virtual_mac`` is the name of the macvlan that the addresses stand on, with the
    virtual router's MAC; None: on the interface itself.
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
    flap_delay: float = 0.0
    start_delay: float = 0.0
    max_learned_interval: float | None = None
    clamp_learned_interval: bool = False
    address_mismatch: Literal["drop", "accept"] = "drop"
    sync_group: str | None = None
    virtual_mac: str | None = None

    @property
    def learned_interval_limit(self) -> float:
        """The longest interval of another router that is nothing to worry about, in seconds."""
        return self.max_learned_interval or max(10 * self.advert_interval, 5.0)

    @property
    def held_addresses(self) -> tuple[str, ...]:
        """What the active router holds and announces: the advertised ones and the others."""
        return self.virtual_addresses + self.unadvertised_addresses

    @property
    def family(self) -> Literal[4, 6]:
        """The IP version of the virtual addresses, which is that of the advertisements."""
        return 6 if ":" in self.virtual_addresses[0] else 4

    @property
    def device(self) -> str:
        """Where the addresses stand that are not placed elsewhere."""
        return self.virtual_mac or self.interface

    @property
    def hardware_address(self) -> bytes:
        """The virtual router's MAC (RFC 9568 7.3)."""
        return bytes((0, 0, 0x5E, 0, 1 if self.family == 4 else 2, self.virtual_router_id))

    @property
    def authenticated(self) -> bool:
        """Whether nobody without a key is believed."""
        authentication = self.authentication
        return isinstance(authentication, HmacAuthentication) and authentication.mode == "enforce"

    @property
    def identity(self) -> tuple[object, ...]:
        """What cannot change without becoming another virtual router, or another path to it."""
        return (
            self.name,
            self.interface,
            self.virtual_router_id,
            self.version,
            self.family,
            self.transport,
            self.virtual_mac,
        )

    def tracked(self, kind: TrackedKind) -> list[str]:
        """The names of the objects of one kind that are tracked."""
        return [tracked.key.name for tracked in self.track if tracked.key.kind == kind]


def virtual_mac_interface(family: int, virtual_router_id: int) -> str:
    """The name a macvlan has that is given no other."""
    return f"vrrp{family}-{virtual_router_id}"
