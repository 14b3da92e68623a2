"""The keys of a configuration file, section by section, with their types and defaults.

One class per section, one field per key; docs/configuration.md describes each. What spans several
keys is judged in ``hadirector.config.rules``. ``None`` in place of a section or list element is
one that was found faulty and cut out, so that the rules can still judge the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, PlainValidator

from hadirector.config.checks.schema import CheckSection, read_check
from hadirector.config.checks.values import mark_range
from hadirector.config.kernel.schema import (
    ConnectionTimeoutsSection,
    SyncDaemonSection,
    SysctlsSection,
)
from hadirector.config.keys.section import (
    Address,
    InterfaceName,
    Name,
    Port,
    Section,
)
from hadirector.config.keys.values import (
    Endpoint,
    PortRange,
    boolean,
    choice,
    duration,
    endpoint,
    expected,
    healthy_minimum,
    password,
    port_range,
    service_endpoint,
    text,
    whole,
    whole_seconds,
)
from hadirector.config.pools.schema import FlapDamping, InitialState, SlowStart
from hadirector.config.services.schema import TunnelSection
from hadirector.config.tracking.schema import NotifySection, SyncGroupSection, TrackSection
from hadirector.config.vrrp.addresses.schema import VirtualAddress
from hadirector.config.vrrp.key_file import key_file
from hadirector.config.vrrp.routes.schema import RouteSection, RuleSection
from hadirector.model.configuration import DataplaneName, OnFailure
from hadirector.model.ipvs import (
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Scheduler,
    SchedulerFlag,
    ServiceKey,
)
from hadirector.model.policy import HealthyMinimum
from hadirector.model.vip_probes import DEFAULT_MARKS, MarkRange
from vrrp.model.configuration import HmacMode, Secret

SERVICES_MAX = 1000
"""Services of one virtual server. Each is read, compared and changed with the whole pool."""

# A Unix socket's path has 108 bytes with the final zero (unix(7)).
SocketPath = Annotated[
    str,
    PlainValidator(text(r"/[\x21-\x7e]{1,106}", "an absolute path of at most 107 characters")),
]
# Leaves room for /api.sock, the socket in it.
Directory = Annotated[
    str,
    PlainValidator(text(r"/[\x21-\x7e]{1,97}", "an absolute path of at most 98 characters")),
]
Boolean = Annotated[bool, PlainValidator(boolean)]


WeightSum = Annotated[int, PlainValidator(whole(1, 0x7FFFFFFF))]
# ip_vs keeps a connection threshold in 32 bits.
Threshold = Annotated[int, PlainValidator(whole(1, 0xFFFFFFFF))]
ProbesPerSecond = Annotated[int, PlainValidator(whole(1, 100_000))]
Flag = Annotated[SchedulerFlag, PlainValidator(choice(SchedulerFlag))]
Check = Annotated[CheckSection, PlainValidator(read_check)]


class DirectorSection(Section):
    """The director itself."""

    name: Name | None = None
    dataplane: Annotated[
        DataplaneName, PlainValidator(choice(("ipvs", "userspace", "dry-run")))
    ] = "ipvs"
    on_stop: Annotated[Literal["release", "keep"], PlainValidator(choice(("release", "keep")))] = (
        "release"
    )
    realtime: Boolean = False
    runtime_directory: Directory = "/run/hadirector"
    state_directory: Directory | None = None
    check: Check | None = None
    probe_marks: Annotated[MarkRange, PlainValidator(mark_range)] = DEFAULT_MARKS
    probes_per_second: ProbesPerSecond | None = None
    target_probes_per_second: ProbesPerSecond | None = None


class ApiSection(Section):
    """Where the director takes orders."""

    later = frozenset({"listen", "token_file", "tls_certificate_file", "tls_key_file"})

    unix: SocketPath | None = None


class PreemptSection(Section):
    """How to preempt. In place of the section, None is not at all."""

    delay: Annotated[float, PlainValidator(duration("10ms", "1h"))] = 0.0


class VirtualMacSection(Section):
    """The macvlan of the virtual MAC. In place of the section, None is the interface's own MAC."""

    name: InterfaceName | None = None


class UnicastSection(Section):
    """Which directors talk to each other without multicast."""

    source: Address
    peers: list[Address]
    ttl_min: Annotated[int, PlainValidator(whole(1, 255))] | None = None
    port: Port | None = None


