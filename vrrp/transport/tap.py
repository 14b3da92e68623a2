"""Receives a copy of every VRRP packet that an interface receives or sends (packet(7))."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Final

from vrrp.protocol.ip_header import parse_packet
from vrrp.protocol.packet import PROTOCOL, Datagram, DropReason, PacketError
from vrrp.transport import DRAIN_SECONDS

_ETH_P_ALL: Final = 3  # linux/if_ether.h; sent packets are delivered only with this protocol
_PACKET_OUTGOING: Final = 4  # linux/if_packet.h
_SO_ATTACH_FILTER: Final = 26  # asm-generic/socket.h; absent from the socket module
_PACKET_BYTES_MAX: Final = 65_535

# A filter of the kernel (linux/filter.h: code, jumps if true and if false, operand). It accepts
# IPv4 and IPv6 packets with protocol 112. The first byte is that of the IP header.
_LOAD_BYTE: Final = 0x30
_AND: Final = 0x54
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_FILTER: Final = (
    (_LOAD_BYTE, 0, 0, 0),
    (_AND, 0, 0, 0xF0),
    (_JUMP_IF_EQUAL, 0, 2, 0x40),
    (_LOAD_BYTE, 0, 0, 9),
    (_JUMP_IF_EQUAL, 3, 4, PROTOCOL),
    (_JUMP_IF_EQUAL, 0, 3, 0x60),
    (_LOAD_BYTE, 0, 0, 6),
    (_JUMP_IF_EQUAL, 0, 1, PROTOCOL),
    (_RETURN, 0, 0, _PACKET_BYTES_MAX),
    (_RETURN, 0, 0, 0),
)

Observe = Callable[[Datagram, bool], None]
"""Takes a datagram, and whether this host sent it."""


class Tap:
    """Passes every VRRP packet of an interface to ``observe``. It joins no group.

    ``drop`` is called for packets with an invalid IP header. The constructor raises PermissionError
    without CAP_NET_RAW, and OSError (ENODEV) if the interface does not exist.
    """

    def __init__(
        self, interface: str, observe: Observe, drop: Callable[[DropReason], None]
    ) -> None:
        self._observe = observe
        self._drop = drop
        # Until bind(2), the socket receives nothing, so no packet passes before the filter.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, 0)
        try:
            _attach(self._socket, _FILTER)
            self._socket.bind((interface, _ETH_P_ALL))
        except OSError:
            self._socket.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._drain)

    def close(self) -> None:
        """Stop receiving and close the socket. A second call has no effect."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _drain(self) -> None:
        """Pass on the packets that wait in the socket, for 1 ms."""
        end = self._loop.time() + DRAIN_SECONDS
        while self._socket.fileno() >= 0 and self._loop.time() < end:
            try:
                data, (_, _, kind, *_) = self._socket.recvfrom(_PACKET_BYTES_MAX)
            except OSError:
                return  # no more packets, or the interface is down, which the owner notices
            try:
                datagram = parse_packet(data)
            except PacketError as error:
                self._drop(error.reason)
            else:
                self._observe(datagram, kind == _PACKET_OUTGOING)


def _attach(receiver: socket.socket, instructions: Sequence[tuple[int, int, int, int]]) -> None:
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    program = ctypes.create_string_buffer(packed)
    # struct sock_fprog: the number of instructions and a pointer to them.
    header = struct.pack("@HP", len(instructions), ctypes.addressof(program))
    receiver.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)
