"""IP protocol 112 over IPv4 multicast: one raw socket per interface (RFC 9568 section 5.1.1)."""

from __future__ import annotations

import asyncio
import socket
import struct
from ipaddress import IPv4Address

from vrrp.packet import MULTICAST_IPV4, PROTOCOL, TTL, PacketError, parse_datagram
from vrrp.transport import Deliver, Refuse

_TOS = 0xC0  # internetwork control, as keepalived and FRR send it
_RECEIVE_BUFFER_BYTES = 1 << 20
_DATAGRAM_BYTES = 65535
_DRAIN_LIMIT = 256  # per call: timers get their turn in a flood, about one full buffer
_IP_MULTICAST_ALL = 49  # linux/in.h; absent from the socket module
_IP_PKTINFO = 8  # linux/in.h


class MulticastSocket:
    """Sends to and receives from 224.0.0.18 on one interface, for all its virtual routers.

    Raises OSError from the constructor: PermissionError without CAP_NET_RAW, ENODEV when the
    interface is gone. Every datagram goes to ``deliver``, whatever its VRID; what is none goes
    to ``refuse``.
    """

    def __init__(
        self,
        interface: str,
        index: int,
        source: IPv4Address,
        deliver: Deliver,
        refuse: Refuse,
    ) -> None:
        self.index = index
        self.source = source
        self.destination: IPv4Address = MULTICAST_IPV4
        self._deliver = deliver
        self._refuse = refuse
        self._socket = _open(interface, index)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self.drain)

    def send(self, payload: bytes) -> None:
        """Send one message from ``source``, the interface's primary address.

        The source is given with every packet (IP_PKTINFO), because it can change under us and
        because a bound raw socket would no longer hear the group.
        """
        information = struct.pack("=I4s4s", self.index, self.source.packed, bytes(4))
        self._socket.sendmsg(
            [payload],
            [(socket.IPPROTO_IP, _IP_PKTINFO, information)],
            0,
            (str(self.destination), 0),
        )

    def drain(self) -> None:
        """Deliver what waits in the socket."""
        for _ in range(_DRAIN_LIMIT):
            if self._socket.fileno() < 0:
                return  # a delivered datagram made its receiver close us
            try:
                packet = self._socket.recv(_DATAGRAM_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # A pending error of the device (ENETDOWN), now cleared; the link watcher sees
                # the cause, and the reader is called again if more is waiting.
                return
            try:
                datagram = parse_datagram(packet)
            except PacketError as error:
                self._refuse(error.reason, None)
            else:
                self._deliver(datagram)

    def close(self) -> None:
        """Stop receiving and close the socket. Closing twice is harmless."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()


def _open(interface: str, index: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, PROTOCOL)
    try:
        ip = socket.IPPROTO_IP
        device = struct.pack("=4s4si", bytes(4), bytes(4), index)
        group = struct.pack("=4s4si", MULTICAST_IPV4.packed, bytes(4), index)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        opened.setsockopt(ip, socket.IP_MULTICAST_IF, device)
        opened.setsockopt(ip, socket.IP_MULTICAST_TTL, TTL)
        opened.setsockopt(ip, socket.IP_MULTICAST_LOOP, 0)
        opened.setsockopt(ip, socket.IP_TOS, _TOS)
        opened.setsockopt(ip, _IP_MULTICAST_ALL, 0)
        opened.setsockopt(ip, socket.IP_ADD_MEMBERSHIP, group)
    except OSError:
        opened.close()
        raise
    return opened