class AuthenticationSection(Section):
    """The password of version 2."""

    type: Annotated[Literal["pass"], PlainValidator(choice(("pass",)))]
    password: Annotated[Secret, PlainValidator(password)]


class KeySection(Section):
    """A key of auth_hmac. ``file`` names a file, and holds what is in it."""

    id: Annotated[int, PlainValidator(whole(0, 255))]
    file: Annotated[Secret, PlainValidator(key_file)]


class AuthHmacSection(Section):
    """Authentication by keepalived's HMAC trailer."""

    mode: Annotated[HmacMode, PlainValidator(choice(("receive_only", "permissive", "enforce")))] = (
        "enforce"
    )
    send_key: Annotated[int, PlainValidator(whole(0, 255))]
    window: Annotated[float, PlainValidator(duration("1s", "300s"))] | None = None
    keys: list[KeySection]


def _preempt(value: object) -> object:
    """Read true as preemption without delay and false as none."""
    if isinstance(value, bool):
        return PreemptSection() if value else None
    if not isinstance(value, dict):
        raise expected("true, false or {delay: DURATION}")
    return value


def _virtual_mac(value: object) -> object:
    """Read true as a macvlan with the usual name and false as none."""
    if isinstance(value, bool):
        return VirtualMacSection() if value else None
    if not isinstance(value, dict):
        raise expected("true, false or {name: INTERFACE}")
    return value


class VrrpSection(Section):
    """One VRRP instance."""

    later = frozenset({"director_silence"})
    renamed = {
        "clamp": "clamp_learned_interval",
        "blind_weight": "blind_priority_weight",
    }

    name: Name
    interface: InterfaceName
    virtual_router_id: Annotated[int, PlainValidator(whole(1, 255))]
    version: Annotated[Literal[2, 3], PlainValidator(whole(2, 3))] = 3
    priority: Annotated[int, PlainValidator(whole(1, 255))] = 100
    advert_interval: Annotated[float, PlainValidator(duration("10ms", "255s"))] = 1.0
    preempt: Annotated[PreemptSection | None, BeforeValidator(_preempt)] = PreemptSection()
    virtual_addresses: list[VirtualAddress]
    unadvertised_addresses: list[VirtualAddress] = []
    virtual_routes: list[RouteSection] = []
    virtual_rules: list[RuleSection] = []
    virtual_mac: Annotated[VirtualMacSection | None, BeforeValidator(_virtual_mac)] = None
    transport: Annotated[
        Literal["multicast", "udp"], PlainValidator(choice(("multicast", "udp")))
    ] = "multicast"
    unicast: UnicastSection | None = None
    checksum: Annotated[
        Literal["rfc5798", "rfc9568"], PlainValidator(choice(("rfc5798", "rfc9568")))
    ] = "rfc5798"
    authentication: AuthenticationSection | None = None
    auth_hmac: AuthHmacSection | None = None
    track: list[TrackSection | None] = []
    blind_priority_weight: Annotated[int, PlainValidator(whole(-253, 0))] = -150
    flap_delay: Annotated[float, PlainValidator(duration("10ms", "80s"))] = 0.0
    start_delay: Annotated[float, PlainValidator(duration("10ms", "1h"))] = 0.0
    max_learned_interval: Annotated[float, PlainValidator(duration("10ms", "40.95s"))] | None = None
    clamp_learned_interval: Boolean = False
    address_mismatch: Annotated[
        Literal["drop", "accept"], PlainValidator(choice(("drop", "accept")))
    ] = "drop"
    notify: NotifySection | None = None


class RealServerSection(Section):
    """One real server."""

    address: Annotated[Endpoint, PlainValidator(endpoint)]
    weight: Annotated[int, PlainValidator(whole(0, 65535))] = 1
    backup_tier: Annotated[int, PlainValidator(whole(0, 255))] = 0
    upper_threshold: Threshold | None = None
    lower_threshold: Threshold | None = None
    tunnel: TunnelSection | None = None
    slow_start: SlowStart | None = None
    check: Check | None = None

    def key(self, virtual_server: VirtualServerSection) -> DestinationKey:
        """Fill in the port, which defaults to the virtual server's; 0 where it has several."""
        port = self.address.port or virtual_server.port
        return DestinationKey(self.address.address, port)


