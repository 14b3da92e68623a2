"""A raw socket for VRRP over IPv4 multicast (RFC 9568 5.1.1)."""

from __future__ import annotations

import socket
import struct
from typing import Final

from vrrp.protocol.packet import (
    PROTOCOL,
    TRAFFIC_CLASS,
    TTL,
    Address,
    Datagram,
    parse_datagram,
)
from vrrp.transport import DATAGRAM_BYTES, RECEIVE_BUFFER_BYTES

# linux/in.h; absent from the socket module
_IP_PKTINFO: Final = 8
_IP_MULTICAST_ALL: Final = 49


class Ipv4:
    """The IPv4 functions of the raw socket (`vrrp.transport.raw`)."""

    def open(self, interface: str, index: int) -> socket.socket:
        """Open a socket that receives on one interface only. Raises OSError."""
        opened = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, PROTOCOL)
        try:
            ip = socket.IPPROTO_IP
            device = struct.pack("=4s4si", bytes(4), bytes(4), index)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            opened.setsockopt(ip, socket.IP_MULTICAST_IF, device)
            opened.setsockopt(ip, socket.IP_MULTICAST_TTL, TTL)
            opened.setsockopt(ip, socket.IP_TTL, TTL)
            opened.setsockopt(ip, socket.IP_MULTICAST_LOOP, 0)
            opened.setsockopt(ip, socket.IP_TOS, TRAFFIC_CLASS)
            opened.setsockopt(ip, _IP_MULTICAST_ALL, 0)
        except OSError:
            opened.close()
            raise
        return opened

    def join(self, opened: socket.socket, index: int, group: Address) -> None:
        """Receive from a multicast group. Raises OSError."""
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, _membership(index, group))

    def leave(self, opened: socket.socket, index: int, group: Address) -> None:
        """Stop receiving from a multicast group. Raises OSError."""
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, _membership(index, group))

    def send(
        self,
        opened: socket.socket,
        index: int,
        source: Address,
        payload: bytes,
        destination: Address,
    ) -> None:
        """Send one message. Raises OSError."""
        information = struct.pack("=I4s4s", index, source.packed, bytes(4))
        control = [(socket.IPPROTO_IP, _IP_PKTINFO, information)]
        opened.sendmsg([payload], control, 0, (str(destination), 0))

    def receive(self, opened: socket.socket) -> Datagram:
        """Read one datagram, which the kernel delivers with its IP header.

        Raises PacketError, and OSError if there is no datagram.
        """
        return parse_datagram(opened.recv(DATAGRAM_BYTES))


def _membership(index: int, group: Address) -> bytes:
    """Return a struct ip_mreqn (ip(7))."""
    return struct.pack("=4s4si", group.packed, bytes(4), index)
