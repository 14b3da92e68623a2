"""The keys of a virtual server: its addresses, and how the kernel forwards packets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal

from hadirector.config.keys.addresses import PORT_RANGE, SERVICE_ENDPOINT, Endpoint, PortRange
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import Name
from hadirector.config.keys.readers import BOOLEAN, choice, integer, whole_seconds
from hadirector.config.pools.schema import PoolSection, RealServerSection, SorryServerSection
from hadirector.config.services.tunnel import TunnelSection
from hadirector.model.ipvs import (
    ForwardingMethod,
    Protocol,
    Scheduler,
    SchedulerFlag,
    ServiceKey,
)

SERVICES_MAX = 1000
"""Services of one virtual server. The kernel has the whole pool once for each service."""


class VirtualServerSection(PoolSection):
    """One virtual server with its pool."""

    name: Annotated[
        Name | None,
        Key(
            "The name of the virtual server in commands and logs. It is required with `addresses`.",
            default="the address and port, for udp and sctp with `-udp` or `-sctp` at the end; for"
            " a firewall mark `fwmark-7`, or `fwmark-7-ipv6`",
        ),
    ] = None
    address: Annotated[
        Annotated[Endpoint, SERVICE_ENDPOINT] | None,
        Key(
            "Where clients connect. Port 0 stands for every port that has no other service, and"
            " needs `persistence`.",
            default="one of `address`, `addresses` and `fwmark` is required",
        ),
    ] = None
    addresses: Annotated[
        list[Annotated[PortRange, PORT_RANGE]],
        Key(
            "Several addresses for one pool. Each address and port is a service in the kernel and"
            " is scheduled separately. There are at most 1000 services.",
            type="list of addresses of one family, each with a port or ports: `192.0.2.1:80`,"
            " `192.0.2.1:8000-8009`",
            default="",
        ),
    ] = []
    fwmark: Annotated[
        Annotated[int, integer(1, 0xFFFFFFFF)] | None,
        Key(
            "Packets with this firewall mark (`iptables -t mangle -A PREROUTING ... -j MARK"
            " --set-mark 7`), regardless of their protocol, address and port.",
            default="",
        ),
    ] = None
    family: Annotated[
        Literal["ipv4", "ipv6"],
        choice(("ipv4", "ipv6")),
        Key(
            "Only with `fwmark`: the address family of the marked packets. Each family has its own"
            " service."
        ),
    ] = "ipv4"
    protocol: Annotated[
        Protocol,
        choice(Protocol),
        Key("The transport protocol; not with `fwmark`."),
    ] = Protocol.TCP
    scheduler: Annotated[
        Scheduler,
        choice(Scheduler),
        Key("How the kernel selects a real server. `wlc` is also the default of ipvsadm."),
    ] = Scheduler.WLC
    scheduler_flags: Annotated[
        list[Annotated[SchedulerFlag, choice(SchedulerFlag)]],
        Key("For `sh` and `mh` only, which always have `fallback`.", default="none"),
    ] = []
    one_packet: Annotated[
        bool,
        BOOLEAN,
        Key(
            "For udp: every packet is scheduled separately and no connection is kept. Answers are"
            " not translated back: with `nat` they come from the address of the real server, with"
            " `dr` and `tun` from the address that the real server chooses."
        ),
    ] = False
    forwarding: Annotated[
        ForwardingMethod,
        choice(ForwardingMethod),
        Key(
            "How packets reach a real server; see [fullnat](#fullnat). With `dr` and `tun` they"
            " arrive unchanged, so the port of the real server is that of the virtual server. A"
            " real server may have a method of its own."
        ),
    ] = ForwardingMethod.NAT
    tunnel: Annotated[
        TunnelSection | None,
        Key(
            "Only with `tun`: how packets are encapsulated.",
            type="[tunnel](#tunnel)",
            default="`{type: ipip}`",
        ),
    ] = None
    # ip_vs keeps the persistence timeout in jiffies in an unsigned int; ipvsadm stops at 31 days.
    persistence: Annotated[
        Annotated[int, whole_seconds("1s", "744h")] | None,
        Key("How long a client stays with its real server.", default="off"),
    ] = None
    persistence_prefix_length: Annotated[
        Annotated[int, integer(1, 128)] | None,
        Key(
            "Clients whose addresses have this many leading bits in common count as one client"
            " (the netmask of ipvsadm).",
            type="1 to 32, or 1 to 128 for IPv6",
            default="the whole address",
            field="prefix_length",
        ),
    ] = None
    persistence_engine: Annotated[
        Annotated[Literal["sip"], choice(("sip",))] | None,
        Key(
            "The data that persistence uses besides the address of the client. `sip` keeps the"
            " packets of a Call-ID together, over udp.",
            default="none",
            field="engine",
        ),
    ] = None

    @property
    def place_key(self) -> str:
        """The name of the key with the address, the addresses, or the firewall mark."""
        if self.fwmark is not None:
            return "fwmark"
        return "addresses" if self.addresses else "address"

    @cached_property
    def keys(self) -> tuple[ServiceKey, ...]:
        """The keys of its IPVS services. If there are too many, the first ``SERVICES_MAX`` + 1."""
        return tuple(itertools.islice(self._keys(), SERVICES_MAX + 1))

    def _keys(self) -> Iterator[ServiceKey]:
        if self.fwmark is not None:
            yield ServiceKey.for_mark(self.fwmark, ipv6=self.family == "ipv6")
        if self.address is not None:
            yield ServiceKey(self.protocol, self.address.address, self.address.port or 0)
        for ports in self.addresses:
            for port in range(ports.first, ports.last + 1):
                yield ServiceKey(self.protocol, ports.address, port)

    def forwarding_of(self, member: RealServerSection | SorryServerSection) -> ForwardingMethod:
        """Return the forwarding method of a real server or of the sorry server."""
        return member.forwarding or self.forwarding

    @property
    def port(self) -> int:
        """The port of all services; 0 if they have several ports, or stand for all ports."""
        if self.address is not None:
            return self.address.port or 0
        ports = {port for ports in self.addresses for port in (ports.first, ports.last)}
        return ports.pop() if len(ports) == 1 else 0

    @property
    def title(self) -> str:
        """The name. The default is the first service, with the protocol unless it is tcp."""
        if self.name is not None:
            return self.name
        first = next(self._keys(), None)
        if first is None:
            return ""  # a fault that the rules find
        if first.firewall_mark:
            return f"fwmark-{self.fwmark}" + "-ipv6" * (self.family == "ipv6")
        return first.place if self.protocol is Protocol.TCP else f"{first.place}-{self.protocol}"
