"""The nouns of a director: what is configured, and what the kernel holds.

Pure values. Addresses are strings in canonical form (``str(ipaddress.ip_address(...))``), durations
are seconds, and everything is validated before it gets here. None can be part of a cycle, so the
garbage collector need not know them (``gc=False``): 10,000 real servers took it 30 ms each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, Self

import msgspec

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.script_runner.script import Script
from hadirector.model.policy import FlapDamping, HealthyMinimum, SlowStart
from vrrp.model.configuration import InstanceConfiguration


class Protocol(StrEnum):
    """Transport protocol of a virtual server."""

    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"


class Scheduler(StrEnum):
    """Schedulers of Linux IPVS, by the kernel's names (module ``ip_vs_NAME``)."""

    RR = "rr"
    WRR = "wrr"
    LC = "lc"
    WLC = "wlc"
    LBLC = "lblc"
    LBLCR = "lblcr"
    DH = "dh"
    SH = "sh"
    SED = "sed"
    NQ = "nq"
    FO = "fo"
    OVF = "ovf"
    MH = "mh"
    TWOS = "twos"


HASH_SCHEDULERS = frozenset({Scheduler.SH, Scheduler.MH})


class SchedulerFlag(StrEnum):
    """Flags of the hash schedulers (ipvsadm(8): sh-fallback, sh-port, mh-fallback, mh-port)."""

    FALLBACK = "fallback"
    PORT = "port"


class ForwardingMethod(StrEnum):
    """How a packet reaches its real server."""

    NAT = "nat"
    DR = "dr"
    TUN = "tun"
    FULLNAT = "fullnat"


class TunnelType(StrEnum):
    """What a tunnelled packet is wrapped in: IP in IP, GRE, or generic UDP encapsulation."""

    IPIP = "ipip"
    GRE = "gre"
    GUE = "gue"


class TunnelChecksum(StrEnum):
    """Checksum of the outer header (ipvsadm(8): tun-nocsum, tun-csum, tun-remcsum)."""

    NONE = "none"
    FULL = "full"
    REMOTE = "remote"


class OnFailure(StrEnum):
    """What happens in the kernel to a real server whose checks fail."""

    REMOVE = "remove"
    ZERO_WEIGHT = "zero_weight"


# --- what the kernel holds ---------------------------------------------------------------------


class ServiceKey(msgspec.Struct, frozen=True, order=True, gc=False, omit_defaults=True):
    """What identifies a service in IPVS. Port 0 is every port that has no service of its own.

    A service for a firewall mark looks as the kernel keeps it: the unspecified address of its
    family, tcp and port 0, though it takes marked packets of any protocol, address and port.
    """

    protocol: Protocol
    address: str
    port: int
    firewall_mark: int = 0

    @classmethod
    def marked(cls, mark: int, *, ipv6: bool = False) -> Self:
        """Name the service of a firewall mark, one for each address family."""
        return cls(Protocol.TCP, "::" if ipv6 else "0.0.0.0", 0, mark)  # noqa: S104  # no socket

    @property
    def place(self) -> str:
        """Say what packets it takes, without the protocol."""
        if self.firewall_mark:
            return f"fwmark {self.firewall_mark}" + " (IPv6)" * (":" in self.address)
        return endpoint(self.address, self.port)

    def __str__(self) -> str:
        return self.place if self.firewall_mark else f"{self.protocol} {self.place}"


class DestinationKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """What identifies a destination within its service. Port 0 keeps the port of the packet."""

    address: str
    port: int

    def __str__(self) -> str:
        return endpoint(self.address, self.port) if self.port else self.address


class Service(msgspec.Struct, frozen=True, gc=False):
    """A virtual service as IPVS holds it. ``persistence`` is seconds, 0 when off.

    ``prefix_length`` says how much of a client's address persistence looks at, None for all of it;
    ``engine`` what else it goes by (the module ``ip_vs_pe_NAME``). ``scheduler`` and ``engine`` are
    plain strings: a foreign service may use ones that we do not know. ``other_settings`` is True
    when the kernel holds something that we never set, such as the third scheduler flag: it differs
    from what is wanted and is edited away.
    """

    scheduler: str
    flags: frozenset[SchedulerFlag] = frozenset()
    persistence: int = 0
    prefix_length: int | None = None
    engine: str = ""
    one_packet: bool = False
    other_settings: bool = False


class Tunnel(msgspec.Struct, frozen=True, gc=False):
    """How packets are wrapped on their way to a real server; ``port`` is for GUE."""

    type: TunnelType = TunnelType.IPIP
    port: int = 0
    checksum: TunnelChecksum = TunnelChecksum.NONE

    def __str__(self) -> str:
        words = [self.type.value]
        if self.port:
            words.append(f"to port {self.port}")
        if self.checksum is not TunnelChecksum.NONE:
            words.append(f"with {self.checksum} checksum")
        return " ".join(words)


class Destination(msgspec.Struct, frozen=True, gc=False):
    """A real server as IPVS holds it. ``forwarding`` is None for a method we do not set.

    At ``upper_threshold`` connections it gets no new ones until there are fewer than
    ``lower_threshold``, or three quarters of the upper where that is 0; 0 is no limit. ``tunnel``
    is None for other methods than tun, and for a tunnel of a kind we do not know.
    """

    weight: int
    forwarding: ForwardingMethod | None
    upper_threshold: int = 0
    lower_threshold: int = 0
    tunnel: Tunnel | None = None


class ServiceEntry(msgspec.Struct, frozen=True, gc=False):
    """A service with its destinations, in the order in which they were or will be added.

    ``shares`` says, in a wanted entry for sh or mh, by which weight each destination has its part
    of the scheduler's table, also while its own weight is 0.
    """

    service: Service
    destinations: Mapping[DestinationKey, Destination]
    shares: Mapping[DestinationKey, int] = {}


