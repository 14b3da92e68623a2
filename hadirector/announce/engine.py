"""Reads the sessions of the routing engine, and logs their changes.

The engine is information only: its absence, its answers and its delays change no announcement.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Final

import structlog

from hadirector.announce.engine_answers import EngineReading, read_bird, read_frr
from hadirector.model.announcement import Announcement

POLL_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 2.0
ANSWER_BYTES_MAX: Final = 1 << 20
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
NOT_ASKED: Final = EngineReading(fault="the engine has not been asked yet")


class EngineWatcher:
    """Queries the engine every 2 s. ``reading`` is the latest answer; None without an engine."""

    def __init__(self, announcement: Announcement | None) -> None:
        self.reading: EngineReading | None = None
        self._announcement: Announcement | None = None
        self._changed = asyncio.Event()
        self._log = structlog.get_logger()
        self.configure(announcement)

    def configure(self, announcement: Announcement | None) -> None:
        """Ask this engine from now on."""
        if announcement is not None and announcement.engine == "none":
            announcement = None
        if announcement != self._announcement:
            self.reading = None if announcement is None else NOT_ASKED
        self._announcement = announcement
        self._changed.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            self._changed.clear()
            if (asked := self._announcement) is not None:
                reading = await ask_engine(asked)
                if asked is self._announcement:
                    self._note(reading)
            pause = None if self._announcement is None else POLL_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    def _note(self, reading: EngineReading) -> None:
        before, self.reading = self.reading or NOT_ASKED, reading
        if reading.fault and reading.fault != before.fault:
            self._log.warning("routing_engine_unreadable", reason=reading.fault)
        known = {session.neighbor: session for session in before.sessions}
        for session in reading.sessions:
            earlier = known.get(session.neighbor)
            if session.established and (earlier is None or not earlier.established):
                self._log.info("routing_session_established", neighbor=session.neighbor)
            elif earlier is not None and earlier.established and not session.established:
                fields = {"neighbor": session.neighbor, "state": session.state}
                self._log.warning("routing_session_lost", **fields)


async def ask_engine(announcement: Announcement) -> EngineReading:
    """Return the sessions of the engine, or the reason why they are not known."""
    socket = announcement.engine_socket or ""
    command: tuple[str, ...]
    if announcement.engine == "bird":
        command, read = ("birdc", "-r", "-s", socket, "show", "protocols", "all"), read_bird
    else:
        command = ("vtysh", "--vty_socket", socket, "-c", "show bgp summary json")
        read = read_frr
    try:
        text = await run_program(*command)
    except (OSError, TimeoutError) as error:
        return EngineReading(fault=f"{announcement.engine} does not answer: {error}")
    return read(text)


async def run_program(*command: str) -> str:
    """Run a program for at most 2 s, and return the first MiB of its output.

    Raises OSError if it cannot be started or fails, and TimeoutError.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": _PATH, "LANG": "C.UTF-8"},
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise OSError(f"the program {command[0]} is missing") from error
    assert process.stdout is not None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            output = await _read(process.stdout)
            status = await process.wait()
    except TimeoutError as error:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} s") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    text = output.decode(errors="replace")
    if status != 0:
        raise OSError((text.strip().splitlines() or [f"exit status {status}"])[-1])
    return text


async def _read(stream: asyncio.StreamReader) -> bytes:
    """Read to the end, and keep the beginning."""
    kept = b""
    while data := await stream.read(1 << 16):
        kept += data[: ANSWER_BYTES_MAX - len(kept)]
    return kept
