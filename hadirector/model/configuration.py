"""The configuration of a director.

Plain values without behavior; the reader of the configuration validates them first. Addresses are
strings in canonical form (``str(ipaddress.ip_address(...))``), and durations are in seconds. The
values have no reference cycles, so they are excluded from garbage collection (``gc=False``): a
collection with 10,000 real servers took 30 ms.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.definition.template import CheckTemplate
from checks.script_runner.script import Script
from hadirector.model.alerts import AlertReceiver
from hadirector.model.announcement import Announcement
from hadirector.model.discovery import AdmissionPolicy, Source
from hadirector.model.fleet import SummaryStore
from hadirector.model.ipvs import (
    ConnectionTimeouts,
    DestinationKey,
    ForwardingMethod,
    Service,
    ServiceKey,
    SyncSettings,
    Tunnel,
)
from hadirector.model.notification import Notification
from hadirector.model.pair import Pair
from hadirector.model.policy import PoolPolicy, SlowStart
from hadirector.model.web import WebSettings
from vrrp.model.configuration import InstanceConfiguration, TrackedKey
from vrrp.model.static_items import NO_STATIC_ITEMS, StaticItems
from vrrp.model.tracked_process import TrackedProcess


class OnFailure(StrEnum):
    """The treatment of a failing real server in the IPVS table: removal, or weight 0."""

    REMOVE = "remove"
    ZERO_WEIGHT = "zero_weight"


class RealServer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One configured real server. Without a ``check`` it is always in the pool.

    A server with a ``backup_tier`` above 0 serves only while the lower tiers do not reach the
    quorum. A server in ``reserve`` has a share of the table of ``sh`` or ``mh`` and the weight 0.
    Port 0 in the key stands for the port of the service. If ``forwarding``,
    ``on_failure`` or ``initially_up`` is None, the value of the virtual server applies; the
    methods of VirtualServer return it. ``source`` names the discovery source of the server, and
    ``identity`` is the id that the server has there, or empty. An ``absent`` server is no longer in
    its source and gets no new connections.
    """

    key: DestinationKey
    weight: int = 1
    check: CheckDefinition | None = None
    backup_tier: int = 0
    reserve: bool = False
    upper_threshold: int = 0
    lower_threshold: int = 0
    tunnel: Tunnel | None = None
    slow_start: SlowStart | None = None
    forwarding: ForwardingMethod | None = None
    on_failure: OnFailure | None = None
    initially_up: bool | None = None
    source: str = ""
    identity: str = ""
    absent: bool = False

    def destination_key(self, service: ServiceKey) -> DestinationKey:
        """Return the key of this server's destination in a service."""
        return DestinationKey(self.key.address, self.key.port or service.port)

    @property
    def name(self) -> str:
        """The address and port: the part after the slash in VIRTUAL_SERVER/REAL_SERVER."""
        return str(self.key) if self.key.port else self.key.address


