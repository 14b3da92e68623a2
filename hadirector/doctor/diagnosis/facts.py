"""The facts that an examination of this host and its real servers has found. Pure values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

import msgspec

from checks.definition.result import Result
from hadirector.doctor.diagnosis.announcement import AnnouncementFacts
from hadirector.host.sysctl.rules import NO_INTERFACES, Interfaces
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import ForwardingMethod

ConfigPath = tuple[str | int, ...]
"""The keys and indexes that lead to a value of the configuration file."""

EXAMINED_MAX = 1000
"""Real servers that are examined: a route lookup takes 0.5 ms, and a probe up to its timeout."""

OFF_LINK_CLIENT = "192.0.2.1"
"""Stands for a client behind a router. No host has this address (RFC 5737, TEST-NET-1)."""

CONNTRACK_COUNT = "net/netfilter/nf_conntrack_count"
CONNTRACK_MAX = "net/netfilter/nf_conntrack_max"


class KernelRoute(msgspec.Struct, frozen=True, kw_only=True):
    """The kernel's route to an address. ``mtu`` is in bytes, including the IP header.

    ``source`` is the source address of packets from this host to the address. ``local`` is True
    if this host itself has the address.
    """

    interface: str
    gateway: str | None = None
    source: str = ""
    mtu: int = 1500
    local: bool = False

    @property
    def on_link(self) -> bool:
        """Whether the address is on the link of the interface, so that no router is in between."""
        return self.gateway is None and not self.local


class LocalAddress(msgspec.Struct, frozen=True):
    """The interface and prefix length of an address of this host."""

    interface: str
    prefix_length: int


class Echo(NamedTuple):
    """An echo request to a real server, with ``client`` as its source address."""

    real_server: str
    client: str


class Obstacle(NamedTuple):
    """The reason why a real server was not probed at the virtual address, and the remedy."""

    reason: str
    remedy: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All facts from which the findings are decided.

    ``routes`` has None for an address without a route. ``preflight_faults`` are the faults that
    keep `hadirector run` from starting. Probe results are by the name of the real server:
    ``own_results`` are of probes to its own address, and ``vip_results`` are of probes to the
    virtual address through IPVS. ``obstacles`` explains missing ``vip_results``.

    ``clients`` are the addresses that the operator named. ``prove`` is True if the operator
    permitted echo requests with the source address of a client. ``echo_requests`` are the
    requests that were sent, and ``echo_replies`` are the requests whose reply came to this
    host.

    ``process_polling`` is the reason for which the kernel reports no process events to a director
    that needs them.

    ``in_container`` is True if a container runtime has left its mark. ``sysctls_read_only`` is True
    if /proc/sys is mounted read-only.
    """

    routes: Mapping[str, KernelRoute | None] = {}
    addresses: Mapping[str, LocalAddress] = {}
    mtus: Mapping[str, int] = {}
    sysctls: Mapping[str, str | None] = {}
    interfaces: Interfaces = NO_INTERFACES
    preflight_faults: tuple[str, ...] = ()
    own_results: Mapping[str, Result] = {}
    vip_results: Mapping[str, Result] = {}
    obstacles: Mapping[str, Obstacle] = {}
    clients: tuple[str, ...] = ()
    prove: bool = False
    echo_requests: frozenset[Echo] = frozenset()
    echo_replies: frozenset[Echo] = frozenset()
    omitted: int = 0
    process_polling: str | None = None
    announcement: AnnouncementFacts = AnnouncementFacts()
    in_container: bool = False
    sysctls_read_only: bool = False


class ExaminedServer(NamedTuple):
    """A real server or sorry server, its virtual server, and its place in the file."""

    virtual_server: VirtualServer
    real_server: RealServer
    place: str

    @property
    def name(self) -> str:
        """The name of the real server in findings and commands."""
        return f"{self.virtual_server.name}/{self.real_server.name}"

    @property
    def address(self) -> str:
        """The real server's own address."""
        return self.real_server.key.address

    @property
    def forwarding(self) -> ForwardingMethod:
        """The method by which packets reach the real server."""
        return self.virtual_server.forwarding_of(self.real_server)


def examined_servers(
    configuration: Configuration, place: Callable[[ConfigPath], str]
) -> Iterator[ExaminedServer]:
    """List all real servers and sorry servers in the order of the file.

    ``place`` returns file:line:column of a value.
    """
    for index, server in enumerate(configuration.virtual_servers):
        path: ConfigPath = ("virtual_servers", index)
        for number, real_server in enumerate(server.real_servers):
            yield ExaminedServer(server, real_server, place((*path, "real_servers", number)))
        if server.sorry_server is not None:
            yield ExaminedServer(server, server.sorry_server, place((*path, "sorry_server")))


def virtual_addresses(server: VirtualServer) -> tuple[str, ...]:
    """Return the addresses that clients connect to; they are unknown for a firewall mark."""
    return tuple(dict.fromkeys(key.address for key in server.keys if not key.firewall_mark))


def client_interface(
    server: VirtualServer, configuration: Configuration, addresses: Mapping[str, LocalAddress]
) -> str | None:
    """Return the interface on which client packets arrive; None if it cannot be derived.

    It is derived from the virtual address.
    """
    for virtual in virtual_addresses(server):
        for instance in configuration.vrrp:
            if any(held.partition("/")[0] == virtual for held in instance.held_addresses):
                return instance.interface
        if virtual in addresses:
            return addresses[virtual].interface
    return None


def subnet_of(interface: str, address: str, facts: Facts) -> IPv4Network | IPv6Network | None:
    """Return the subnet, among the subnets of one interface, that contains an address."""
    for own, local in facts.addresses.items():
        if local.interface == interface and (":" in own) == (":" in address):
            subnet = ip_network(f"{own}/{local.prefix_length}", strict=False)
            if subnet.num_addresses > 2 and _contains(subnet, address):
                return subnet
    return None


def _contains(subnet: IPv4Network | IPv6Network, address: str) -> bool:
    return ip_network(address).subnet_of(subnet)  # type: ignore[arg-type]  # same family
