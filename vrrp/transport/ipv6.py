"""A raw socket for VRRP over IPv6 multicast (RFC 9568 5.1.2, RFC 3542)."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Address
from typing import Final

from vrrp.protocol.packet import PROTOCOL, TRAFFIC_CLASS, TTL, Address, Datagram
from vrrp.transport import DATAGRAM_BYTES, RECEIVE_BUFFER_BYTES

_IPV6_MULTICAST_ALL: Final = 29  # linux/in6.h; absent from the socket module
_PACKET_INFORMATION: Final = struct.Struct("=16sI")
_CONTROL_BYTES: Final = socket.CMSG_SPACE(_PACKET_INFORMATION.size) + socket.CMSG_SPACE(4)


class Ipv6:
    """The IPv6 functions of the raw socket (`vrrp.transport.raw`).

    `vrrp.protocol.packet` calculates and verifies the checksum. The kernel (IPV6_CHECKSUM)
    would drop packets with a wrong checksum without counting them here.
    """

    def open(self, interface: str, index: int) -> socket.socket:
        """Open a socket that receives on one interface only. Raises OSError."""
        opened = socket.socket(socket.AF_INET6, socket.SOCK_RAW | socket.SOCK_NONBLOCK, PROTOCOL)
        try:
            ip = socket.IPPROTO_IPV6
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            opened.setsockopt(ip, socket.IPV6_MULTICAST_IF, index)
            opened.setsockopt(ip, socket.IPV6_MULTICAST_HOPS, TTL)
            opened.setsockopt(ip, socket.IPV6_UNICAST_HOPS, TTL)
            opened.setsockopt(ip, socket.IPV6_MULTICAST_LOOP, 0)
            opened.setsockopt(ip, socket.IPV6_TCLASS, TRAFFIC_CLASS)
            opened.setsockopt(ip, socket.IPV6_RECVPKTINFO, 1)
            opened.setsockopt(ip, socket.IPV6_RECVHOPLIMIT, 1)
            opened.setsockopt(ip, _IPV6_MULTICAST_ALL, 0)
        except OSError:
            opened.close()
            raise
        return opened

    def join(self, opened: socket.socket, index: int, group: Address) -> None:
        """Receive from a multicast group. Raises OSError."""
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, _membership(index, group))

    def leave(self, opened: socket.socket, index: int, group: Address) -> None:
        """Stop receiving from a multicast group. Raises OSError."""
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, _membership(index, group))

    def send(
        self,
        opened: socket.socket,
        index: int,
        source: Address,
        payload: bytes,
        destination: Address,
    ) -> None:
        """Send one message. Raises OSError."""
        information = _PACKET_INFORMATION.pack(source.packed, index)
        control = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, information)]
        opened.sendmsg([payload], control, 0, (str(destination), 0, 0, index))

    def receive(self, opened: socket.socket) -> Datagram:
        """Read one datagram. The kernel passes the fields of its IP header as control messages.

        Raises OSError if there is no datagram.
        """
        payload, control, _, sender = opened.recvmsg(DATAGRAM_BYTES, _CONTROL_BYTES)
        fields = {kind: data for _, kind, data in control}
        destination, _ = _PACKET_INFORMATION.unpack(fields[socket.IPV6_PKTINFO])
        (hop_limit,) = struct.unpack("=i", fields[socket.IPV6_HOPLIMIT])
        source = IPv6Address(str(sender[0]).partition("%")[0])
        return Datagram(source, IPv6Address(destination), hop_limit, payload)


def _membership(index: int, group: Address) -> bytes:
    """Return a struct ipv6_mreq (ipv6(7))."""
    return struct.pack("=16si", group.packed, index)
