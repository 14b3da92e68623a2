"""The loop of the announcer, with a kernel that the test holds and releases."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Collection, Iterable, Mapping

import pytest
import structlog.testing
from msgspec.structs import replace

from hadirector.announce import announcer as module
from hadirector.announce.announcer import Announcer
from hadirector.announce.decision import AnnouncementRole, Facts
from hadirector.model.announcement import AnnouncedGroup, Announcement, Hold

ANNOUNCEMENT = Announcement(
    groups=(AnnouncedGroup(name="web", addresses=("203.0.113.1",), pools=(), rise=0.0),),
    hold=Hold(most=0.0),
)
MOVED = replace(ANNOUNCEMENT, device="anycast0")


class HeldKernel:
    """Counts the operations that run at the same time. They last until ``released``.

    With ``fault``, the kernel refuses everything.
    """

    released = asyncio.Event()
    fault: OSError | None = None
    attempts = 0
    running = 0
    most = 0

    def __init__(self, announcement: Announcement) -> None:
        pass

    async def reconcile(self, wanted: Mapping[str, AnnouncementRole], lifetime: int) -> list[str]:
        kernel = HeldKernel
        kernel.attempts += 1
        kernel.running += 1
        kernel.most = max(kernel.most, kernel.running)
        await kernel.released.wait()
        kernel.running -= 1
        if kernel.fault is not None:
            raise kernel.fault
        return []

    async def renew(self, wanted: Mapping[str, AnnouncementRole], lifetime: int) -> list[str]:
        return []

    def read_routes(self) -> frozenset[str]:
        if HeldKernel.fault is not None:
            raise HeldKernel.fault
        return frozenset()

    async def remove_routes(self, addresses: Iterable[str]) -> list[str]:
        return []

    async def remove_devices(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def kernel(monkeypatch: pytest.MonkeyPatch) -> type[HeldKernel]:
    monkeypatch.setattr(module, "AnnouncementKernel", HeldKernel)
    monkeypatch.setattr(module, "HOLD_POLL_SECONDS", 0.0)
    HeldKernel.released = asyncio.Event()
    HeldKernel.fault = None
    HeldKernel.attempts = HeldKernel.running = HeldKernel.most = 0
    return HeldKernel


async def turn() -> None:
    """Let every task that can run do so."""
    for _ in range(50):
        await asyncio.sleep(0)


async def no_packets(_: Collection[str]) -> int:
    return 0


@contextlib.asynccontextmanager
async def a_running_announcer() -> AsyncIterator[tuple[Announcer, asyncio.Task[None]]]:
    announcer = Announcer(ANNOUNCEMENT, Facts, no_packets)
    running = asyncio.create_task(announcer.run())
    try:
        await turn()
        yield announcer, running
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest.mark.parametrize("announcement", [None, MOVED], ids=["removed", "moved"])
async def test_a_reload_during_a_pass_waits_for_its_end(
    kernel: type[HeldKernel], announcement: Announcement | None
) -> None:
    async with a_running_announcer() as (announcer, running):
        assert kernel.running == 1
        reload = asyncio.create_task(announcer.configure(announcement))
        await turn()
        kernel.released.set()
        await reload
        await turn()
        assert not running.done()
        assert kernel.most == 1
        status = announcer.status(0.0)
        assert (status.device if status else None) == ("anycast0" if announcement else None)


async def test_a_director_that_leaves_holds_the_addresses_that_a_reload_removes(
    kernel: type[HeldKernel],
) -> None:
    counted: list[Collection[str]] = []

    async def count_packets(addresses: Collection[str]) -> int:
        counted.append(addresses)
        await announcer.configure(None)
        return 0

    kernel.released.set()
    async with a_running_announcer() as (announcer, _):
        announcer._count_packets = count_packets
        assert announcer.announced == ("web",)
        await announcer.leave()
    assert counted == [("203.0.113.1",)]


async def test_a_pass_that_the_kernel_refuses_is_repeated_after_a_pause(
    kernel: type[HeldKernel],
) -> None:
    kernel.fault = OSError(errno.ENOBUFS, "No buffer space available")
    kernel.released.set()
    with structlog.testing.capture_logs() as logs:
        async with a_running_announcer() as (announcer, _):
            assert kernel.attempts == 1
            assert announcer._pause() == 0.5
            announcer.note_change()
            await turn()
            assert kernel.attempts == 2
    errors = [each["errors"] for each in logs if each["event"] == "announcement_failed"]
    assert errors == [["No buffer space available"]]
