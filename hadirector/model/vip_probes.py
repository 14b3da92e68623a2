"""Decides the services of ours that take probes to one real server by way of IPVS (`via: vip`).

Pure. Such a probe goes to the virtual address, as a client's packets do, and carries a mark. The
service of that mark has one destination, so that the probe meets exactly that real server, which
must take the virtual address as its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from checks.definition.check import CheckDefinition, Route
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Scheduler,
    Service,
    ServiceEntry,
    ServiceKey,
    Table,
)

PROBE_SERVICE: Final = Service(Scheduler.RR)
"""Of one destination; any scheduler would do."""


class MarkRange(NamedTuple):
    """The firewall marks from ``first`` to ``last``."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many there are."""
        return self.last - self.first + 1

    def __contains__(self, mark: object) -> bool:
        return isinstance(mark, int) and self.first <= mark <= self.last

    def __str__(self) -> str:
        return f"{self.first:#x}-{self.last:#x}"


DEFAULT_MARKS: Final = MarkRange(0x68000000, 0x68FFFFFF)

_HOPS_OF_DR: Final = 2
"""IPVS counts itself as one (decrement_ttl in net/netfilter/ipvs/ip_vs_xmit.c)."""


def route_via_vip(route: Route, forwarding: ForwardingMethod, destination: str) -> Route:
    """Lead probes to the virtual address; `assign_marks` decides which mark takes them on."""
    # A real server behind dr is next to us. One that lacks the virtual address and forwards packets
    # must not send ours on to the director that has it, and be judged by another one's answer.
    hop_limit = _HOPS_OF_DR if forwarding is ForwardingMethod.DR else 0
    return replace(route, destination=destination, hop_limit=hop_limit)


def assign_marks(servers: Sequence[VirtualServer], marks: MarkRange) -> tuple[VirtualServer, ...]:
    """Give each check that goes through IPVS a mark; there must be enough of them.

    It follows from the names of the virtual and the real server, and stays what it is whatever else
    is configured, unless two names want the same one (of 16 million, 100 servers: 0.03 %).
    """
    names = [_name(server, each) for server in servers for each, _ in _probed(server)]
    assigned = _assigned(names, marks)
    return tuple(
        replace(
            server,
            real_servers=tuple(_with_mark(server, each, assigned) for each in server.real_servers),
            sorry_server=server.sorry_server and _with_mark(server, server.sorry_server, assigned),
        )
        if any(_probed(server))
        else server
        for server in servers
    )


def probe_services(configuration: Configuration) -> Table:
    """Decide the services that the probes need."""
    return {
        ServiceKey.marked(check.route.mark, ipv6=":" in check.destination): ServiceEntry(
            PROBE_SERVICE,
            {
                DestinationKey(each.key.address, 0): Destination(
                    1, server.kernel_forwarding, tunnel=each.tunnel
                )
            },
        )
        for server in configuration.virtual_servers
        for each, check in _probed(server)
    }


def probed_servers(configuration: Configuration) -> frozenset[str]:
    """Name the real servers that answer with a virtual address of IPv4."""
    return frozenset(
        each.key.address
        for server in configuration.virtual_servers
        for each, check in _probed(server)
        if ":" not in check.destination
    )


def _probed(server: VirtualServer) -> Iterator[tuple[RealServer, CheckDefinition]]:
    for each in server.all_servers:
        if each.check is not None and each.check.route.destination is not None:
            yield each, each.check


def _name(server: VirtualServer, real_server: RealServer) -> str:
    return f"{server.name}/{real_server.key}"


def _assigned(names: Iterable[str], marks: MarkRange) -> dict[str, int]:
    """Choose by hash; of two that meet, the later in the alphabet takes the next free one."""
    taken: dict[int, str] = {}
    for name in sorted(names):
        at = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % marks.size
        while marks.first + at in taken:
            at = (at + 1) % marks.size
        taken[marks.first + at] = name
    return {name: mark for mark, name in taken.items()}


def _with_mark(
    server: VirtualServer, real_server: RealServer, assigned: dict[str, int]
) -> RealServer:
    mark = assigned.get(_name(server, real_server))
    if mark is None or real_server.check is None:
        return real_server
    route = replace(real_server.check.route, mark=mark)
    return replace(real_server, check=replace(real_server.check, route=route))