class DiscoveredServers(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Real servers that a source names. They are as ``template``, apart from their address.

    Port 0 in the key of the template stands for the port of the virtual server.
    """

    source: str
    template: RealServer
    check: CheckTemplate | None = None


class VirtualServer(PoolPolicy, frozen=True, kw_only=True, gc=False):
    """One configured virtual server: its pool of real servers, the policies, and the IPVS services.

    The sorry server serves while the pool has no quorum. ``forwarding``, ``on_failure`` and
    ``initially_up`` apply to real servers without a value of their own.
    """

    name: str
    keys: tuple[ServiceKey, ...]
    service: Service
    forwarding: ForwardingMethod
    on_failure: OnFailure = OnFailure.REMOVE
    sorry_server: RealServer | None = None
    real_servers: tuple[RealServer, ...] = ()
    discovered: tuple[DiscoveredServers, ...] = ()
    admission: AdmissionPolicy = AdmissionPolicy()

    def forwarding_of(self, real_server: RealServer) -> ForwardingMethod:
        """Return the forwarding method of a real server or of the sorry server."""
        return real_server.forwarding or self.forwarding

    def kernel_forwarding_of(self, real_server: RealServer) -> ForwardingMethod:
        """Return the forwarding method in IPVS.

        For fullnat it is nat, and netfilter does the rest.
        """
        forwarding = self.forwarding_of(real_server)
        fullnat = forwarding is ForwardingMethod.FULLNAT
        return ForwardingMethod.NAT if fullnat else forwarding

    def on_failure_of(self, real_server: RealServer) -> OnFailure:
        """Return what happens to this real server or sorry server when it fails."""
        return real_server.on_failure or self.on_failure

    def is_initially_up(self, real_server: RealServer) -> bool:
        """Return whether a real server serves before its first probe has ended."""
        own = real_server.initially_up
        return self.initially_up if own is None else own

    @property
    def forwarding_methods(self) -> frozenset[ForwardingMethod]:
        """The forwarding methods of all its servers.

        Without a server, the method of the virtual server.
        """
        own = {real_server.forwarding for real_server in self.all_servers} or {None}
        return frozenset(self.forwarding if method is None else method for method in own)

    @property
    def all_servers(self) -> tuple[RealServer, ...]:
        """The real servers and, if configured, the sorry server."""
        sorry = () if self.sorry_server is None else (self.sorry_server,)
        return self.real_servers + sorry


DataplaneName = Literal["ipvs", "userspace", "dry-run"]
LogFormat = Literal["text", "json"]


class TrackedScript(msgspec.Struct, frozen=True, kw_only=True):
    """A script that VRRP instances track (`vrrp.router.priority`). It runs at intervals."""

    key: TrackedKey
    script: Script
    timing: Timing


class SyncDaemon(msgspec.Struct, frozen=True, kw_only=True):
    """The connection synchronization of IPVS: two directors share the state of connections.

    It runs as master while ``instance`` is ACTIVE, and as backup otherwise. Without an
    instance, both roles run all the time.
    """

    instance: str | None
    settings: SyncSettings


class SysctlPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The policy about sysctls: whether the director sets any, and which it must never set."""

    apply: bool = True
    leave: frozenset[str] = frozenset()


class NeededInterface(msgspec.Struct, frozen=True, kw_only=True):
    """An interface that the configuration uses, with its user and its place in the file."""

    name: str
    needed_by: str
    place: str


class UnheldAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address of a virtual server that no VRRP instance has, with its place in the file.

    ``similar`` names a similar address of an instance with its place, because the address may
    be misspelled. It may be empty.
    """

    address: str
    place: str
    similar: str = ""

    @property
    def description(self) -> str:
        """The text of the warning if no interface of this host has the address either."""
        return f"no VRRP instance and no interface of this host holds {self.address}{self.similar}"


class NeededScript(msgspec.Struct, frozen=True, kw_only=True):
    """A script that the configuration uses, with its place in the file.

    ``written`` is the program as written in the file. The script has the path that was found on
    PATH.
    """

    script: Script
    written: str
    place: str


class ApiRoles(msgspec.Struct, frozen=True):
    """The groups of the host whose users have a role on the Unix socket of the API."""

    read: tuple[str, ...] = ()
    operate: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all groups with a role."""
        return (*self.admin, *self.operate, *self.read)

    @property
    def any(self) -> bool:
        """Whether any group has a role."""
        return bool(self.names)


class Configuration(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A whole validated configuration file.

    With ``observing``, the director changes nothing, because another program is in charge.
    ``needed_interfaces``, ``needed_scripts`` and ``unheld_addresses`` cannot be validated from
    the file alone, so the director checks them on the host. ``warnings`` are lines about risks
    of the configuration, with their places. ``other_files`` are the names of the files that the
    file includes. ``differences`` are lines about differences in effect from the program that the
    file was written for, with their places; they are a part of ``difference_count`` notes.
    """

    name: str
    dataplane: DataplaneName = "ipvs"
    observing: bool = False
    on_stop: Literal["release", "keep"] = "release"
    realtime: bool = False
    log: LogFormat | None = None
    limits: Limits = Limits()
    runtime_directory: str = "/run/hadirector"
    state_directory: str = "/var/lib/hadirector"
    api_unix: str = "/run/hadirector/api.sock"
    web: WebSettings | None = None
    pair: Pair | None = None
    alerts: tuple[AlertReceiver, ...] = ()
    api_roles: ApiRoles = ApiRoles()
    sysctls: SysctlPolicy = SysctlPolicy()
    sync_daemon: SyncDaemon | None = None
    needed_interfaces: tuple[NeededInterface, ...] = ()
    needed_scripts: tuple[NeededScript, ...] = ()
    unheld_addresses: tuple[UnheldAddress, ...] = ()
    warnings: tuple[str, ...] = ()
    other_files: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    difference_count: int = 0
    vrrp: tuple[InstanceConfiguration, ...] = ()
    static: StaticItems = NO_STATIC_ITEMS
    tracked_scripts: tuple[TrackedScript, ...] = ()
    tracked_processes: tuple[TrackedProcess, ...] = ()
    notifications: tuple[Notification, ...] = ()
    connection_timeouts: ConnectionTimeouts = ConnectionTimeouts()
    announce: Announcement | None = None
    sources: tuple[Source, ...] = ()
    fleet: SummaryStore | None = None
    virtual_servers: tuple[VirtualServer, ...] = ()
