"""The instances on one interface and address family. They share one socket.

Each received packet goes to the instance with its virtual router ID (VRID).
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final, Literal

from vrrp.instance.instance import Instance
from vrrp.instance.rate_limited_notices import RateLimitedNotices
from vrrp.model.configuration import InstanceConfiguration, Unicast
from vrrp.model.report import Notice, Report
from vrrp.netlink.links import Link
from vrrp.protocol.group import multicast_group
from vrrp.protocol.packet import Address, Datagram, DropReason
from vrrp.router.eligibility import LINK_DOWN
from vrrp.transport.frames import FrameSocket
from vrrp.transport.inquiry import AnswerSocket
from vrrp.transport.path import RawPath
from vrrp.transport.raw import RawSocket
from vrrp.transport.virtual_mac import VirtualMacPath

REOPEN_SECONDS: Final = 1.0
"""Seconds between attempts to open a socket."""


class Segment:
    """Attaches its instances to the transport while the interface is usable."""

    def __init__(
        self,
        interface: str,
        family: Literal[4, 6],
        report: Callable[[Report], None],
        frames: FrameSocket,
    ) -> None:
        self.notices = RateLimitedNotices(report, interface=interface)
        self._interface = interface
        self._family = family
        self._report = report
        self._frames = frames
        self._instances: dict[int, Instance] = {}
        self._link: Link | None = None
        self._virtual: frozenset[Address] = frozenset()
        self._socket: RawSocket | None = None
        self._answering: dict[int, AnswerSocket] = {}
        self._fault: str | None = None
        self._retry: asyncio.TimerHandle | None = None

    def add(self, instance: Instance) -> None:
        """Add an instance. The next `update` attaches it."""
        virtual_router_id = instance.configuration.virtual_router_id
        assert virtual_router_id not in self._instances
        self._instances[virtual_router_id] = instance

    def remove(self, instance: Instance) -> bool:
        """Remove an instance. Return whether the segment has other instances."""
        del self._instances[instance.configuration.virtual_router_id]
        return bool(self._instances)

    def update(self, link: Link | None, virtual: frozenset[Address]) -> None:
        """Attach or detach the instances for the state of the interface (None: it is missing).

        The ``virtual`` addresses of this host are not used as source addresses.
        """
        if self._socket is not None and (link is None or link.index != self._socket.index):
            self._detach("interface_gone")
            self._close_socket()
        self._link, self._virtual = link, virtual
        fault = self._attach()
        if fault is not None:
            self._detach(fault)
        self._report_fault(fault)

    def _report_fault(self, fault: str | None) -> None:
        """Report a new fault of the interface once, and its end."""
        fields = {"interface": self._interface}
        if fault is not None and fault != self._fault:
            fields["reason"] = fault
            self._report(Notice("error", "interface_unusable", dict(fields)))
        elif fault is None and self._fault is not None:
            self._report(Notice("info", "interface_usable", dict(fields)))
        self._fault = fault

    def close(self) -> None:
        """Close the socket."""
        if self._retry is not None:
            self._retry.cancel()
        self._close_socket()

    def _attach(self) -> str | None:
        """Attach all instances. Return the fault of the interface if that is not possible."""
        link = self._link
        if link is None:
            return "interface_missing"
        unprepared = self._prepare(link)
        if not (link.carrier or self._ignore_carrier()):
            return LINK_DOWN
        source = link.source(self._family, self._virtual)
        if source is None:
            return "no_address" if self._family == 4 else "no_link_local_address"
        groups = {multicast_group(each.configuration) for each in self._instances.values()}
        try:
            advertisements = self._open_socket(link)
            advertisements.join(frozenset(groups))
            self._listen_for_questions()
        except PermissionError:
            self._try_again()
            return "CAP_NET_RAW is needed"
        except OSError as error:
            self._try_again()
            return f"cannot open a socket: {error.strerror}"
        for instance in self._instances.values():
            if instance in unprepared:
                instance.detach("virtual_mac_unusable")
            elif not (link.carrier or instance.configuration.ignore_carrier):
                instance.detach(LINK_DOWN)
            else:
                self._attach_one(instance, link, advertisements, source)
        return None

    def _ignore_carrier(self) -> bool:
        """Return whether any of the instances works without carrier."""
        return any(each.configuration.ignore_carrier for each in self._instances.values())

    def _prepare(self, link: Link) -> list[Instance]:
        """Create the macvlans. Return the instances whose macvlan could not be created."""
        unprepared = [
            instance
            for instance in self._instances.values()
            if not instance.resources.prepare(link.index)
        ]
        if unprepared:
            self._try_again()
        return unprepared

    def _attach_one(
        self, instance: Instance, link: Link, carrier: RawSocket, primary: Address
    ) -> None:
        transport = instance.configuration.transport
        if transport.source is None or link.has(transport.source):
            source = primary if transport.source is None else ip_address(transport.source)
            instance.attach(self._path(instance.configuration, carrier, source))
        else:
            instance.detach("source_missing")
            absent = f"{transport.source} is not an address of {self._interface}"
            instance.report_transport_error(OSError(errno.EADDRNOTAVAIL, absent))

    def _path(
        self, configuration: InstanceConfiguration, carrier: RawSocket, source: Address
    ) -> RawPath | VirtualMacPath:
        if isinstance(configuration.transport, Unicast):
            peers = [*map(ip_address, configuration.transport.peers)]
            return RawPath(carrier, source, [peer for peer in peers if peer != source])
        path = RawPath(carrier, source, [multicast_group(configuration)])
        if configuration.virtual_mac is None:
            return path
        return VirtualMacPath(path, self._frames, self._interface, configuration.hardware_address)

    def _detach(self, reason: str) -> None:
        for instance in self._instances.values():
            instance.detach(reason)

    def _open_socket(self, link: Link) -> RawSocket:
        if self._socket is None:
            self._socket = RawSocket(
                self._interface, link.index, self._family, self._deliver, self._drop
            )
        return self._socket

    def _listen_for_questions(self) -> None:
        """Own the port of death certificates, which stays open after a change of the configuration.

        A port that is closed while the process runs would be a false certificate.
        """
        for instance in self._instances.values():
            port = instance.configuration.death_certificate_port
            if port is not None and port not in self._answering:
                try:
                    self._answering[port] = AnswerSocket(
                        self._interface, self._family, port, self._answer
                    )
                except OSError as error:
                    instance.inquirer.report_port_error(error)

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        while self._answering:
            self._answering.popitem()[1].close()

    def _try_again(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        loop = asyncio.get_running_loop()
        self._retry = loop.call_later(
            REOPEN_SECONDS, lambda: self.update(self._link, self._virtual)
        )

    def _deliver(self, datagram: Datagram) -> None:
        """Pass a datagram to the instance with its VRID, which is the second byte."""
        if len(datagram.payload) < 2:
            self._drop(DropReason.TRUNCATED, datagram.source)
            return
        instance = self._instances.get(datagram.payload[1])
        if instance is None:
            self._drop(DropReason.VIRTUAL_ROUTER_ID, datagram.source)
        else:
            instance.receive(datagram)

    def _answer(self, payload: bytes, source: Address, ttl: int) -> bytes | None:
        """Answer a question for the instance with its VRID, which is the second byte."""
        instance = self._instances.get(payload[1]) if len(payload) > 1 else None
        return None if instance is None else instance.inquirer.answer(payload, source, ttl)

    def _drop(self, reason: DropReason, source: Address | None) -> None:
        self.notices.note(
            "advertisement_dropped",
            f"dropped_{reason}",
            asyncio.get_running_loop().time(),
            reason=str(reason),
            source=str(source),
        )
