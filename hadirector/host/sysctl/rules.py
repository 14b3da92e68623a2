"""Decides which sysctls a configuration implies, which of them to set, and which to put back.

Pure. What each one does is said in Documentation/networking/ip-sysctl.rst and ipvs-sysctl.rst.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import msgspec

from hadirector.model.configuration import Configuration, OnFailure, VirtualServer
from hadirector.model.ipvs import HASH_SCHEDULERS, ForwardingMethod, Protocol
from hadirector.model.policy import ACCEPT_LOCAL
from hadirector.model.vip_probes import probe_services

IP_FORWARD = "net/ipv4/ip_forward"
IPV6_FORWARDING = "net/ipv6/conf/all/forwarding"
STAY_ON = frozenset({IP_FORWARD, IPV6_FORWARDING})
"""Never put back: by then others may forward through this host."""


class Sysctl(msgspec.Struct, frozen=True):
    """One kernel parameter with the value it should have, by its path below /proc/sys."""

    name: str
    value: str
    reason: str

    @property
    def word(self) -> str:
        """The last part of the name, which configurations use."""
        return self.name.rpartition("/")[2]


class Taken(msgspec.Struct, frozen=True):
    """A parameter that we have set: what it was, and what we made of it."""

    was: str
    ours: str


class SysctlStatus(msgspec.Struct, frozen=True):
    """A parameter as it is: ``actual`` is None where the kernel has none, ``was`` where not set."""

    name: str
    wanted: str
    actual: str | None
    was: str | None
    reason: str


def dotted_name(name: str) -> str:
    """Write a name as sysctl(8) does: net.ipv4.conf.eth0/100.rp_filter for eth0.100."""
    return name.translate(str.maketrans("/.", "./"))


class Interfaces(NamedTuple):
    """Through which the real servers are reached that are routed, or probed as clients ask them."""

    routed: frozenset[str] = frozenset()
    probed: frozenset[str] = frozenset()


NO_INTERFACES = Interfaces()


def wanted_sysctls(
    configuration: Configuration, interfaces: Interfaces = NO_INTERFACES
) -> tuple[Sysctl, ...]:
    """Decide what the kernel's IPVS needs to be set to; other dataplanes need nothing.

    Without ``interfaces`` what would be set on each of them is left out.
    """
    if configuration.dataplane != "ipvs":
        return ()
    return (
        *_routing(configuration, interfaces.routed),
        *_ipvs(configuration),
        *_probing(configuration, interfaces.probed),
    )


def _routing(configuration: Configuration, interfaces: Collection[str]) -> Iterator[Sysctl]:
    # First: a change of ip_forward resets other parameters (ip-sysctl.rst).
    nat = [each for each in configuration.virtual_servers if is_nat(each)]
    if any(is_ipv4(each) for each in nat):
        yield Sysctl(IP_FORWARD, "1", "nat: what real servers answer is routed through this host")
        reason = "nat: a redirect would show the real servers a way round this host"
        # An interface sends redirects if it says so, or if "all" does.
        for interface in ("all", *sorted(interfaces)):
            yield Sysctl(f"net/ipv4/conf/{interface}/send_redirects", "0", reason)
    if any(not is_ipv4(each) for each in nat):
        reason = "nat over IPv6: what real servers answer is routed through this host"
        yield Sysctl(IPV6_FORWARDING, "1", reason)


def _ipvs(configuration: Configuration) -> Iterator[Sysctl]:
    servers = configuration.virtual_servers
    if any(each.on_failure is OnFailure.REMOVE for each in servers):
        reason = "on_failure remove: connections of a removed real server end, they do not hang"
        yield Sysctl("net/ipv4/vs/expire_nodest_conn", "1", reason)
    if any(each.service.persistence for each in servers):
        reason = "persistence: a real server at weight 0 keeps no client"
        yield Sysctl("net/ipv4/vs/expire_quiescent_template", "1", reason)
    if any(map(_is_tcp, servers)):
        reason = "a client's port that is used again is scheduled anew, not sent to a drained one"
        yield Sysctl("net/ipv4/vs/conn_reuse_mode", "1", reason)
    if any(each.forwarding is ForwardingMethod.FULLNAT for each in servers):
        reason = "fullnat: netfilter replaces the source of connections that it knows"
        yield Sysctl("net/ipv4/vs/conntrack", "1", reason)
    hashed = (_is_tcp(each) and _is_hashed(each) for each in servers)
    if configuration.vrrp and any(hashed):
        reason = "sh and mh: after a takeover connections are found again by their hash"
        yield Sysctl("net/ipv4/vs/sloppy_tcp", "1", reason)


def _probing(configuration: Configuration, interfaces: Collection[str]) -> Iterator[Sysctl]:
    if not probe_services(configuration):
        return
    reason = "via: vip: real servers answer probes from the virtual address, also when it is here"
    for interface in sorted(interfaces):
        yield Sysctl(f"net/ipv4/conf/{interface}/{ACCEPT_LOCAL}", "1", reason)
    reason = "via: vip: probes go through IPVS also while its sync daemon is backup"
    yield Sysctl("net/ipv4/vs/backup_only", "0", reason)


def is_nat(server: VirtualServer) -> bool:
    """Fullnat too: its answers come to this host by themselves, and go on through it."""
    return server.kernel_forwarding is ForwardingMethod.NAT


def is_ipv4(server: VirtualServer) -> bool:
    """Tell the family of a virtual server's addresses."""
    return ":" not in server.keys[0].address


def _is_tcp(server: VirtualServer) -> bool:
    """Also a firewall mark may stand for tcp."""
    return server.keys[0].protocol is Protocol.TCP


def _is_hashed(server: VirtualServer) -> bool:
    return server.service.scheduler in HASH_SCHEDULERS


def routed_servers(configuration: Configuration) -> frozenset[str]:
    """Name the real servers whose way back to the client leads through this host, over IPv4."""
    if configuration.dataplane != "ipvs":
        return frozenset()
    servers = (each for each in configuration.virtual_servers if is_nat(each) and is_ipv4(each))
    return frozenset(each.key.address for server in servers for each in server.all_servers)


def changes(
    configuration: Configuration, wanted: Collection[Sysctl], actual: Mapping[str, str | None]
) -> list[Sysctl]:
    """Decide which to set: what differs, is there, and is ours to set."""
    policy = configuration.sysctls
    return [
        each
        for each in wanted
        if policy.apply
        and each.word not in policy.leave
        and actual.get(each.name) not in (None, each.value)
    ]


def contradictions(
    configuration: Configuration, wanted: Collection[Sysctl], actual: Mapping[str, str | None]
) -> list[str]:
    """Warn of values that work against the configuration and are not set by us, or not there."""
    to_set = changes(configuration, wanted, actual)
    return [
        f"{dotted_name(each.name)} is {_found(actual, each)}, expected {each.value} ({each.reason})"
        for each in wanted
        if actual.get(each.name) != each.value and each not in to_set
    ]


def _found(actual: Mapping[str, str | None], sysctl: Sysctl) -> str:
    return actual.get(sysctl.name) or "not there"


def restorations(taken: Mapping[str, Taken], actual: Mapping[str, str | None]) -> dict[str, str]:
    """Decide what to put back at the end: what is still ours, and may go."""
    return {
        name: each.was
        for name, each in taken.items()
        if name not in STAY_ON and actual.get(name) == each.ours
    }
