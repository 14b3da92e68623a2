"""Reads routes, addresses and interfaces from the kernel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyroute2 import IPRoute, NetlinkError

from hadirector.doctor.diagnosis.facts import KernelRoute, LocalAddress

_RTN_UNICAST, _RTN_LOCAL = 1, 2  # include/uapi/linux/rtnetlink.h


class Host:
    """The network namespace of this host. Interfaces are read once, at construction.

    All methods block and raise NetlinkError.
    """

    def __init__(self, netlink: IPRoute) -> None:
        self._netlink = netlink
        links = {link["index"]: link for link in netlink.get_links()}
        self._names = {index: str(link.get("IFLA_IFNAME")) for index, link in links.items()}
        self.mtus = {str(link.get("IFLA_IFNAME")): _mtu(link) for link in links.values()}

    def addresses(self) -> dict[str, LocalAddress]:
        """Return the addresses of this host."""
        return {
            str(message.get("IFA_LOCAL") or message.get("IFA_ADDRESS")): LocalAddress(
                self._names[message["index"]], message["prefixlen"]
            )
            for message in self._netlink.get_addr()
            if message["index"] in self._names
        }

    def routes(self, addresses: Iterable[str]) -> dict[str, KernelRoute | None]:
        """Return the route to each address, as `ip route get` does (ip-route(8))."""
        return {address: self._route(address) for address in addresses}

    def _route(self, address: str) -> KernelRoute | None:
        try:
            [route] = self._netlink.route("get", dst=address)
        except NetlinkError:
            return None
        if route["type"] not in (_RTN_UNICAST, _RTN_LOCAL):
            return None
        interface = self._names.get(route.get("RTA_OIF"), "")
        metrics = route.get("RTA_METRICS")
        mtu = metrics.get("RTAX_MTU") if metrics is not None else None
        via = route.get("RTA_VIA")
        return KernelRoute(
            interface=interface,
            gateway=route.get("RTA_GATEWAY") or (via and str(via["addr"])),
            source=route.get("RTA_PREFSRC") or "",
            mtu=mtu or self.mtus.get(interface, 0),
            local=route["type"] == _RTN_LOCAL,
        )


def _mtu(link: Any) -> int:
    return int(link.get("IFLA_MTU") or 0)