Table = Mapping[ServiceKey, ServiceEntry]


# --- what is configured ------------------------------------------------------------------------


class RealServer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One configured real server. Without a ``check`` it is always in.

    Those of a ``backup_tier`` above 0 serve only while the tiers before it lack the quorum.
    Port 0 in its key is the port of the service.
    """

    key: DestinationKey
    weight: int = 1
    check: CheckDefinition | None = None
    backup_tier: int = 0
    upper_threshold: int = 0
    lower_threshold: int = 0
    tunnel: Tunnel | None = None
    slow_start: SlowStart | None = None

    def destination_key(self, service: ServiceKey) -> DestinationKey:
        """Name the destination that it is in a service."""
        return DestinationKey(self.key.address, self.key.port or service.port)

    @property
    def name(self) -> str:
        """What it is called in commands, after its virtual server's name and a slash."""
        return str(self.key) if self.key.port else self.key.address


class VirtualServer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One configured virtual server: one pool, behind every service in ``keys``.

    ``quorum`` and ``hysteresis`` are sums of weights; without the quorum the sorry server serves.
    ``initially_up`` lets a real server serve before its first probe has ended.
    """

    name: str
    keys: tuple[ServiceKey, ...]
    service: Service
    forwarding: ForwardingMethod
    on_failure: OnFailure = OnFailure.REMOVE
    quorum: int = 1
    hysteresis: int = 0
    min_healthy: HealthyMinimum = HealthyMinimum()
    initially_up: bool = False
    flap_damping: FlapDamping | None = None
    sorry_server: RealServer | None = None
    real_servers: tuple[RealServer, ...] = ()

    @property
    def kernel_forwarding(self) -> ForwardingMethod:
        """What IPVS does of the forwarding: fullnat is its nat, the rest is done by netfilter."""
        fullnat = self.forwarding is ForwardingMethod.FULLNAT
        return ForwardingMethod.NAT if fullnat else self.forwarding

    @property
    def all_servers(self) -> tuple[RealServer, ...]:
        """The real servers, and the sorry server if there is one."""
        sorry = () if self.sorry_server is None else (self.sorry_server,)
        return self.real_servers + sorry


DataplaneName = Literal["ipvs", "userspace", "dry-run"]


class TrackedScript(msgspec.Struct, frozen=True, kw_only=True):
    """A script that VRRP instances track (`vrrp.router.priority`): it runs again and again."""

    identity: str
    script: Script
    timing: Timing


NotifiedObject = Literal["INSTANCE", "GROUP"]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A script that is told of every new state of a VRRP instance or a sync group."""

    kind: NotifiedObject
    name: str
    script: Script


class SyncSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a thread of the sync daemon speaks; without ``maximum_length`` as the kernel chooses."""

    interface: str
    id: int
    maximum_length: int | None = None
    group: str
    port: int
    ttl: int


class SyncDaemon(msgspec.Struct, frozen=True, kw_only=True):
    """IPVS's connection synchronisation: master while ``instance`` is ACTIVE, backup otherwise.

    Without an instance it is both all the time.
    """

    instance: str | None
    settings: SyncSettings


class SysctlPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Whether to set the sysctls that are implied, and which to leave alone all the same."""

    apply: bool = True
    leave: frozenset[str] = frozenset()


class NeededInterface(msgspec.Struct, frozen=True, kw_only=True):
    """An interface that the host has to have: what needs it, and where the file names it."""

    name: str
    needed_by: str
    place: str


class ConnectionTimeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that IPVS keeps an idle connection, in three states. 0 is what the kernel has."""

    tcp: int = 0
    tcp_fin: int = 0
    udp: int = 0

    def overridden_by(self, other: ConnectionTimeouts) -> ConnectionTimeouts:
        """Take those of the other that are not 0."""
        return ConnectionTimeouts(
            tcp=other.tcp or self.tcp,
            tcp_fin=other.tcp_fin or self.tcp_fin,
            udp=other.udp or self.udp,
        )

    def __str__(self) -> str:
        return f"tcp {self.tcp} s, tcp_fin {self.tcp_fin} s, udp {self.udp} s"


class NeededScript(msgspec.Struct, frozen=True, kw_only=True):
    """A script that will be run, and where the file names it."""

    script: Script
    place: str


class Configuration(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A whole validated configuration file, host checks excepted.

    ``needed_interfaces`` and ``needed_scripts`` are for these.
    """

    name: str
    dataplane: DataplaneName = "ipvs"
    on_stop: Literal["release", "keep"] = "release"
    realtime: bool = False
    limits: Limits = Limits()
    runtime_directory: str = "/run/hadirector"
    state_directory: str = "/var/lib/hadirector"
    api_unix: str = "/run/hadirector/api.sock"
    sysctls: SysctlPolicy = SysctlPolicy()
    sync_daemon: SyncDaemon | None = None
    needed_interfaces: tuple[NeededInterface, ...] = ()
    needed_scripts: tuple[NeededScript, ...] = ()
    vrrp: tuple[InstanceConfiguration, ...] = ()
    tracked_scripts: tuple[TrackedScript, ...] = ()
    notifications: tuple[Notification, ...] = ()
    connection_timeouts: ConnectionTimeouts = ConnectionTimeouts()
    virtual_servers: tuple[VirtualServer, ...] = ()


def endpoint(address: str, port: int) -> str:
    """Write an address and port as people do: 192.0.2.1:80, [2001:db8::1]:80."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def address_bits(address: str) -> int:
    """Say how many bits an address has."""
    return 128 if ":" in address else 32
