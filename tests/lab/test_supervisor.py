"""The supervisor starts and stops child processes. The children here are real checks processes."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

import pytest

from hadirector.processes.messages import FromChecks, Stop
from hadirector.processes.supervisor import Child, ChildDied, ChildStarted


def checks_process(events: asyncio.Queue[Any]) -> Child[FromChecks]:
    return Child("checks", "hadirector.processes.checks_process", FromChecks, events.put)


@pytest.mark.parametrize("turns", range(4))
async def test_an_order_to_stop_reaches_a_process_that_is_just_being_started(turns: int) -> None:
    child = checks_process(asyncio.Queue())
    running = asyncio.create_task(child.run())
    for _ in range(turns):
        await asyncio.sleep(0)
    child.stop(Stop())
    async with asyncio.timeout(5):
        await running


async def test_a_process_that_cannot_be_started_counts_as_one_that_died() -> None:
    """Without a free file descriptor for its channel there is no process; a later start may
    succeed.
    """
    events: asyncio.Queue[Any] = asyncio.Queue()
    child = checks_process(events)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    async with asyncio.timeout(10):
        try:
            running = asyncio.create_task(child.run())
            assert await events.get() == ChildDied("checks")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        while await events.get() != ChildStarted("checks"):
            pass
        child.stop(Stop())
        await running


async def test_a_cancelled_supervisor_sees_its_process_end() -> None:
    """After a crash of the director, the vrrp process has time to release the addresses."""
    events: asyncio.Queue[Any] = asyncio.Queue()
    child = checks_process(events)
    running = asyncio.create_task(child.run())
    async with asyncio.timeout(10):
        assert await events.get() == ChildStarted("checks")
        process = child._process
        running.cancel()
        await asyncio.wait([running])
    assert process is not None
    assert process.returncode == 0
