"""The IPVS table of the kernel: services, destinations, and their keys.

Plain values without behavior. Addresses are strings in canonical form
(``str(ipaddress.ip_address(...))``), and durations are in seconds. The values have no reference
cycles, so they are excluded from garbage collection (``gc=False``): a collection with 10,000 real
servers took 30 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

import msgspec


class Protocol(StrEnum):
    """The transport protocol of a virtual server."""

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
    """How a packet reaches its real server: address translation, direct routing or a tunnel."""

    NAT = "nat"
    DR = "dr"
    TUN = "tun"
    FULLNAT = "fullnat"


class TunnelType(StrEnum):
    """The encapsulation of a tunnel: IP in IP, GRE, or generic UDP encapsulation."""

    IPIP = "ipip"
    GRE = "gre"
    GUE = "gue"


class TunnelChecksum(StrEnum):
    """The checksum of the outer header (ipvsadm(8): tun-nocsum, tun-csum, tun-remcsum)."""

    NONE = "none"
    FULL = "full"
    REMOTE = "remote"


class ServiceKey(msgspec.Struct, frozen=True, order=True, gc=False, omit_defaults=True):
    """The key of a service in IPVS. Port 0 stands for all ports without a service of their own.

    The key of a firewall mark has the form that the kernel uses: the unspecified address of the
    family, tcp and port 0. Such a service takes marked packets of any protocol, address and
    port.
    """

    protocol: Protocol
    address: str
    port: int
    firewall_mark: int = 0

    @classmethod
    def for_mark(cls, mark: int, *, ipv6: bool = False) -> Self:
        """Return the key of a firewall mark. IPv4 and IPv6 have separate services."""
        return cls(Protocol.TCP, "::" if ipv6 else "0.0.0.0", 0, mark)  # noqa: S104  # no socket

    @property
    def place(self) -> str:
        """The address and port, or the firewall mark, as a text without the protocol."""
        if self.firewall_mark:
            return f"fwmark {self.firewall_mark}" + " (IPv6)" * (":" in self.address)
        return endpoint(self.address, self.port)

    def __str__(self) -> str:
        return self.place if self.firewall_mark else f"{self.protocol} {self.place}"


class DestinationKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """The key of a destination in its service. With port 0, a packet keeps its destination port."""

    address: str
    port: int

    def __str__(self) -> str:
        return endpoint(self.address, self.port) if self.port else self.address


class Service(msgspec.Struct, frozen=True, gc=False):
    """A virtual service in IPVS. ``persistence`` is in seconds; 0 means off.

    Persistence treats clients as the same client if the first ``prefix_length`` bits of their
    addresses are equal (None: the whole address), and the data that the ``engine`` reads (the
    module ``ip_vs_pe_NAME``). ``scheduler`` and ``engine`` are plain strings, because a foreign
    service may have unknown values. ``other_settings`` is True if the kernel has settings that
    hadirector never makes, such as the third scheduler flag. The reconciler then removes them.
    """

    scheduler: str
    flags: frozenset[SchedulerFlag] = frozenset()
    persistence: int = 0
    prefix_length: int | None = None
    engine: str = ""
    one_packet: bool = False
    other_settings: bool = False


class Tunnel(msgspec.Struct, frozen=True, gc=False):
    """The encapsulation of packets on the way to a real server. ``port`` is for GUE only."""

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
    """A real server in IPVS.

    ``forwarding`` is None for a method that hadirector does not set. A destination with
    ``upper_threshold`` connections gets no new connections until it has fewer than
    ``lower_threshold``. If the lower threshold is 0, it is three quarters of the upper
    threshold. An upper threshold of 0 means no limit. ``tunnel`` is None for methods other than
    tun, and for an unknown type of tunnel.
    """

    weight: int
    forwarding: ForwardingMethod | None
    upper_threshold: int = 0
    lower_threshold: int = 0
    tunnel: Tunnel | None = None


class ServiceEntry(msgspec.Struct, frozen=True, gc=False):
    """A service with its destinations, in the order in which they are added to the kernel.

    A wanted entry for the hash schedulers sh and mh also has ``shares``. The share of a
    destination decides its part of the scheduler's table, even while its weight is 0.
    """

    service: Service
    destinations: Mapping[DestinationKey, Destination]
    shares: Mapping[DestinationKey, int] = {}

    def __repr__(self) -> str:
        """Show the scheduler and the weight of every destination, with its share if it has one."""
        pool = [
            f"{key} {destination.weight}"
            + (f" (share {self.shares[key]})" if key in self.shares else "")
            for key, destination in self.destinations.items()
        ]
        return f"<ServiceEntry {self.service.scheduler}: {', '.join(pool) or 'empty'}>"


Table = Mapping[ServiceKey, ServiceEntry]


class SyncSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a sync thread. If ``maximum_length`` is None, the kernel chooses it."""

    interface: str
    id: int
    maximum_length: int | None = None
    group: str
    port: int
    ttl: int


class ConnectionTimeouts(msgspec.Struct, frozen=True, kw_only=True):
    """The times for which IPVS keeps an idle connection, in seconds. 0 keeps the kernel's value."""

    tcp: int = 0
    tcp_fin: int = 0
    udp: int = 0

    def overridden_by(self, other: ConnectionTimeouts) -> ConnectionTimeouts:
        """Return these timeouts with the values of ``other`` that are not 0."""
        return ConnectionTimeouts(
            tcp=other.tcp or self.tcp,
            tcp_fin=other.tcp_fin or self.tcp_fin,
            udp=other.udp or self.udp,
        )

    def __str__(self) -> str:
        return f"tcp {self.tcp} s, tcp_fin {self.tcp_fin} s, udp {self.udp} s"


def endpoint(address: str, port: int) -> str:
    """Format an address and port: 192.0.2.1:80, [2001:db8::1]:80."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def address_bits(address: str) -> int:
    """Return the number of bits of an address."""
    return 128 if ":" in address else 32


class SyncRole(StrEnum):
    """The role of a sync thread, with the kernel's names."""

    MASTER = "master"
    BACKUP = "backup"


class StartThread(msgspec.Struct, frozen=True):
    """Action: start a sync thread."""

    role: SyncRole
    settings: SyncSettings


class StopThread(msgspec.Struct, frozen=True):
    """Action: stop a sync thread."""

    role: SyncRole
