"""Sends the announcements of a takeover in their time: the shell around `vrrp.announce`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Final

from vrrp.announce import announcement, schedule
from vrrp.packet import Address

_ARPHRD_ETHER: Final = 1  # linux/if_arp.h


class FrameSocket:
    """Sends whole frames on one interface and receives nothing (packet(7), protocol 0).

    Raises OSError from the constructor: PermissionError without CAP_NET_RAW.
    """

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        try:
            self._socket.bind((interface, 0))
        except OSError:
            self._socket.close()
            raise

    @property
    def hardware_address(self) -> bytes | None:
        """The interface's present MAC, None where it is no Ethernet."""
        *_, hardware_type, address = self._socket.getsockname()
        return bytes(address) if hardware_type == _ARPHRD_ETHER else None

    def send(self, frame: bytes) -> None:
        """Send one frame; raises OSError when the kernel refuses it."""
        self._socket.send(frame)

    def close(self) -> None:
        """Close the socket. Closing twice is harmless."""
        self._socket.close()


class Announcer:
    """Announces addresses on a schedule by the loop's timers, so that it can be cut off at once.

    A frame that cannot be sent is told to ``failed``; the schedule goes on.
    """

    def __init__(self, failed: Callable[[OSError], None]) -> None:
        self._failed = failed
        self._timer: asyncio.TimerHandle | None = None
        self._frames: FrameSocket | None = None
        self._announcements: list[bytes] = []
        self._schedule = schedule(0)
        self._started = 0.0

    def start(self, frames: FrameSocket, addresses: Iterable[Address]) -> None:
        """Announce at once, and go on by the schedule, from its beginning if it runs already."""
        self.stop()
        hardware_address = frames.hardware_address
        if hardware_address is None:
            return
        self._announcements = [announcement(hardware_address, each) for each in addresses]
        if not self._announcements:
            return
        self._frames = frames
        self._schedule = schedule(len(self._announcements))
        _, burst = next(self._schedule)
        self._started = asyncio.get_running_loop().time()
        self._announce(burst)

    def stop(self) -> None:
        """Send no further announcement."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _announce(self, burst: slice) -> None:
        assert self._frames is not None
        try:
            for frame in self._announcements[burst]:
                self._frames.send(frame)
        except OSError as error:
            self._failed(error)
        offset, following = next(self._schedule)
        due = self._started + offset
        self._timer = asyncio.get_running_loop().call_at(due, self._announce, following)
