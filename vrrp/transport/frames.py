"""A socket that sends complete Ethernet frames."""

from __future__ import annotations

import fcntl
import socket
import struct
from typing import Final

_ARPHRD_ETHER: Final = 1  # linux/if_arp.h
_SIOCGIFHWADDR: Final = 0x8927  # linux/sockios.h
_INTERFACE_REQUEST: Final = struct.Struct("=16sH6s16x")  # struct ifreq with a sockaddr


class FrameSocket:
    """Sends frames on any interface, and receives no frames (packet(7), protocol 0).

    The first use opens the socket, and raises PermissionError without CAP_NET_RAW. A process
    needs only one socket, and keeps it: closing it takes the kernel 10 ms or more.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def hardware_address(self, device: str) -> bytes | None:
        """Return the MAC address of a device; None if it is not Ethernet. Raises OSError."""
        request = _INTERFACE_REQUEST.pack(device.encode(), 0, b"")
        answer = fcntl.ioctl(self._open(), _SIOCGIFHWADDR, request)
        _, hardware_type, address = _INTERFACE_REQUEST.unpack(answer)
        return bytes(address) if hardware_type == _ARPHRD_ETHER else None

    def send(self, device: str, frame: bytes) -> None:
        """Send one frame. Raises OSError if the kernel refuses it."""
        self._open().sendto(frame, (device, 0))

    def close(self) -> None:
        """Close the socket. A second call has no effect."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket:
        if self._socket is None:
            kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_PACKET, kind, 0)
        return self._socket
