"""Observes all VRRP instances of a host, while another program runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import Final, Self

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import Notice, Report
from vrrp.netlink.rtnetlink import RTM_NEWADDR, listing, read_address
from vrrp.netlink.rtnetlink_socket import RtnetlinkSocket
from vrrp.observation.observed_router import ObservedRouter
from vrrp.protocol.packet import Address, Datagram, DropReason
from vrrp.transport.tap import Tap

STATUS_SECONDS: Final = 1.0
_ALL_INTERFACES: Final = 0


class Observer:
    """Reports the advertisements of the routers of the configured instances.

    Call `close` at the end.

    It needs CAP_NET_RAW. If an interface is missing, the observer tries to open it every
    second.
    """

    def __init__(self, report: Callable[[Report], None]) -> None:
        self._report = report
        self._routers: dict[tuple[str, int, int], ObservedRouter] = {}
        self._taps: dict[str, Tap] = {}
        self._faults: dict[str, str] = {}
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for tap in self._taps.values():
            tap.close()

    def configure(self, instances: Sequence[InstanceConfiguration]) -> None:
        """Observe exactly these instances.

        For a changed instance, earlier advertisements are forgotten.
        """
        before = {router.configuration: router for router in self._routers.values()}
        now = self._loop.time()
        self._routers = {
            (each.interface, each.family, each.virtual_router_id): before.get(each)
            or ObservedRouter(each, now)
            for each in instances
        }
        for interface in self._taps.keys() - {each.interface for each in instances}:
            self._taps.pop(interface).close()
        self._open()

    async def run(self) -> None:
        """Report the status of every instance each second, until cancelled."""
        while True:
            await asyncio.sleep(STATUS_SECONDS)
            self._open()
            held = self._held_addresses()
            for router in self._routers.values():
                for report in router.settle(held, self._loop.time()):
                    self._report(report)

    def _open(self) -> None:
        for interface in {key[0] for key in self._routers} - self._taps.keys():
            try:
                tap = Tap(interface, partial(self._observe, interface), self._drop)
            except OSError as error:
                self._note_fault(interface, error.strerror or str(error))
            else:
                self._taps[interface] = tap
                self._faults.pop(interface, None)

    def _note_fault(self, interface: str, fault: str) -> None:
        if self._faults.get(interface) != fault:
            self._faults[interface] = fault
            fields = {"interface": interface, "reason": fault}
            self._report(Notice("error", "interface_unusable", dict(fields)))

    def _observe(self, interface: str, datagram: Datagram, this_host: bool) -> None:
        if len(datagram.payload) < 2:
            return
        key = (interface, datagram.source.version, datagram.payload[1])
        if (router := self._routers.get(key)) is not None:
            router.note(datagram, self._loop.time(), this_host=this_host)

    def _drop(self, _reason: DropReason) -> None:
        """Ignore a packet with an invalid IP header: it belongs to no instance."""

    def _held_addresses(self) -> frozenset[Address]:
        """Return the addresses of this host; none if the kernel cannot list them now."""
        try:
            with closing(RtnetlinkSocket()) as kernel:
                bodies = kernel.dump(listing(_ALL_INTERFACES), RTM_NEWADDR)
        except OSError:
            return frozenset()
        found = map(read_address, bodies)
        return frozenset(each.address.ip for each in found if each is not None)
