"""Decides the settings that a host needs as a real server behind dr or tun.

Packets arrive with the virtual address as their destination, so the host must have this address. It
must not answer ARP requests for the address, because clients would then send their packets to the
real server instead of the director.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

import msgspec


class Method(StrEnum):
    """The interface that gets the virtual address."""

    LOOPBACK = "loopback"
    INTERFACE = "interface"
    TUNNEL = "tunnel"


class Sysctl(msgspec.Struct, frozen=True, tag="sysctl"):
    """Setting: a sysctl, by its path under /proc/sys, the value to set, and other suitable values.

    Undo restores the former value, unless the value has changed since.
    """

    name: str
    value: str
    also_suitable: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{self.name} = {self.value} ({self.reason})"


class Device(msgspec.Struct, frozen=True, tag="device"):
    """Setting: an interface of a kernel module is up.

    Undo leaves it up, because others may use it.
    """

    name: str
    module: str

    def __str__(self) -> str:
        return f"interface {self.name} is up (module {self.module})"


class LocalAddress(msgspec.Struct, frozen=True, tag="address"):
    """Setting: an address of the host, with the prefix length of a single address.

    Undo removes it.
    """

    address: str
    device: str

    def __str__(self) -> str:
        return f"address {self.address} on {self.device}"


class ArpRule(msgspec.Struct, frozen=True, tag="arp_rule"):
    """Setting: a rule of arptables(8). Undo removes it."""

    chain: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"arptables {self.chain} {' '.join(self.arguments)}"


Setting = Sysctl | Device | LocalAddress | ArpRule


class PlanError(Exception):
    """The requested settings cannot work. The message has the reason."""


_IGNORE = Sysctl(
    "net/ipv4/conf/all/arp_ignore",
    "1",
    ("2", "8"),
    "answer ARP requests only for addresses of the interface",
)
_ANNOUNCE = Sysctl(
    "net/ipv4/conf/all/arp_announce", "2", (), "use the address of the interface in ARP requests"
)


def settings(
    method: Method,
    addresses: Sequence[IPv4Address | IPv6Address],
    interface: str,
    own_address: IPv4Address | None,
) -> tuple[Setting, ...]:
    """Return the settings for these virtual addresses, in the order in which they must be applied.

    The address comes last, because the host answers ARP requests from then on. Only the method
    INTERFACE needs ``interface`` and ``own_address``, which belong to the real server.

    IPv6 needs only the address. A host answers neighbor solicitations for the addresses of the
    interface on which they arrive (ndisc_recv_ns in net/ipv6/ndisc.c), so the method INTERFACE
    cannot prevent answers for IPv6. Raises PlanError.
    """
    if method is Method.INTERFACE:
        return _on_interface(addresses, interface, own_address)
    wanted: list[Setting] = []
    if any(address.version == 4 for address in addresses):
        wanted += [_IGNORE, _ANNOUNCE]
    for address in addresses:
        wanted += _on_loopback(address) if method is Method.LOOPBACK else _on_tunnel(address)
    return tuple(dict.fromkeys(wanted))


def _on_loopback(address: IPv4Address | IPv6Address) -> list[Setting]:
    return [LocalAddress(_with_full_prefix(address), "lo")]


def _on_tunnel(address: IPv4Address | IPv6Address) -> list[Setting]:
    """The kernel uses the greater rp_filter of "all" and the interface (ip-sysctl.rst)."""
    if address.version == 6:
        return [
            Device("ip6tnl0", "ip6_tunnel"),
            LocalAddress(_with_full_prefix(address), "ip6tnl0"),
        ]
    loose = "accept packets of clients, although the route to them is not through the tunnel"
    return [
        Device("tunl0", "ipip"),
        Sysctl("net/ipv4/conf/tunl0/rp_filter", "2", (), loose),
        LocalAddress(_with_full_prefix(address), "tunl0"),
    ]


def _on_interface(
    addresses: Sequence[IPv4Address | IPv6Address], interface: str, own_address: IPv4Address | None
) -> tuple[Setting, ...]:
    if own_address is None:
        raise PlanError(f"{interface} has no IPv4 address for ARP requests")
    wanted: list[Setting] = []
    for address in addresses:
        if address.version == 6:
            raise PlanError(
                f"{address}: the method {Method.INTERFACE} supports only IPv4;"
                f" use the method {Method.LOOPBACK}"
            )
        mangled = ("-s", str(address), "-j", "mangle", "--mangle-ip-s", str(own_address))
        wanted += [
            ArpRule("INPUT", ("-d", str(address), "-j", "DROP")),
            ArpRule("OUTPUT", mangled),
            LocalAddress(_with_full_prefix(address), interface),
        ]
    return tuple(dict.fromkeys(wanted))


def _with_full_prefix(address: IPv4Address | IPv6Address) -> str:
    return f"{address}/{address.max_prefixlen}"
