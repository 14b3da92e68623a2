"""Asks the kernel for routes, addresses and interfaces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyroute2 import IPRoute, NetlinkError

from hadirector.doctor.diagnosis.facts import OwnAddress, Way

_RTN_UNICAST, _RTN_LOCAL = 1, 2  # include/uapi/linux/rtnetlink.h


class Host:
    """This host's network namespace, as it is when this is made. Blocks; raises NetlinkError."""

    def __init__(self, netlink: IPRoute) -> None:
        self._netlink = netlink
        links = {each["index"]: each for each in netlink.get_links()}
        self._names = {index: str(each.get("IFLA_IFNAME")) for index, each in links.items()}
        self.mtus = {str(each.get("IFLA_IFNAME")): _mtu(each) for each in links.values()}

    def addresses(self) -> dict[str, OwnAddress]:
        """List the addresses that this host has."""
        return {
            str(each.get("IFA_LOCAL") or each.get("IFA_ADDRESS")): OwnAddress(
                self._names[each["index"]], each["prefixlen"]
            )
            for each in self._netlink.get_addr()
            if each["index"] in self._names
        }

    def ways(self, addresses: Iterable[str]) -> dict[str, Way | None]:
        """Ask for the route to each address, as ip-route(8) `get` does."""
        return {each: self._way(each) for each in addresses}

    def _way(self, address: str) -> Way | None:
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
        return Way(
            interface=interface,
            gateway=route.get("RTA_GATEWAY") or (via and str(via["addr"])),
            source=route.get("RTA_PREFSRC") or "",
            mtu=mtu or self.mtus.get(interface, 0),
            local=route["type"] == _RTN_LOCAL,
        )


def _mtu(link: Any) -> int:
    return int(link.get("IFLA_MTU") or 0)
