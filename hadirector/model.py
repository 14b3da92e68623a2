"""The nouns of a director: what is configured, and what the kernel holds.

Pure values. Addresses are strings in canonical form (``str(ipaddress.ip_address(...))``), durations
are seconds, and everything is validated before it gets here. None can be part of a cycle, so the
garbage collector need not know them (``gc=False``): 10,000 real servers took it 30 ms each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

import msgspec

from checks.definition import CheckDefinition, Timing
from vrrp.configuration import InstanceConfiguration
from vrrp.tracking.script import Script


class Protocol(StrEnum):
    """Transport protocol of a virtual server."""

    TCP = "tcp"
    UDP = "udp"


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


class OnFailure(StrEnum):
    """What happens in the kernel to a real server whose checks fail."""

    REMOVE = "remove"
    ZERO_WEIGHT = "zero_weight"


# --- what the kernel holds ---------------------------------------------------------------------


class ServiceKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """What identifies a service in IPVS."""

    protocol: Protocol
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.protocol} {endpoint(self.address, self.port)}"


class DestinationKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """What identifies a destination within its service."""

    address: str
    port: int

    def __str__(self) -> str:
        return endpoint(self.address, self.port)


class Service(msgspec.Struct, frozen=True, gc=False):
    """A virtual service as IPVS holds it. ``persistence`` is seconds, 0 when off.

    ``scheduler`` is a plain string: a foreign service may use one that we do not know.
    ``other_settings`` is True when the kernel holds something that we never set, such as one-packet
    scheduling or a persistence netmask: it differs from what is wanted and is edited away.
    """

    scheduler: str
    flags: frozenset[SchedulerFlag] = frozenset()
    persistence: int = 0
    other_settings: bool = False


class Destination(msgspec.Struct, frozen=True, gc=False):
    """A real server as IPVS holds it. ``forwarding`` is None for a method we do not set.

    ``other_settings`` as in Service: connection thresholds that somebody else has set.
    """

    weight: int
    forwarding: ForwardingMethod | None
    other_settings: bool = False


class ServiceEntry(msgspec.Struct, frozen=True, gc=False):
    """A service with its destinations, in the order in which they were or will be added."""

    service: Service
    destinations: Mapping[DestinationKey, Destination]


Table = Mapping[ServiceKey, ServiceEntry]


# --- what is configured ------------------------------------------------------------------------


class RealServer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One configured real server. Without a ``check`` it is always in.

    Those of a ``backup_tier`` above 0 serve only while the tiers before it lack the quorum.
    """

    key: DestinationKey
    weight: int = 1
    check: CheckDefinition | None = None
    backup_tier: int = 0


class VirtualServer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One configured virtual server.

    ``quorum`` and ``hysteresis`` are sums of weights; without the quorum the sorry server serves.
    """

    name: str
    key: ServiceKey
    scheduler: Scheduler
    flags: frozenset[SchedulerFlag] = frozenset()
    forwarding: ForwardingMethod
    persistence: int = 0
    on_failure: OnFailure = OnFailure.REMOVE
    quorum: int = 1
    hysteresis: int = 0
    sorry_server: RealServer | None = None
    real_servers: tuple[RealServer, ...] = ()

    @property
    def all_servers(self) -> tuple[RealServer, ...]:
        """The real servers, and the sorry server if there is one."""
        sorry = () if self.sorry_server is None else (self.sorry_server,)
        return self.real_servers + sorry


DataplaneName = Literal["ipvs", "userspace", "dry-run"]


class TrackedScript(msgspec.Struct, frozen=True, kw_only=True):
    """A script that VRRP instances track (`vrrp.priority`): it runs again and again."""

    identity: str
    script: Script
    timing: Timing


NotifiedObject = Literal["INSTANCE", "GROUP"]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A script that is told of every new state of a VRRP instance or a sync group."""

    kind: NotifiedObject
    name: str
    script: Script


class SysctlPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Whether to set the sysctls that are implied, and which to leave alone all the same."""

    apply: bool = True
    leave: frozenset[str] = frozenset()


class Configuration(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A whole validated configuration file, host checks excepted."""

    name: str
    dataplane: DataplaneName = "ipvs"
    on_stop: Literal["release", "keep"] = "release"
    realtime: bool = False
    runtime_directory: str = "/run/hadirector"
    api_unix: str = "/run/hadirector/api.sock"
    sysctls: SysctlPolicy = SysctlPolicy()
    vrrp: tuple[InstanceConfiguration, ...] = ()
    tracked_scripts: tuple[TrackedScript, ...] = ()
    notifications: tuple[Notification, ...] = ()
    virtual_servers: tuple[VirtualServer, ...] = ()


def endpoint(address: str, port: int) -> str:
    """Write an address and port as people do: 192.0.2.1:80, [2001:db8::1]:80."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
