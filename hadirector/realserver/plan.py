"""What a real server behind dr or tun needs of its host, as values.

Packets arrive with the virtual address as their destination, so the host must take it as its own,
and must keep silent about it: a real server that answers ARP for the virtual address takes the
director's traffic.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

import msgspec


class Method(StrEnum):
    """Where the virtual address stands."""

    LOOPBACK = "loopback"
    INTERFACE = "interface"
    TUNNEL = "tunnel"


class Sysctl(msgspec.Struct, frozen=True, tag="sysctl"):
    """A kernel parameter, by its path under /proc/sys, and the values that do.

    Undone by its former value, if it still has ours.
    """

    name: str
    value: str
    also_good: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{self.name} = {self.value} ({self.reason})"


class Device(msgspec.Struct, frozen=True, tag="device"):
    """An interface that a kernel module brings, up. It is left up: others may use it too."""

    name: str
    module: str

    def __str__(self) -> str:
        return f"interface {self.name} is up (module {self.module})"


class LocalAddress(msgspec.Struct, frozen=True, tag="address"):
    """An address of the host, alone in its subnet. Undone by its removal."""

    address: str
    device: str

    def __str__(self) -> str:
        return f"address {self.address} on {self.device}"


class ArpRule(msgspec.Struct, frozen=True, tag="arp_rule"):
    """A rule of arptables(8). Undone by its removal."""

    chain: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"arptables {self.chain} {' '.join(self.arguments)}"


Setting = Sysctl | Device | LocalAddress | ArpRule


class PlanError(Exception):
    """What is asked for cannot work; the message says why."""


_IGNORE = Sysctl(
    "net/ipv4/conf/all/arp_ignore",
    "1",
    ("2", "8"),
    "no answer to ARP for an address of another interface",
)
_ANNOUNCE = Sysctl(
    "net/ipv4/conf/all/arp_announce", "2", (), "ARP asks with the interface's own address"
)


def settings(
    method: Method,
    addresses: Sequence[IPv4Address | IPv6Address],
    interface: str,
    own_address: IPv4Address | None,
) -> tuple[Setting, ...]:
    """List what these virtual addresses need, in the order in which it is to be applied.

    An address comes last: from then on the host would answer for it. ``interface`` and
    ``own_address`` are the real server's, wanted by INTERFACE only.

    IPv6 needs the address alone: neighbour solicitations are answered for the addresses of the
    interface they come in by (ndisc_recv_ns in net/ipv6/ndisc.c), so INTERFACE has no way to keep
    silent there. Raises PlanError.
    """
    if method is Method.INTERFACE:
        return _on_interface(addresses, interface, own_address)
    found: list[Setting] = []
    if any(address.version == 4 for address in addresses):
        found += [_IGNORE, _ANNOUNCE]
    for address in addresses:
        found += _on_loopback(address) if method is Method.LOOPBACK else _on_tunnel(address)
    return tuple(dict.fromkeys(found))


def _on_loopback(address: IPv4Address | IPv6Address) -> list[Setting]:
    return [LocalAddress(_alone(address), "lo")]


def _on_tunnel(address: IPv4Address | IPv6Address) -> list[Setting]:
    """The kernel uses the strictest of "all" and the interface's own, and 2 beats 1 (ip-sysctl)."""
    if address.version == 6:
        return [Device("ip6tnl0", "ip6_tunnel"), LocalAddress(_alone(address), "ip6tnl0")]
    loose = "the client is not reached through the tunnel its packets come by"
    return [
        Device("tunl0", "ipip"),
        Sysctl("net/ipv4/conf/tunl0/rp_filter", "2", (), loose),
        LocalAddress(_alone(address), "tunl0"),
    ]


def _on_interface(
    addresses: Sequence[IPv4Address | IPv6Address], interface: str, own_address: IPv4Address | None
) -> tuple[Setting, ...]:
    if own_address is None:
        raise PlanError(f"{interface} has no IPv4 address that ARP could ask with")
    found: list[Setting] = []
    for address in addresses:
        if address.version == 6:
            raise PlanError(f"{address}: {Method.INTERFACE} is for IPv4; use {Method.LOOPBACK}")
        mangled = ("-s", str(address), "-j", "mangle", "--mangle-ip-s", str(own_address))
        found += [
            ArpRule("INPUT", ("-d", str(address), "-j", "DROP")),
            ArpRule("OUTPUT", mangled),
            LocalAddress(_alone(address), interface),
        ]
    return tuple(dict.fromkeys(found))


def _alone(address: IPv4Address | IPv6Address) -> str:
    return f"{address}/{address.max_prefixlen}"
