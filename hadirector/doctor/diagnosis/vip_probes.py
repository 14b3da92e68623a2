"""Decides which real servers doctor probes at the virtual address, and the IPVS services for that.

Pure. A check with `via: vip` uses the same services (`hadirector.model.vip_probes`). Doctor probes
every real server behind dr and tun in this way, with or without `via: vip`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from msgspec.structs import replace

from checks.definition.check import CheckDefinition, Route
from checks.definition.options import TcpProbe
from hadirector.doctor.diagnosis.facts import ExaminedServer, Facts, Obstacle, virtual_addresses
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import ForwardingMethod, Protocol, ServiceKey
from hadirector.model.vip_probes import MarkRange, assign_marks, route_via_vip

_RANGES = tuple(MarkRange(first << 24, (first << 24) + 0xFFFF) for first in range(0x6A, 0x72))
"""Firewall marks that a running director does not use by default. Some of them may be in use."""

_BACKUP_ONLY = "net/ipv4/vs/backup_only"


def direct_check(check: CheckDefinition) -> CheckDefinition:
    """Return a check that probes the real server's own address instead of the virtual address."""
    if check.route.destination is None:
        return check
    return replace(check, route=replace(check.route, destination=None, mark=0, hop_limit=0))


def needs_vip_probe(server: ExaminedServer, facts: Facts) -> bool:
    """Return whether doctor probes a real server at the virtual address.

    It must accept packets to that address, and must pass its check at its own address.
    """
    result, route = facts.own_results.get(server.name), facts.routes.get(server.address)
    passes = result is not None and result.passed
    remote = route is not None and not route.local
    return (
        passes and remote and _receives_virtual_address(server.virtual_server, server.real_server)
    )


def _receives_virtual_address(server: VirtualServer, real_server: RealServer) -> bool:
    """Return whether a real server receives packets to a virtual address that is known."""
    forwarding = server.forwarding_of(real_server)
    keeps_destination = forwarding in (ForwardingMethod.DR, ForwardingMethod.TUN)
    return keeps_destination and bool(virtual_addresses(server))


def vip_probe_configuration(
    configuration: Configuration, names: Collection[str], services: Collection[ServiceKey]
) -> Configuration | None:
    """Return a configuration whose checks probe these real servers at the virtual address.

    ``services`` are the services in the IPVS table. Their firewall marks are not used. Return
    None if no range of firewall marks is free.
    """
    servers = [
        replace(server, real_servers=tuple(_vip_checks(server, names)), sorry_server=None)
        for server in configuration.virtual_servers
    ]
    used = {key.firewall_mark for key in services}
    free = (marks for marks in _RANGES if not any(mark in marks for mark in used))
    marks = next(free, None)
    if marks is None:
        return None
    return replace(configuration, virtual_servers=assign_marks(servers, marks))


def _vip_checks(server: VirtualServer, names: Collection[str]) -> Iterator[RealServer]:
    key = server.keys[0]
    for real_server in server.real_servers:
        if f"{server.name}/{real_server.name}" not in names or real_server.check is None:
            continue
        if not _receives_virtual_address(server, real_server):
            continue
        check = _service_check(real_server.check, server)
        same_family = (":" in real_server.key.address) == (":" in key.address)
        if check is not None and same_family:
            route = route_via_vip(Route(), server.forwarding_of(real_server), key.address)
            yield replace(real_server, check=replace(check, route=route))


def _service_check(check: CheckDefinition, server: VirtualServer) -> CheckDefinition | None:
    """Return the check if it tests the port that clients use, or else a TCP check of that port."""
    key = server.keys[0]
    if check.probe.traits.tests_service and key.port in (0, check.port):
        return direct_check(check)
    if key.protocol is Protocol.TCP and key.port:
        return replace(check, port=key.port, probe=TcpProbe())
    return None


def find_obstacle(server: ExaminedServer, facts: Facts) -> Obstacle | None:
    """Return why this host would drop answers of a real server whose source is the virtual address.

    The kernel drops packets from an address of this host as martians if accept_local is 0. It drops
    packets that arrive on another interface than the route to their source if rp_filter is 1
    (ip-sysctl.rst). While backup_only is 1 and the sync daemon is backup, IPVS ignores all packets
    (ipvs-sysctl.rst).
    """
    [virtual, *_] = virtual_addresses(server.virtual_server)
    if facts.sysctls.get(_BACKUP_ONLY) not in ("0", None):
        return Obstacle(
            "net.ipv4.vs.backup_only is 1, so IPVS may ignore packets here",
            "set the parameter to 0, or use a check with `via: vip`, for which `hadirector"
            " run` sets it",
        )
    route, route_back = facts.routes.get(server.address), facts.routes.get(virtual)
    if route is None or ":" in virtual:
        return None
    interface = route.interface
    if virtual in facts.addresses and "1" not in _values(facts, "accept_local", interface):
        return Obstacle(
            f"this host holds that address, and {interface} accepts no packets from an address of"
            " this host",
            "run doctor on the BACKUP director, or set `via: vip` in the check",
        )
    strict = max(_values(facts, "rp_filter", interface)) == "1"
    elsewhere = route_back is None or (not route_back.local and route_back.interface != interface)
    if strict and elsewhere:
        return Obstacle(
            f"rp_filter would drop the answer: the route to that address is not through"
            f" {interface}",
            f"set rp_filter to 2 (loose) on {interface}",
        )
    return None


def obstacle_sysctls(interfaces: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the sysctls that ``find_obstacle`` needs."""
    everywhere = ("all", *interfaces)
    words = ("accept_local", "rp_filter")
    return (_BACKUP_ONLY, *(_name(interface, word) for interface in everywhere for word in words))


def _values(facts: Facts, word: str, interface: str) -> tuple[str, ...]:
    names = (_name("all", word), _name(interface, word))
    return tuple(facts.sysctls.get(name) or "0" for name in names)


def _name(interface: str, word: str) -> str:
    return f"net/ipv4/conf/{interface}/{word}"
