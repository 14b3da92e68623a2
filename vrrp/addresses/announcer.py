"""Sends the announcements of a takeover when they are due (`vrrp.protocol.announce`)."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from vrrp.netlink.rtnetlink import VirtualAddress
from vrrp.protocol.announce import announcement, schedule

_ARPHRD_ETHER: Final = 1  # linux/if_arp.h
_SIOCGIFHWADDR: Final = 0x8927  # linux/sockios.h
_INTERFACE_REQUEST: Final = struct.Struct("=16sH6s16x")  # struct ifreq with a sockaddr


class FrameSocket:
    """Sends whole frames on any interface and receives nothing (packet(7), protocol 0).

    It is opened by its first use, which raises PermissionError without CAP_NET_RAW, and is for a
    whole process: to close one takes the kernel 10 ms and more, for which nobody may wait.
    """

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def hardware_address(self, device: str) -> bytes | None:
        """The device's present MAC, None where it is no Ethernet. Raises OSError."""
        request = _INTERFACE_REQUEST.pack(device.encode(), 0, b"")
        answer = fcntl.ioctl(self._opened(), _SIOCGIFHWADDR, request)
        _, hardware_type, address = _INTERFACE_REQUEST.unpack(answer)
        return bytes(address) if hardware_type == _ARPHRD_ETHER else None

    def send(self, device: str, frame: bytes) -> None:
        """Send one frame; raises OSError when the kernel refuses it."""
        self._opened().sendto(frame, (device, 0))

    def close(self) -> None:
        """Close the socket. Closing twice is harmless."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _opened(self) -> socket.socket:
        if self._socket is None:
            kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_PACKET, kind, 0)
        return self._socket


class _Announcement(NamedTuple):
    device: str
    frame: bytes


class Announcer:
    """Announces addresses on a schedule by the loop's timers, so that it can be cut off at once.

    Each address goes out of its own device. What cannot be sent is told to ``failed``; the
    schedule goes on.
    """

    def __init__(self, frames: FrameSocket, failed: Callable[[OSError], None]) -> None:
        self._frames = frames
        self._failed = failed
        self._timer: asyncio.TimerHandle | None = None
        self._announcements: list[_Announcement] = []
        self._schedule = schedule(0)
        self._started = 0.0

    def start(self, addresses: Iterable[VirtualAddress]) -> None:
        """Announce at once, and go on by the schedule, from its beginning if it runs already."""
        self.stop()
        self._announcements = list(self._prepare(addresses))
        if not self._announcements:
            return
        self._schedule = schedule(len(self._announcements))
        _, burst = next(self._schedule)
        self._started = asyncio.get_running_loop().time()
        self._announce(burst)

    def stop(self) -> None:
        """Send no further announcement."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _prepare(self, addresses: Iterable[VirtualAddress]) -> Iterator[_Announcement]:
        hardware: dict[str, bytes | None] = {}
        for each in addresses:
            if each.device not in hardware:
                hardware[each.device] = self._hardware_address(each.device)
            hardware_address = hardware[each.device]
            if hardware_address is not None:
                frame = announcement(hardware_address, each.address.ip)
                yield _Announcement(each.device, frame)

    def _hardware_address(self, device: str) -> bytes | None:
        try:
            return self._frames.hardware_address(device)
        except OSError as error:
            self._failed(error)
            return None

    def _announce(self, burst: slice) -> None:
        try:
            for device, frame in self._announcements[burst]:
                self._frames.send(device, frame)
        except OSError as error:
            self._failed(error)
        offset, following = next(self._schedule)
        due = self._started + offset
        self._timer = asyncio.get_running_loop().call_at(due, self._announce, following)
