"""Many large events are written without holding the director's loop."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from hadirector import storage
from hadirector.events import file_writer
from hadirector.events.event_log import EVENTS_MAX
from hadirector.events.recorder import FILE, Events, Recorder

HELD_SECONDS_MAX = 0.1


async def test_two_thousand_large_events_do_not_hold_the_loop(tmp_path: Path) -> None:
    """They took 254 ms a second with a file of 52 MB."""
    recorder = Recorder()
    longest = 0.0
    async with recorder.persist_in(tmp_path):
        for _ in range(EVENTS_MAX):
            recorder.note("reload_refused", faults=["x" * 500] * 50, count=50)
            await asyncio.sleep(0)
        end = time.monotonic() + 2.5 * file_writer.WRITE_SECONDS
        while (began := time.monotonic()) < end:
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - began)
        recorder.note("quorum_lost")
    assert longest < HELD_SECONDS_MAX
    assert (tmp_path / FILE).stat().st_size < 9_000_000
    stored = storage.read(tmp_path / FILE, Events)
    assert stored is not None
    assert (stored.last, stored.events[-1].name) == (EVENTS_MAX + 1, "quorum_lost")


async def test_a_stop_during_a_write_leaves_a_whole_file(tmp_path: Path) -> None:
    file_writer.WRITE_SECONDS, before = 0.01, file_writer.WRITE_SECONDS  # type: ignore[misc]
    try:
        for _ in range(20):
            recorder = Recorder()
            async with recorder.persist_in(tmp_path):
                recorder.note("quorum_lost")
                await asyncio.sleep(0.011)
            stored = storage.read(tmp_path / FILE, Events)
            assert stored is not None
            assert stored.last == recorder.event_log.last
    finally:
        file_writer.WRITE_SECONDS = before  # type: ignore[misc]
    assert recorder.event_log.last == 20
