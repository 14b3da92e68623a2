"""What a socket's receive queue, which the kernel bounds, did not take."""

from __future__ import annotations

import socket
import struct
from typing import Final

_SO_MEMINFO: Final = 55  # asm-generic/socket.h; absent from the socket module
_SK_MEMINFO: Final = struct.Struct("=9I")  # linux/sock_diag.h; the last one is SK_MEMINFO_DROPS


def datagrams_lost(receiver: socket.socket) -> int:
    """Count the datagrams dropped since the socket was opened; 0 for one that is closed."""
    if receiver.fileno() < 0:
        return 0
    *_, drops = _SK_MEMINFO.unpack(
        receiver.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _SK_MEMINFO.size)
    )
    return int(drops)
