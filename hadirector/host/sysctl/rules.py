"""Decides which sysctls a configuration needs, which of them to set, and which to restore.

Pure. Documentation/networking/ip-sysctl.rst and ipvs-sysctl.rst describe the parameters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from hadirector.model.configuration import Configuration, OnFailure, VirtualServer
from hadirector.model.ipvs import HASH_SCHEDULERS, ForwardingMethod, Protocol
from hadirector.model.policy import ACCEPT_LOCAL
from hadirector.model.vip_probes import probe_services

IP_FORWARD = "net/ipv4/ip_forward"
IPV6_FORWARDING = "net/ipv6/conf/all/forwarding"
STAY_ON = frozenset({IP_FORWARD, IPV6_FORWARDING})
"""Parameters that are not restored, because other programs may rely on forwarding by now."""
_OURS: Final = re.compile(
    rf"{IP_FORWARD}|{IPV6_FORWARDING}"
    rf"|net/ipv4/conf/(?!\.\.?/)[^/\s]{{1,15}}/(send_redirects|{ACCEPT_LOCAL})"
    r"|net/ipv4/vs/(expire_nodest_conn|expire_quiescent_template|conn_reuse_mode|conntrack"
    r"|sloppy_tcp|backup_only|schedule_icmp)"
)


class Sysctl(msgspec.Struct, frozen=True):
    """A sysctl by its path below /proc/sys, and the value that the configuration needs."""

    name: str
    value: str
    reason: str

    @property
    def word(self) -> str:
        """The last part of the path, which is its name in the configuration."""
        return self.name.rpartition("/")[2]


class SavedValue(msgspec.Struct, frozen=True):
    """The value of a parameter before the director set it, and the value that it set."""

    was: str
    ours: str


class SysctlStatus(msgspec.Struct, frozen=True):
    """A parameter and its values.

    ``actual`` is None if the kernel does not have the parameter. ``was`` is the value before the
    director set it, and None if the director did not set it.
    """

    name: str
    wanted: str
    actual: str | None
    was: str | None
    reason: str


def is_ours(name: str) -> bool:
    """Return whether `wanted_sysctls` can contain this name, so that a director may set it."""
    return _OURS.fullmatch(name) is not None


def dotted_name(name: str) -> str:
    """Return a name as sysctl(8) writes it: net.ipv4.conf.eth0/100.rp_filter for eth0.100."""
    return name.translate(str.maketrans("/.", "./"))


class Interfaces(NamedTuple):
    """The interfaces towards real servers: behind nat (routed), and with `via: vip` (probed)."""

    routed: frozenset[str] = frozenset()
    probed: frozenset[str] = frozenset()


NO_INTERFACES = Interfaces()


def wanted_sysctls(
    configuration: Configuration, interfaces: Interfaces = NO_INTERFACES
) -> tuple[Sysctl, ...]:
    """Return the sysctls that a configuration with kernel IPVS needs. Other dataplanes need none.

    Without ``interfaces``, the sysctls of single interfaces are left out.
    """
    if configuration.dataplane != "ipvs":
        return ()
    return (
        *_routing(configuration, interfaces.routed),
        *_ipvs(configuration),
        *_probing(configuration, interfaces.probed),
    )


def _routing(configuration: Configuration, interfaces: Collection[str]) -> Iterator[Sysctl]:
    # ip_forward comes first: a change of it resets other parameters (ip-sysctl.rst).
    nat = [server for server in configuration.virtual_servers if has_nat(server)]
    if any(is_ipv4(server) for server in nat):
        yield Sysctl(IP_FORWARD, "1", "nat: replies of real servers are routed through this host")
        reason = "nat: redirects would make real servers send replies past this host"
        # An interface sends redirects if the parameter of the interface or of "all" is set.
        for interface in ("all", *sorted(interfaces)):
            yield Sysctl(f"net/ipv4/conf/{interface}/send_redirects", "0", reason)
    if any(not is_ipv4(server) for server in nat):
        reason = "nat over IPv6: replies of real servers are routed through this host"
        yield Sysctl(IPV6_FORWARDING, "1", reason)


def _ipvs(configuration: Configuration) -> Iterator[Sysctl]:
    servers = configuration.virtual_servers
    if any(map(_removes_failing_servers, servers)):
        reason = "on_failure remove: connections of a removed real server end instead of hanging"
        yield Sysctl("net/ipv4/vs/expire_nodest_conn", "1", reason)
    if any(server.service.persistence for server in servers):
        reason = "persistence: a real server with weight 0 loses its persistent clients"
        yield Sysctl("net/ipv4/vs/expire_quiescent_template", "1", reason)
    if any(map(_is_tcp, servers)):
        reason = "tcp: a new connection from a reused client port is scheduled again"
        yield Sysctl("net/ipv4/vs/conn_reuse_mode", "1", reason)
    if any(ForwardingMethod.FULLNAT in server.forwarding_methods for server in servers):
        reason = "fullnat: netfilter translates the source address of tracked connections only"
        yield Sysctl("net/ipv4/vs/conntrack", "1", reason)
    hashed = [server for server in servers if _has_hash_scheduler(server)]
    several = configuration.vrrp or configuration.announce
    if several and any(map(_is_tcp, hashed)):
        reason = "sh and mh: after a takeover, existing connections are scheduled without a SYN"
        yield Sysctl("net/ipv4/vs/sloppy_tcp", "1", reason)
    if configuration.announce and hashed:
        reason = "announce with sh and mh: ICMP errors of connections of another director"
        yield Sysctl("net/ipv4/vs/schedule_icmp", "1", reason)


def _probing(configuration: Configuration, interfaces: Collection[str]) -> Iterator[Sysctl]:
    if not probe_services(configuration):
        return
    reason = "via: vip: real servers answer probes from the virtual address, even if it is local"
    for interface in sorted(interfaces):
        yield Sysctl(f"net/ipv4/conf/{interface}/{ACCEPT_LOCAL}", "1", reason)
    reason = "via: vip: probes pass through IPVS, even while its sync daemon is backup"
    yield Sysctl("net/ipv4/vs/backup_only", "0", reason)


_THROUGH_THIS_HOST: Final = frozenset({ForwardingMethod.NAT, ForwardingMethod.FULLNAT})
_PAST_THIS_HOST: Final = frozenset({ForwardingMethod.DR, ForwardingMethod.TUN})


def has_nat(server: VirtualServer) -> bool:
    """Return whether replies of a real server pass through this host: nat and fullnat."""
    return not _THROUGH_THIS_HOST.isdisjoint(server.forwarding_methods)


def has_bypass(server: VirtualServer) -> bool:
    """Return whether replies of a real server do not pass through this host: dr and tun."""
    return not _PAST_THIS_HOST.isdisjoint(server.forwarding_methods)


def _removes_failing_servers(server: VirtualServer) -> bool:
    values = frozenset(map(server.on_failure_of, server.real_servers)) or {server.on_failure}
    return OnFailure.REMOVE in values


def is_ipv4(server: VirtualServer) -> bool:
    """Return whether the virtual server has IPv4 addresses."""
    return ":" not in server.keys[0].address


def _is_tcp(server: VirtualServer) -> bool:
    """Return whether the virtual server accepts TCP. With a firewall mark, assume that it does."""
    return server.keys[0].protocol is Protocol.TCP


def _has_hash_scheduler(server: VirtualServer) -> bool:
    return server.service.scheduler in HASH_SCHEDULERS


def routed_servers(configuration: Configuration) -> frozenset[str]:
    """Return the addresses of IPv4 real servers whose replies are routed through this host."""
    if configuration.dataplane != "ipvs":
        return frozenset()
    return frozenset(
        real_server.key.address
        for server in configuration.virtual_servers
        if is_ipv4(server)
        for real_server in server.all_servers
        if server.kernel_forwarding_of(real_server) is ForwardingMethod.NAT
    )


def changes(
    configuration: Configuration, wanted: Collection[Sysctl], actual: Mapping[str, str | None]
) -> list[Sysctl]:
    """Return the sysctls to set: they exist, have another value, and the policy permits it."""
    policy = configuration.sysctls
    return [
        sysctl
        for sysctl in wanted
        if policy.apply
        and sysctl.word not in policy.leave
        and actual.get(sysctl.name) not in (None, sysctl.value)
    ]


def contradictions(
    configuration: Configuration, wanted: Collection[Sysctl], actual: Mapping[str, str | None]
) -> list[str]:
    """Return a warning for each wrong or missing sysctl that the director does not set."""
    to_set = changes(configuration, wanted, actual)
    return [
        describe_difference(sysctl, actual.get(sysctl.name))
        for sysctl in wanted
        if actual.get(sysctl.name) != sysctl.value and sysctl not in to_set
    ]


def describe_difference(sysctl: Sysctl, actual: str | None) -> str:
    """Describe a parameter with a wrong value, or a parameter that the kernel lacks (None)."""
    name = dotted_name(sysctl.name)
    return f"{name} is {actual or 'missing'}, expected {sysctl.value} ({sysctl.reason})"


def restorations(
    saved: Mapping[str, SavedValue], actual: Mapping[str, str | None]
) -> dict[str, str]:
    """Return the former values to restore, of sysctls that still have the value that we set."""
    return {
        name: value.was
        for name, value in saved.items()
        if name not in STAY_ON and actual.get(name) == value.ours
    }
