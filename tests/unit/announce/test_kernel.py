"""The requests of the announcement kernel, at a socket that records them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
from collections.abc import Collection, Sequence
from typing import ClassVar, Final

import pytest

from hadirector.announce import kernel as module
from hadirector.announce.announcer import Announcer
from hadirector.announce.decision import AnnouncementRole, Facts
from hadirector.announce.kernel import AnnouncementKernel
from hadirector.model.announcement import AnnouncedGroup, Announcement, EngineName
from vrrp.netlink.route_message import RTM_NEWROUTE
from vrrp.netlink.rtnetlink import (
    RTM_DELADDR,
    RTM_NEWADDR,
    RTM_NEWLINK,
    Interface,
    InterfaceAddress,
)

DUMMY_LINK: Final = bytes.fromhex(
    "00000000 07000000 00000000 00000000"  # struct ifinfomsg: the index 7
    "10001200 0a000100 64756d6d79000000"  # IFLA_LINKINFO: IFLA_INFO_KIND "dummy"
)
ADDRESSES: Final = [f"10.9.{number // 250}.{number % 250}" for number in range(130)]


class RecordingSocket:
    """Answers that every request succeeds. The devices exist, without routes."""

    sent: ClassVar[list[tuple[int, int]]] = []
    """The message type and the number of the requests of each datagram."""
    present: ClassVar[list[InterfaceAddress]] = []
    """The addresses of each device."""

    def interface(self, name: str) -> tuple[int, int]:
        return 1, 0

    def addresses(self, index: int) -> list[InterfaceAddress]:
        return self.present

    def delete(self, index: int, address: Interface) -> int:
        self.sent.append((RTM_DELADDR, 1))
        return 0

    def dump(self, request: bytes, kind: int) -> list[bytes]:
        return []

    def request(self, request: bytes, kind: int) -> list[bytes]:
        return [DUMMY_LINK]

    def change(self, requests: Sequence[bytes]) -> list[int]:
        kind = int.from_bytes(requests[0][4:6], "little")
        self.sent.append((kind, len(requests)))
        return [0] * len(requests)


async def test_many_addresses_are_held_and_added_in_batches_with_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RtnetlinkSocket", RecordingSocket)
    RecordingSocket.sent.clear()
    kernel = AnnouncementKernel(Announcement())
    wanted = dict.fromkeys(ADDRESSES, AnnouncementRole.ANNOUNCED)
    pass_of_all = asyncio.create_task(kernel.reconcile(wanted, 3))
    turns = 0
    while not pass_of_all.done():
        await asyncio.sleep(0)
        turns += 1
    assert pass_of_all.result() == []
    changes = [each for each in RecordingSocket.sent if each[0] != RTM_NEWLINK]
    assert changes == [
        *((RTM_NEWROUTE, 64), (RTM_NEWROUTE, 64), (RTM_NEWROUTE, 2)),
        *((RTM_NEWADDR, 64), (RTM_NEWADDR, 64), (RTM_NEWADDR, 2)),
    ]
    assert turns >= 5, "other tasks run between two batches"


@pytest.mark.parametrize(
    ("engine", "order"),
    [
        ("bird", [RTM_NEWADDR, RTM_DELADDR]),
        ("frr", [RTM_DELADDR, RTM_NEWADDR]),
        ("none", [RTM_DELADDR, RTM_NEWADDR]),
    ],
)
async def test_an_address_changes_its_device(
    monkeypatch: pytest.MonkeyPatch, engine: EngineName, order: list[int]
) -> None:
    """BIRD then announces it without a pause. FRR overlooks the deletion if it comes later."""
    address = InterfaceAddress(7, ipaddress.ip_interface("10.9.0.1/32"), False, False)
    monkeypatch.setattr(module, "RtnetlinkSocket", RecordingSocket)
    monkeypatch.setattr(RecordingSocket, "present", [address])
    RecordingSocket.sent.clear()
    kernel = AnnouncementKernel(Announcement(engine=engine))
    assert await kernel.reconcile({"10.9.0.1": AnnouncementRole.RELUCTANT}, 3) == []
    assert [kind for kind, _ in RecordingSocket.sent if kind in order] == order


async def test_a_reload_with_another_engine_changes_the_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_packets(_: Collection[str]) -> int:
        return 0

    address = InterfaceAddress(7, ipaddress.ip_interface("10.9.0.1/32"), False, False)
    monkeypatch.setattr(module, "RtnetlinkSocket", RecordingSocket)
    monkeypatch.setattr(RecordingSocket, "present", [address])
    group = AnnouncedGroup(name="web", addresses=("10.9.0.1",), pools=(), rise=0.0)
    announcer = Announcer(Announcement(groups=(group,), engine="bird"), Facts, no_packets)
    await announcer.start()
    RecordingSocket.sent.clear()
    await announcer.configure(Announcement(groups=(group,), engine="frr"))
    running = asyncio.create_task(announcer.run())
    for _ in range(50):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    order = [RTM_DELADDR, RTM_NEWADDR]
    assert [kind for kind, _ in RecordingSocket.sent if kind in order] == order


class RefusingSocket(RecordingSocket):
    """The kernel takes no new address."""

    def change(self, requests: Sequence[bytes]) -> list[int]:
        if int.from_bytes(requests[0][4:6], "little") == RTM_NEWADDR:
            raise OSError(errno.ENOBUFS, "No buffer space available")
        return super().change(requests)


@pytest.mark.parametrize("wanted", [{}, {"10.9.0.1": AnnouncementRole.WITHDRAWN}])
async def test_with_bird_no_failed_addition_prevents_a_withdrawal(
    monkeypatch: pytest.MonkeyPatch, wanted: dict[str, AnnouncementRole]
) -> None:
    address = InterfaceAddress(7, ipaddress.ip_interface("10.9.0.1/32"), False, False)
    monkeypatch.setattr(module, "RtnetlinkSocket", RefusingSocket)
    monkeypatch.setattr(RecordingSocket, "present", [address])
    RecordingSocket.sent.clear()
    kernel = AnnouncementKernel(Announcement(engine="bird"))
    with contextlib.suppress(OSError):
        await kernel.reconcile({**wanted, "10.9.0.2": AnnouncementRole.ANNOUNCED}, 3)
    withdrawals = [kind for kind, _ in RecordingSocket.sent if kind == RTM_DELADDR]
    assert len(withdrawals) == 2, "one for each device"
