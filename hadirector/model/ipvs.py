"""What the kernel holds: services and destinations of IPVS, and how they are named.

Pure values. Addresses are strings in canonical form (``str(ipaddress.ip_address(...))``), durations
are seconds. None can be part of a cycle, so the garbage collector need not track them
(``gc=False``): with 10,000 real servers a collection took 30 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

import msgspec


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


class SyncSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a thread of the sync daemon speaks; without ``maximum_length`` as the kernel chooses."""

    interface: str
    id: int
    maximum_length: int | None = None
    group: str
    port: int
    ttl: int


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


def endpoint(address: str, port: int) -> str:
    """Write an address and port as people do: 192.0.2.1:80, [2001:db8::1]:80."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def address_bits(address: str) -> int:
    """Say how many bits an address has."""
    return 128 if ":" in address else 32


class SyncRole(StrEnum):
    """What a thread does, by the kernel's names."""

    MASTER = "master"
    BACKUP = "backup"


class StartThread(msgspec.Struct, frozen=True):
    """Start a thread that does not run."""

    role: SyncRole
    settings: SyncSettings


class StopThread(msgspec.Struct, frozen=True):
    """Stop a thread."""

    role: SyncRole
