"""What was seen of this host and around it, and of whom. Pure values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

import msgspec

from checks.definition.result import Result
from hadirector.host.sysctl.rules import NO_INTERFACES, Interfaces
from hadirector.model.configuration import Configuration, RealServer, VirtualServer

Path = tuple[str | int, ...]

FAR_CLIENT = "192.0.2.1"
"""Stands for a client from elsewhere: an address that nobody has (RFC 5737, TEST-NET-1)."""

CONNTRACK_COUNT = "net/netfilter/nf_conntrack_count"
CONNTRACK_MAX = "net/netfilter/nf_conntrack_max"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How the kernel sends a packet to an address. ``mtu`` is in bytes, the IP header included.

    ``source`` is the address that packets of this host get. ``local`` is an address of our own.
    """

    interface: str
    gateway: str | None = None
    source: str = ""
    mtu: int = 1500
    local: bool = False

    @property
    def on_link(self) -> bool:
        """Whether the address is a neighbour on that interface."""
        return self.gateway is None and not self.local


class OwnAddress(msgspec.Struct, frozen=True):
    """An address that this host has at the moment."""

    interface: str
    prefix_length: int


class Echo(NamedTuple):
    """An echo request to a real server that seems to come from ``client``."""

    real_server: str
    client: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that findings are decided by.

    ``ways`` holds None for an address without a route. ``refusals`` is what the preflight says.
    ``answers`` are of each subject's check by its own address, ``virtual_answers`` by the virtual
    one and through IPVS, and ``unasked`` says of subjects why there is none. Of the echo requests
    ``asked``, the replies to ``heard`` came to this host. ``clients`` were named by the operator.
    """

    ways: Mapping[str, Way | None] = {}
    addresses: Mapping[str, OwnAddress] = {}
    mtus: Mapping[str, int] = {}
    sysctls: Mapping[str, str | None] = {}
    interfaces: Interfaces = NO_INTERFACES
    refusals: tuple[str, ...] = ()
    answers: Mapping[str, Result] = {}
    virtual_answers: Mapping[str, Result] = {}
    unasked: Mapping[str, str] = {}
    clients: tuple[str, ...] = ()
    asked: frozenset[Echo] = frozenset()
    heard: frozenset[Echo] = frozenset()
    left_out: int = 0


class Subject(NamedTuple):
    """One real server, or the sorry server, of one virtual server, and where it is configured."""

    server: VirtualServer
    real_server: RealServer
    place: str

    @property
    def name(self) -> str:
        """What it is called in findings and commands."""
        return f"{self.server.name}/{self.real_server.name}"

    @property
    def address(self) -> str:
        """The real server's own address."""
        return self.real_server.key.address


def subjects(configuration: Configuration, place: Callable[[Path], str]) -> Iterator[Subject]:
    """Go through them in the order of the file; ``place`` says where the value of a path stands."""
    for index, server in enumerate(configuration.virtual_servers):
        path: Path = ("virtual_servers", index)
        for number, each in enumerate(server.real_servers):
            yield Subject(server, each, place((*path, "real_servers", number)))
        if server.sorry_server is not None:
            yield Subject(server, server.sorry_server, place((*path, "sorry_server")))


def virtual_addresses(server: VirtualServer) -> tuple[str, ...]:
    """Name the addresses that clients use; those of firewall marks are not known."""
    return tuple(dict.fromkeys(key.address for key in server.keys if not key.firewall_mark))


def client_interface(
    server: VirtualServer, configuration: Configuration, addresses: Mapping[str, OwnAddress]
) -> str | None:
    """Name the interface that clients' packets come in by, where the virtual address tells it."""
    for virtual in virtual_addresses(server):
        for instance in configuration.vrrp:
            if any(each.partition("/")[0] == virtual for each in instance.held_addresses):
                return instance.interface
        if virtual in addresses:
            return addresses[virtual].interface
    return None


def subnet_of(interface: str, address: str, facts: Facts) -> IPv4Network | IPv6Network | None:
    """Find the subnet of an interface that has an address in it."""
    for own, held in facts.addresses.items():
        if held.interface == interface and (":" in own) == (":" in address):
            subnet = ip_network(f"{own}/{held.prefix_length}", strict=False)
            if subnet.num_addresses > 2 and _is_in(address, subnet):
                return subnet
    return None


def _is_in(address: str, subnet: IPv4Network | IPv6Network) -> bool:
    return ip_network(address).subnet_of(subnet)  # type: ignore[arg-type]  # of one family
