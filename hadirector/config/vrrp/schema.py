"""The keys of a VRRP instance."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from hadirector.config.keys.addresses import Address, MulticastGroup, Port
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import InterfaceName, Name
from hadirector.config.keys.readers import BOOLEAN, choice, duration, integer
from hadirector.config.keys.section import TRUE_OR_FALSE, Placed, Section, place_items, switch
from hadirector.config.scripts.schema import NotifySection
from hadirector.config.tracking.schema import TrackSection
from hadirector.config.vrrp.addresses.schema import AddressSection, VirtualAddress
from hadirector.config.vrrp.authentication import AuthenticationSection, AuthHmacSection
from hadirector.config.vrrp.routes.schema import RouteSection, RuleSection
from vrrp.model.configuration import first_family, virtual_mac_interface
from vrrp.protocol.inquiry import DEFAULT_PORT


class PreemptSection(Section):
    """The settings of preemption. None in place of the section turns preemption off."""

    other_form = TRUE_OR_FALSE

    delay: Annotated[
        float,
        duration("10ms", "1h"),
        Key("The time to wait before taking over from a lower priority.", default="none"),
    ] = 0.0


class VirtualMacSection(Section):
    """The macvlan with the virtual MAC. Without this section, the MAC of the interface is used."""

    other_form = TRUE_OR_FALSE

    name: Annotated[
        InterfaceName | None,
        Key("The name of the macvlan.", default="`vrrp4-VRID` or `vrrp6-VRID`"),
    ] = None


class DeathCertificatesSection(Section):
    """The settings of death certificates. None in place of the section turns them off."""

    port: Annotated[
        Port, Key("The UDP port of questions. It is the same on every director of the VRID.")
    ] = DEFAULT_PORT


class UnicastSection(Section):
    """The peers that exchange advertisements by unicast."""

    source: Annotated[
        Address | None,
        Key(
            "The address of this director on `interface`. It is not a virtual address. `udp` needs"
            " it.",
            default="the primary address of `interface`; over IPv6 its link-local address",
        ),
    ] = None
    peers: Annotated[
        list[Address],
        Key(
            "The other directors. Advertisements from any other address are dropped.",
            type="list of addresses, not empty",
        ),
    ]
    ttl_min: Annotated[
        Annotated[int, integer(1, 255)] | None,
        Key(
            "Not with udp: the lowest TTL (IPv6: hop limit) that is accepted. Advertisements are"
            " sent with 255 and each router on the way lowers it by one, so 255 proves that a peer"
            " is on the link. Below 255, any host that can send with the address of a peer is"
            " accepted, so use `auth_hmac`. keepalived sends IPv6 unicast with 64 (2.2.7 and"
            " 2.4.3): such a peer is dropped as `peer_ttl` unless this is 64.",
            default="255",
        ),
    ] = None
    port: Annotated[
        Port | None, Key("Only with udp: the port of all directors.", default="1112")
    ] = None


class VrrpSection(Section):
    """One VRRP instance."""

    later = frozenset({"director_silence"})
    renamed = {
        "clamp": "clamp_learned_interval",
        "blind_weight": "blind_priority_weight",
    }

    name: Annotated[Name, Key("The name of the instance in commands and logs.")]
    interface: Annotated[
        InterfaceName,
        Key(
            "The interface that sends advertisements and holds the virtual addresses. While it does"
            " not exist, the instance takes no part (`interface_missing`).",
            type="interface name, at most 15 characters",
        ),
    ]
    virtual_router_id: Annotated[
        int, integer(1, 255), Key("The VRID. It is the same on every director of the group.")
    ]
    version: Annotated[
        Literal[2, 3],
        integer(2, 3),
        Key("The protocol version of the advertisements.", type="2 or 3"),
    ] = 3
    priority: Annotated[
        int,
        integer(1, 255),
        Key("The director with the highest priority becomes active. 255 is the address owner."),
    ] = 100
    advert_interval: Annotated[
        float,
        duration("10ms", "255s"),
        Key(
            "The time between advertisements.",
            type="duration: version 3 `10ms` to `40.95s` in steps of 10 ms, version 2 whole seconds"
            " `1s` to `255s`",
        ),
    ] = 1.0
    preempt: Annotated[
        PreemptSection | None,
        switch(PreemptSection, "true, false or {delay: DURATION}"),
        Key(
            "Whether this director takes over from an active director with a lower priority.",
            type="`true`, `false`, or [preempt](#preempt)",
            default="`true`",
        ),
    ] = PreemptSection()
    virtual_addresses: Annotated[
        list[VirtualAddress],
        Key(
            "The addresses that the active director holds and advertises. Over IPv6 the version is"
            " 3, and the first address should be link-local (RFC 9568 5.2.9): otherwise"
            " `check-config` and `status` show a warning. The list may be empty if the instance or"
            " its sync group has `notify`; see [roles without"
            " addresses](#roles-without-addresses).",
            type="list of [addresses](#virtual_addresses) of one family: at most 255 of IPv4, 89 of"
            " IPv6",
        ),
    ]
    unadvertised_addresses: Annotated[
        list[VirtualAddress],
        Key(
            "Further addresses that the active director holds without advertising them: addresses"
            " of the other family, or more addresses than fit into an advertisement.",
            type="list of at most 1000 [addresses](#virtual_addresses) of either family",
            default="empty",
        ),
    ] = []
    virtual_routes: Annotated[
        list[RouteSection],
        Key(
            "The routes of the active director.",
            type="list of [routes](#virtual_routes)",
            default="empty",
        ),
    ] = []
    virtual_rules: Annotated[
        list[RuleSection],
        Key(
            "The routing rules of the active director.",
            type="list of [rules](#virtual_rules)",
            default="empty",
        ),
    ] = []
    virtual_mac: Annotated[
        VirtualMacSection | None,
        switch(VirtualMacSection, "true, false or {name: INTERFACE}"),
        Key(
            "Whether the virtual addresses have the MAC of the virtual router, which is the same on"
            " every director (RFC 9568 7.3), instead of the MAC of the interface.",
            type="`true`, `false`, or [virtual_mac](#virtual_mac)",
            default="`false`",
        ),
    ] = None
    transport: Annotated[
        Literal["multicast", "udp"],
        choice(("multicast", "udp")),
        Key(
            "`multicast`: IP protocol 112 to the `group`. `udp`: the same packets in UDP datagrams."
            " `udp` needs `unicast`, and outside 127.0.0.0/8 also `auth_hmac` in mode"
            " `enforce`."
        ),
    ] = "multicast"
    source: Annotated[
        Address | None,
        Key(
            "Multicast over protocol 112 only: the address of `interface` that the advertisements"
            " are sent from. It decides ties. While `interface` does not have the address, the"
            " instance has the fault `source_missing`. Over IPv6 it is link-local.",
            default="the primary address; over IPv6 the link-local address",
        ),
    ] = None
    group: Annotated[
        MulticastGroup | None,
        Key(
            "Multicast over protocol 112 only: the multicast group. It is the same on every"
            " director of the VRID. Over IPv6 it is in ff02::/16.",
            default="`224.0.0.18` or `ff02::12`",
        ),
    ] = None
    unicast: Annotated[
        UnicastSection | None,
        Key(
            "The peers that get the advertisements instead of the multicast group: over protocol"
            " 112, as with `unicast_peer` of keepalived, or with `transport: udp`.",
            type="[unicast](#unicast)",
            default="none",
        ),
    ] = None
    checksum: Annotated[
        Literal["rfc5798", "rfc9568"],
        choice(("rfc5798", "rfc9568")),
        Key(
            "Version 3 over IPv4 only: send checksums with the pseudo-header (`rfc5798`, as"
            " keepalived does) or without it (`rfc9568`). Both forms are accepted."
        ),
    ] = "rfc5798"
    authentication: Annotated[
        AuthenticationSection | None,
        Key(
            "Version 2 only: the password of RFC 2338.",
            type="[authentication](#authentication)",
            default="none",
        ),
    ] = None
    auth_hmac: Annotated[
        AuthHmacSection | None,
        Key(
            "Sign every advertisement, and accept only signed advertisements.",
            type="[auth_hmac](#auth_hmac)",
            default="none",
        ),
    ] = None
    track: Annotated[
        list[TrackSection | None],
        Key(
            "The objects that this instance depends on.",
            type="list of [tracked objects](#track)",
            default="none",
        ),
    ] = []
    blind_priority_weight: Annotated[
        int,
        integer(-253, 0),
        Key(
            "The number that is added to the priority while this director is [blind](#the-brake)."
            " 0 leaves the priority unchanged."
        ),
    ] = -150
    ignore_carrier: Annotated[
        bool,
        BOOLEAN,
        Key(
            "Take part in elections while `interface` is down or without carrier, as with"
            " `dont_track_primary` of keepalived; see [the own interface](#the-own-interface)."
        ),
    ] = False
    flap_delay: Annotated[
        float,
        duration("10ms", "1h"),
        Key(
            "How long `interface` may be without carrier before this instance gives up its"
            " addresses. A peer takes over after `down_timer_adverts` intervals without an"
            " advertisement.",
            type="duration, at most two advertisement intervals, or one less than"
            " `down_timer_adverts`",
            default="none",
        ),
    ] = 0.0
    start_delay: Annotated[
        float,
        duration("10ms", "1h"),
        Key(
            "How long a director only listens after its start, for example until a switch port"
            " forwards. An instance that resumes after a crash of the vrrp process does not wait.",
            default="none",
        ),
    ] = 0.0
    max_learned_interval: Annotated[
        Annotated[float, duration("10ms", "40.95s")] | None,
        Key(
            "Version 3 follows the interval of the active router. A longer interval than this"
            " raises an alarm: it may be forged, and the takeover takes three times as long.",
            type="duration, at least `advert_interval`, up to `40.95s`",
            default="ten times `advert_interval`, at least `5s`",
        ),
    ] = None
    clamp_learned_interval: Annotated[
        bool,
        BOOLEAN,
        Key(
            "Do not follow an interval longer than `max_learned_interval`. If the active router"
            " really is that slow, **both directors become active** in turns, because its"
            " advertisements arrive too seldom."
        ),
    ] = False
    down_timer_adverts: Annotated[
        int,
        integer(3, 10),
        Key(
            "How many advertisement intervals without an advertisement a BACKUP waits, besides the"
            " skew time, before it takes over. It is the same on every director of the VRID. A"
            " higher number tolerates longer pauses of a virtual machine, and a takeover takes"
            " longer; so do the lifetime of the addresses and the pause after which an active"
            " director gives up the addresses itself."
        ),
    ] = 3
    death_certificates: Annotated[
        DeathCertificatesSection | None,
        switch(DeathCertificatesSection, "true, false or {port: PORT}"),
        Key(
            "Whether the host of the active director is asked about a missed advertisement. If all"
            " processes of that director are dead, its kernel refuses the question, and a BACKUP"
            " takes over after about one advertisement interval and the skew time, instead of"
            " `down_timer_adverts` intervals. Not with `transport: udp`.",
            type="`true`, `false`, or [death_certificates](#death_certificates)",
            default="`false`",
        ),
    ] = None
    address_mismatch: Annotated[
        Literal["drop", "accept"],
        choice(("drop", "accept")),
        Key(
            "Version 2 only: whether an advertisement that lists other addresses is dropped (RFC"
            " 3768 7.1). Version 3 counts and reports it, and never drops it."
        ),
    ] = "drop"
    notify: Annotated[
        list[NotifySection | None],
        Key(
            "The scripts that run for new states.",
            type="list of [notify](#notify)",
            default="none",
        ),
    ] = []

    @property
    def family(self) -> Literal[4, 6]:
        """The IP version of the advertisements, which is the version of the virtual addresses.

        Without virtual addresses it is the version of the source or of the multicast group.
        """
        first = [address.address for address in self.virtual_addresses[:1]]
        unicast = () if self.unicast is None else (self.unicast.source, *self.unicast.peers[:1])
        return first_family((*first, *unicast, self.source, self.group))

    @property
    def works_without_carrier(self) -> bool:
        """Whether the instance takes part in elections without a carrier on ``interface``.

        A tracked weight for the same interface lowers the priority instead of causing a
        fault.
        """
        return self.ignore_carrier or any(
            tracked.interface == self.interface and tracked.weight for _, tracked in self.tracked
        )

    @property
    def macvlan(self) -> str | None:
        """The name of the macvlan with the virtual MAC; None without one."""
        if self.virtual_mac is None:
            return None
        return self.virtual_mac.name or virtual_mac_interface(self.family, self.virtual_router_id)

    @cached_property
    def held_addresses(self) -> tuple[Placed[AddressSection], ...]:
        """Every address that the ACTIVE director holds, with its path below the instance."""
        return (
            *place_items(("virtual_addresses",), self.virtual_addresses),
            *place_items(("unadvertised_addresses",), self.unadvertised_addresses),
        )

    @cached_property
    def tracked(self) -> tuple[Placed[TrackSection], ...]:
        """The tracked objects, with their paths below the instance."""
        return place_items(("track",), self.track)

    @cached_property
    def notify_scripts(self) -> tuple[Placed[NotifySection], ...]:
        """The notify scripts, with their paths below the instance."""
        return place_items(("notify",), self.notify)
