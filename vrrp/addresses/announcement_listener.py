"""Receives announcements of addresses by other hosts (gratuitous ARP, neighbor advertisements).

In a handover they show that the successor has announced the virtual addresses.

The process opens one socket for all interfaces at its first handover. It keeps the socket open,
because closing it takes the kernel 10 ms or more. A filter in the kernel passes announcements only,
which are rare. If the receive buffer overflows, announcements are lost and the handover ends at its
time limit.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Final

from vrrp.protocol.announce import announced_address
from vrrp.protocol.packet import Address

_ETH_P_ALL: Final = 0x0003  # linux/if_ether.h
_PACKET_OUTGOING: Final = 4  # linux/if_packet.h
_SO_ATTACH_FILTER: Final = 26  # asm-generic/socket.h
_RECEIVE_BUFFER_BYTES: Final = 256 * 1024
_FRAMES_AT_ONCE: Final = 64
_FRAME_BYTES: Final = 128

# linux/filter.h: code, jump if true, jump if false, k.
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE, _TO_X = 0x20, 0x28, 0x30, 0x07
_EQUALS, _EQUALS_X, _RETURN = 0x15, 0x1D, 0x06
_ANNOUNCEMENTS: Final = (
    (_LOAD_HALF, 0, 0, 12),  # the Ethernet type
    (_EQUALS, 0, 5, 0x0806),
    (_LOAD_WORD, 0, 0, 28),  # ARP: sender and target address are the same
    (_TO_X, 0, 0, 0),
    (_LOAD_WORD, 0, 0, 38),
    (_EQUALS_X, 7, 0, 0),
    (_RETURN, 0, 0, 0),
    (_EQUALS, 0, 4, 0x86DD),
    (_LOAD_BYTE, 0, 0, 20),  # IPv6: ICMPv6, type 136
    (_EQUALS, 0, 2, 58),
    (_LOAD_BYTE, 0, 0, 54),
    (_EQUALS, 1, 0, 136),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, _FRAME_BYTES),
)


class AnnouncementListener:
    """Calls ``received(device, address)`` for each announcement by another host, after `listen`."""

    def __init__(self, received: Callable[[str, Address], None]) -> None:
        self._received = received
        self._socket: socket.socket | None = None

    def listen(self) -> None:
        """Open the socket if it is closed. Raises OSError, PermissionError without CAP_NET_RAW."""
        if self._socket is not None:
            return
        kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
        opened = socket.socket(socket.AF_PACKET, kind, socket.htons(_ETH_P_ALL))
        try:
            _attach(opened, _ANNOUNCEMENTS)  # earlier frames are unfiltered, which is harmless
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        except OSError:
            opened.close()
            raise
        self._socket = opened
        asyncio.get_running_loop().add_reader(opened, self._receive, opened)

    def close(self) -> None:
        """Close the socket. A second call has no effect."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _receive(self, opened: socket.socket) -> None:
        for _ in range(_FRAMES_AT_ONCE):
            try:
                frame, (device, _, kind, *_rest) = opened.recvfrom(_FRAME_BYTES)
            except OSError:  # no more frames, or an interface went down
                return
            address = announced_address(frame)
            if address is not None and kind != _PACKET_OUTGOING:
                self._received(device, address)


def _attach(opened: socket.socket, program: Sequence[tuple[int, int, int, int]]) -> None:
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    memory = ctypes.create_string_buffer(code)
    fprog = struct.pack("@HP", len(program), ctypes.addressof(memory))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
