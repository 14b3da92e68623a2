"""Sends the address announcements after a takeover, at the times of `vrrp.protocol.announce`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from vrrp.netlink.rtnetlink import VirtualAddress
from vrrp.protocol.announce import announcement, schedule
from vrrp.transport.frames import FrameSocket


class _Announcement(NamedTuple):
    device: str
    frame: bytes


class Announcer:
    """Sends announcements from timers of the event loop. `stop` takes effect at once.

    Each address is announced on its own device. ``failed`` is called with each error; the
    schedule continues.
    """

    def __init__(self, frames: FrameSocket, failed: Callable[[OSError], None]) -> None:
        self._frames = frames
        self._failed = failed
        self._timer: asyncio.TimerHandle | None = None
        self._announcements: list[_Announcement] = []
        self._schedule = schedule(0)
        self._started = 0.0

    def start(self, addresses: Iterable[VirtualAddress]) -> None:
        """Announce the addresses now, and start the schedule from its beginning."""
        self.stop()
        self._announcements = list(self._prepare(addresses))
        if not self._announcements:
            return
        self._schedule = schedule(len(self._announcements))
        _, burst = next(self._schedule)
        self._started = asyncio.get_running_loop().time()
        self._announce(burst)

    def stop(self) -> None:
        """Cancel all further announcements."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _prepare(self, addresses: Iterable[VirtualAddress]) -> Iterator[_Announcement]:
        hardware: dict[str, bytes | None] = {}
        for virtual in addresses:
            if virtual.device not in hardware:
                hardware[virtual.device] = self._hardware_address(virtual.device)
            hardware_address = hardware[virtual.device]
            if hardware_address is not None:
                frame = announcement(hardware_address, virtual.address.ip)
                yield _Announcement(virtual.device, frame)

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
