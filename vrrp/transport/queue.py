"""Counts datagrams that were lost because the receive queue of a socket was full."""

from __future__ import annotations

import socket
import struct
from typing import Final

_SO_MEMINFO: Final = 55  # asm-generic/socket.h; absent from the socket module
_SK_MEMINFO: Final = struct.Struct("=9I")  # linux/sock_diag.h; the last one is SK_MEMINFO_DROPS


def datagrams_lost(receiver: socket.socket) -> int:
    """Return the number of datagrams lost since the socket was opened; 0 if it is closed."""
    if receiver.fileno() < 0:
        return 0
    *_, drops = _SK_MEMINFO.unpack(
        receiver.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _SK_MEMINFO.size)
    )
    return int(drops)
