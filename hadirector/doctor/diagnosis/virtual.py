"""Decides by which services of its own the doctor asks real servers by their virtual address. Pure.

As `via: vip` does it (`hadirector.model.vip_probes`), for every real server behind dr and tun,
whether or not its check says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from msgspec.structs import replace

from checks.definition.check import CheckDefinition, Route
from checks.definition.options import TcpProbe
from hadirector.doctor.diagnosis.facts import Facts, Subject, virtual_addresses
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import ForwardingMethod, Protocol, ServiceKey
from hadirector.model.vip_probes import MarkRange, assign_marks, route_via_vip

_RANGES = tuple(MarkRange(first << 24, (first << 24) + 0xFFFF) for first in range(0x6A, 0x72))
"""Marks that a running director does not use by default, in case one of them is taken."""

_BACKUP_ONLY = "net/ipv4/vs/backup_only"


def takes_virtual(server: VirtualServer) -> bool:
    """Say whether real servers get packets with a virtual address that is known."""
    as_it_is = server.forwarding in (ForwardingMethod.DR, ForwardingMethod.TUN)
    return as_it_is and bool(virtual_addresses(server))


def is_asked(subject: Subject, facts: Facts) -> bool:
    """Say whether a real server is to be asked by the virtual address: it answers on its own."""
    answer, way = facts.answers.get(subject.name), facts.ways.get(subject.address)
    passes = answer is not None and answer.passed
    return passes and takes_virtual(subject.server) and way is not None and not way.local


def by_its_own_address(check: CheckDefinition) -> CheckDefinition:
    """Take away what leads a check through IPVS."""
    if check.route.destination is None:
        return check
    return replace(check, route=replace(check.route, destination=None, mark=0, hop_limit=0))


def led_through_ipvs(
    configuration: Configuration, passing: Collection[str], taken: Collection[ServiceKey]
) -> Configuration | None:
    """Keep the real servers to ask by a virtual address, with checks that do so.

    ``passing`` are the names of those that answer on their own address. None if each range of marks
    has one that a service in ``taken`` uses.
    """
    servers = [
        replace(server, real_servers=tuple(_led(server, passing)), sorry_server=None)
        for server in configuration.virtual_servers
        if takes_virtual(server)
    ]
    used = {key.firewall_mark for key in taken}
    free = (each for each in _RANGES if not any(mark in each for mark in used))
    marks = next(free, None)
    if marks is None:
        return None
    return replace(configuration, virtual_servers=assign_marks(servers, marks))


def _led(server: VirtualServer, passing: Collection[str]) -> Iterator[RealServer]:
    key = server.keys[0]
    for each in server.real_servers:
        if f"{server.name}/{each.name}" not in passing or each.check is None:
            continue
        check = _fitting(each.check, server)
        if check is not None and (":" in each.key.address) == (":" in key.address):
            route = route_via_vip(Route(), server.forwarding, key.address)
            yield replace(each, check=replace(check, route=route))


def _fitting(check: CheckDefinition, server: VirtualServer) -> CheckDefinition | None:
    """Take the check if it asks what is served, or else ask for a connection."""
    key = server.keys[0]
    if check.probe.traits.tests_service and key.port in (0, check.port):
        return by_its_own_address(check)
    if key.protocol is Protocol.TCP and key.port:
        return replace(check, port=key.port, probe=TcpProbe())
    return None


def hindrance(subject: Subject, facts: Facts) -> str | None:
    """Say why the answer of a real server from its virtual address would not be taken here.

    A packet from an address of this host is martian where accept_local is off; one that comes in
    elsewhere than the route to its source leads, where rp_filter is 1 (ip-sysctl.rst). With
    backup_only a backup of the sync daemon leaves all packets alone (ipvs-sysctl.rst).
    """
    [virtual, *_] = virtual_addresses(subject.server)
    if _leaves_alone(facts):
        return "IPVS may take no packets here, because net.ipv4.vs.backup_only is on"
    way, back = facts.ways.get(subject.address), facts.ways.get(virtual)
    if way is None or ":" in virtual:
        return None
    accepted = _values(facts, "accept_local", way.interface)
    if virtual in facts.addresses and "1" not in accepted:
        return f"this host holds it, and {way.interface} takes no packets from addresses held here"
    filters = max(_values(facts, "rp_filter", way.interface)) == "1"
    elsewhere = back is None or (not back.local and back.interface != way.interface)
    if filters and elsewhere:
        return f"rp_filter would drop the answer: {way.interface} is not the way to that address"
    return None


def knocked_from(subject: Subject, facts: Facts) -> str | None:
    """Choose where to knock from, at a TCP port of IPv4, where the answer would not be taken."""
    key, way = subject.server.keys[0], facts.ways.get(subject.address)
    is_tcp = key.protocol is Protocol.TCP and key.port and ":" not in key.address + subject.address
    if not is_tcp or way is None or way.source == key.address or _leaves_alone(facts):
        return None
    return way.source or None


def looked_at_by_hindrance(interfaces: Iterable[str]) -> tuple[str, ...]:
    """Name the parameters that ``hindrance`` looks at."""
    words, everywhere = ("accept_local", "rp_filter"), ("all", *interfaces)
    return (_BACKUP_ONLY, *(_name(each, word) for each in everywhere for word in words))


def _leaves_alone(facts: Facts) -> bool:
    return facts.sysctls.get(_BACKUP_ONLY) not in ("0", None)


def _values(facts: Facts, word: str, interface: str) -> tuple[str, ...]:
    return tuple(facts.sysctls.get(_name(each, word)) or "0" for each in ("all", interface))


def _name(interface: str, word: str) -> str:
    return f"net/ipv4/conf/{interface}/{word}"
