"""Decides the IPVS services that forward the probes of checks with ``via: vip``.

Pure. Such a probe goes to the virtual address, like the packets of clients. Its packets have a
firewall mark, and the IPVS service of that mark has one destination, so the probe reaches exactly
this real server. The real server must accept the virtual address as its own.
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
"""The service has one destination, so its scheduler does not matter."""


class MarkRange(NamedTuple):
    """The firewall marks from ``first`` to ``last``."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """The number of marks."""
        return self.last - self.first + 1

    def __contains__(self, mark: object) -> bool:
        return isinstance(mark, int) and self.first <= mark <= self.last

    def __str__(self) -> str:
        return f"{self.first:#x}-{self.last:#x}"


DEFAULT_MARKS: Final = MarkRange(0x68000000, 0x68FFFFFF)

_HOPS_OF_DR: Final = 2
"""IPVS counts as one hop (decrement_ttl in net/netfilter/ipvs/ip_vs_xmit.c)."""


def route_via_vip(route: Route, forwarding: ForwardingMethod, destination: str) -> Route:
    """Return the route to the virtual address. `assign_marks` adds the mark."""
    # A real server behind dr is on the same link. Without the hop limit, a real server that lacks
    # the virtual address and forwards packets could send the probe to the director that holds the
    # address, and pass with the answer of another real server.
    hop_limit = _HOPS_OF_DR if forwarding is ForwardingMethod.DR else 0
    return replace(route, destination=destination, hop_limit=hop_limit)


def assign_marks(servers: Sequence[VirtualServer], marks: MarkRange) -> tuple[VirtualServer, ...]:
    """Return the virtual servers with a firewall mark in each check that goes through IPVS.

    ``marks`` must contain enough marks. A mark is derived from the names of the virtual server
    and the real server, so other changes of the configuration do not change it. The exception
    is a collision of two names (for 100 servers and 16 million marks: 0.03 %).
    """
    names = [_name(server, real_server) for server in servers for real_server, _ in _probes(server)]
    marks_by_name = _choose_marks(names, marks)
    return tuple(
        replace(
            server,
            real_servers=tuple(
                _with_mark(server, real_server, marks_by_name)
                for real_server in server.real_servers
            ),
            sorry_server=server.sorry_server
            and _with_mark(server, server.sorry_server, marks_by_name),
        )
        if any(_probes(server))
        else server
        for server in servers
    )


def probe_services(configuration: Configuration) -> Table:
    """Return the IPVS services with firewall marks that forward the probes."""
    return {
        ServiceKey.for_mark(check.route.mark, ipv6=":" in check.destination): ServiceEntry(
            PROBE_SERVICE,
            {
                DestinationKey(real_server.key.address, 0): Destination(
                    1, server.kernel_forwarding_of(real_server), tunnel=real_server.tunnel
                )
            },
        )
        for server in configuration.virtual_servers
        for real_server, check in _probes(server)
    }


def probed_servers(configuration: Configuration) -> frozenset[str]:
    """Return the addresses of real servers that receive probes at a virtual IPv4 address."""
    return frozenset(
        real_server.key.address
        for server in configuration.virtual_servers
        for real_server, check in _probes(server)
        if ":" not in check.destination
    )


def _probes(server: VirtualServer) -> Iterator[tuple[RealServer, CheckDefinition]]:
    """Yield the servers of a pool whose checks go through IPVS, with the checks."""
    for real_server in server.all_servers:
        check = real_server.check
        if check is not None and check.route.destination is not None:
            yield real_server, check


def _name(server: VirtualServer, real_server: RealServer) -> str:
    return f"{server.name}/{real_server.key}"


def _choose_marks(names: Iterable[str], marks: MarkRange) -> dict[str, int]:
    """Choose the marks by hash. If two names collide, the later name gets the next free mark."""
    taken: dict[int, str] = {}
    for name in sorted(names):
        at = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % marks.size
        while marks.first + at in taken:
            at = (at + 1) % marks.size
        taken[marks.first + at] = name
    return {name: mark for mark, name in taken.items()}


def _with_mark(
    server: VirtualServer, real_server: RealServer, marks_by_name: dict[str, int]
) -> RealServer:
    mark = marks_by_name.get(_name(server, real_server))
    if mark is None or real_server.check is None:
        return real_server
    route = replace(real_server.check.route, mark=mark)
    return replace(real_server, check=replace(real_server.check, route=route))
