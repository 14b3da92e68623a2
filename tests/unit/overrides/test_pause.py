"""A pause: its limits, and its end over restarts, reboots and changes of the clock."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from hadirector.overrides.expiry import Moment
from hadirector.overrides.pause import (
    Pause,
    PauseRequest,
    StoredPause,
    pause_needs_rewrite,
    restore_pause,
)
from hadirector.overrides.pause_store import PauseChanged, PauseStore
from tests.waiting import eventually_async

WRITTEN = Moment("one", 1_000_000.0, 100.0)
PAUSE = Pause(actor="unix:ann", reason="kernel", elections=True, ends_at=3700.0, ordered_at=1e6)


@pytest.mark.parametrize(
    "body",
    [
        b'{"reason": "", "expires_in": 60}',
        b'{"reason": "  ", "expires_in": 60}',
        b'{"reason": "a\\u001bb", "expires_in": 60}',
        b'{"reason": "kernel"}',
        b'{"reason": "kernel", "expires_in": 0}',
        b'{"reason": "kernel", "expires_in": 86401}',
    ],
)
def test_a_pause_needs_a_reason_and_an_end_within_a_day(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=PauseRequest)


@pytest.mark.parametrize(
    ("boot", "utc", "monotonic", "ends_at"),
    [
        pytest.param("one", 1_000_100.0, 200.0, 3700.0, id="restart"),
        pytest.param("one", 5_000_000.0, 200.0, 3700.0, id="restart after the clock was set"),
        pytest.param("two", 1_000_600.0, 10.0, 3010.0, id="reboot"),
        pytest.param("two", 900_000.0, 10.0, 3610.0, id="reboot with a clock set back"),
        pytest.param("two", 1_003_601.0, 10.0, None, id="reboot after its end"),
        pytest.param("one", 1_003_600.0, 3700.0, None, id="restart after its end"),
    ],
)
def test_a_pause_survives_a_restart_and_a_reboot(
    boot: str, utc: float, monotonic: float, ends_at: float | None
) -> None:
    restored = restore_pause(StoredPause(1, WRITTEN, PAUSE), Moment(boot, utc, monotonic))
    assert (None if restored is None else restored.ends_at) == ends_at


def test_the_file_follows_a_clock_that_was_set() -> None:
    stored = StoredPause(1, WRITTEN, PAUSE)
    assert not pause_needs_rewrite(stored, Moment("one", 1_000_050.4, 150.0))
    assert pause_needs_rewrite(stored, Moment("one", 1_000_060.0, 150.0))
    assert not pause_needs_rewrite(StoredPause(1, WRITTEN, None), Moment("one", 5.0, 150.0))


async def test_a_pause_is_stored_replaced_and_ends_by_itself(tmp_path: Path) -> None:
    messages: list[PauseChanged] = []

    async def put(message: PauseChanged) -> None:
        messages.append(message)

    store = PauseStore(tmp_path, put)
    running = asyncio.create_task(store.run())
    await store.set(PauseRequest(reason="kernel", expires_in=3600.0, elections=True), "unix:ann")
    again = PauseStore(tmp_path, put).current
    assert again is not None
    assert again == store.current
    assert again.description == "verdicts and elections paused by unix:ann: kernel"
    await store.set(PauseRequest(reason="short", expires_in=0.2), "unix:bob")
    await eventually_async(lambda: store.current is None, 5.0)
    assert PauseStore(tmp_path, put).current is None
    assert len(messages) == 3
    assert await store.end("unix:ann", "") is None
    running.cancel()


async def test_an_unusable_file_is_set_aside(tmp_path: Path) -> None:
    async def put(_message: PauseChanged) -> None:
        raise AssertionError("nothing changes")

    (tmp_path / "pause.json").write_text("{")
    assert PauseStore(tmp_path, put).current is None
    assert (tmp_path / "pause.unusable").exists()
