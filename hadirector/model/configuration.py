"""The nouns of a director: what is configured, and what the kernel holds.

Pure values. Addresses are strings in canonical form (``str(ipaddress.ip_address(...))``), durations
are seconds, and everything is validated before it gets here. None can be part of a cycle, so the
garbage collector need not know them (``gc=False``): 10,000 real servers took it 30 ms each time.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.script_runner.script import Script
from hadirector.model.ipvs import (
    ConnectionTimeouts,
    DestinationKey,
    ForwardingMethod,
    Service,
    ServiceKey,
    SyncSettings,
    Tunnel,
)
from hadirector.model.policy import PoolPolicy, SlowStart
from vrrp.model.configuration import InstanceConfiguration, TrackedKey


class OnFailure(StrEnum):
    """What happens in the kernel to a real server whose checks fail."""

    REMOVE = "remove"
    ZERO_WEIGHT = "zero_weight"


# --- what the kernel holds ---------------------------------------------------------------------


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


class VirtualServer(PoolPolicy, frozen=True, kw_only=True, gc=False):
    """One configured virtual server: a pool with its policies, and the services of the pool.

    The sorry server serves while the pool has no quorum.
    """

    name: str
    keys: tuple[ServiceKey, ...]
    service: Service
    forwarding: ForwardingMethod
    on_failure: OnFailure = OnFailure.REMOVE
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

    key: TrackedKey
    script: Script
    timing: Timing


NotifiedObject = Literal["INSTANCE", "GROUP"]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A script that is told of every new state of a VRRP instance or a sync group."""

    kind: NotifiedObject
    name: str
    script: Script


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