class SorryServerSection(Section):
    """Who answers while the pool lacks its quorum."""

    address: Annotated[Endpoint, PlainValidator(endpoint)]
    check: Check | None = None

    def key(self, virtual_server: VirtualServerSection) -> DestinationKey:
        """Fill in the port, which defaults to the virtual server's; 0 where it has several."""
        port = self.address.port or virtual_server.port
        return DestinationKey(self.address.address, port)


class VirtualServerSection(Section):
    """One virtual server with its real servers."""

    later = frozenset({"notify"})

    name: Name | None = None
    address: Annotated[Endpoint, PlainValidator(service_endpoint)] | None = None
    addresses: list[Annotated[PortRange, PlainValidator(port_range)]] = []
    fwmark: Annotated[int, PlainValidator(whole(1, 0xFFFFFFFF))] | None = None
    family: Annotated[Literal["ipv4", "ipv6"], PlainValidator(choice(("ipv4", "ipv6")))] = "ipv4"
    protocol: Annotated[Protocol, PlainValidator(choice(Protocol))] = Protocol.TCP
    scheduler: Annotated[Scheduler, PlainValidator(choice(Scheduler))] = Scheduler.WLC
    scheduler_flags: list[Flag] = []
    one_packet: Boolean = False
    forwarding: Annotated[ForwardingMethod, PlainValidator(choice(ForwardingMethod))] = (
        ForwardingMethod.NAT
    )
    tunnel: TunnelSection | None = None
    # ip_vs keeps the persistence timeout in jiffies in an unsigned int; ipvsadm stops at 31 days.
    persistence: Annotated[int, PlainValidator(whole_seconds("1s", "744h"))] | None = None
    persistence_prefix_length: Annotated[int, PlainValidator(whole(1, 128))] | None = None
    persistence_engine: Annotated[Literal["sip"], PlainValidator(choice(("sip",)))] | None = None
    on_failure: Annotated[OnFailure, PlainValidator(choice(OnFailure))] | None = None
    quorum: WeightSum = 1
    hysteresis: Annotated[int, PlainValidator(whole(0, 0x7FFFFFFF))] = 0
    min_healthy: Annotated[HealthyMinimum, PlainValidator(healthy_minimum)] = HealthyMinimum()
    slow_start: SlowStart | None = None
    initial_state: InitialState = "down"
    flap_damping: FlapDamping = None
    sorry_server: SorryServerSection | None = None
    check: Check | None = None
    real_servers: list[RealServerSection | None] = []

    @property
    def place_key(self) -> str:
        """The key that says where clients connect."""
        if self.fwmark is not None:
            return "fwmark"
        return "addresses" if self.addresses else "address"

    @cached_property
    def keys(self) -> tuple[ServiceKey, ...]:
        """What identifies its services in the kernel, cut off after ``SERVICES_MAX`` and one."""
        return tuple(itertools.islice(self._keys(), SERVICES_MAX + 1))

    def _keys(self) -> Iterator[ServiceKey]:
        if self.fwmark is not None:
            yield ServiceKey.marked(self.fwmark, ipv6=self.family == "ipv6")
        if self.address is not None:
            yield ServiceKey(self.protocol, self.address.address, self.address.port or 0)
        for each in self.addresses:
            for port in range(each.first, each.last + 1):
                yield ServiceKey(self.protocol, each.address, port)

    @property
    def port(self) -> int:
        """The one port of all its services; 0 where it takes several."""
        if self.address is not None:
            return self.address.port or 0
        ports = {port for each in self.addresses for port in (each.first, each.last)}
        return ports.pop() if len(ports) == 1 else 0

    @property
    def title(self) -> str:
        """The name; without one, the first service, so that each protocol's differs."""
        if self.name is not None:
            return self.name
        first = next(self._keys(), None)
        if first is None:
            return ""  # a fault, which the rules find
        if first.firewall_mark:
            return f"fwmark-{self.fwmark}" + "-ipv6" * (self.family == "ipv6")
        return first.place if self.protocol is Protocol.TCP else f"{first.place}-{self.protocol}"


class Root(Section):
    """A whole file."""

    director: DirectorSection | None = DirectorSection()
    api: ApiSection | None = ApiSection()
    sysctls: SysctlsSection | None = SysctlsSection()
    connection_timeouts: ConnectionTimeoutsSection | None = ConnectionTimeoutsSection()
    vrrp: list[VrrpSection | None] | None = []
    sync_groups: list[SyncGroupSection | None] | None = []
    sync_daemon: SyncDaemonSection | None = None
    virtual_servers: list[VirtualServerSection | None] | None = []
