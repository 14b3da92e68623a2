"""The process that reads the sources, and reports their members to the director.

A document of a source never reaches the process that carries verdicts to the kernel: this process
parses it, and sends members or overrides.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import selectors
from time import monotonic
from typing import Final

from checks.io.errors import one_line
from hadirector.model.discovery import Member, Source
from hadirector.processes.channel import Channel
from hadirector.processes.child import run_child, send_heartbeats
from hadirector.processes.messages import Heartbeat, Stop
from hadirector.runtime.privileges import drop_capabilities
from hadirector.sources.contents import Content
from hadirector.sources.errors import ReadingError
from hadirector.sources.messages import (
    REPEAT_SECONDS,
    ConfigureSources,
    OverridesRead,
    SourceFailed,
    SourceRead,
    ToSources,
    WriteSummary,
)
from hadirector.sources.readers.file_reader import FileReader
from hadirector.sources.reading import make_reader, read_source
from hadirector.sources.summary_writer import SummaryWriter

LOOK_SECONDS: Final = 0.05
"""The time between two looks at the files."""
REST_SECONDS: Final = 1.0
"""The time between two looks while no source is a file."""
BACKOFF_SECONDS_MAX: Final = 60.0
WATCH_RETRY_SECONDS: Final = 1.0
"""The first pause after a failure of a server that reports changes."""
SPREAD_SECONDS_MAX: Final = 0.5
_POLLED: Final = ("file", "http")


class Follower:
    """Reads one source until it is cancelled, and reports what has changed."""

    def __init__(self, source: Source, channel: Channel[ToSources]) -> None:
        self.source = source
        self.reader = make_reader(source)
        self.changed = asyncio.Event()
        self._channel = channel
        self._content: Content | None = None
        self._reported_at = 0.0
        self._failure = ""

    async def run(self) -> None:
        """Read at each change of a file, and otherwise when the reader has rested."""
        failures = 0
        while True:
            self.changed.clear()
            try:
                content = await read_source(self.reader)
            except ReadingError as error:
                failures += 1
                self._report_failure(str(error))
            except Exception as error:  # noqa: BLE001  # a fault of ours with one source must not end it silently
                failures += 1
                self._report_failure(f"{type(error).__name__}: {error}")
            else:
                failures = 0
                self._report(self._content if content is None else content)
            rest = self._rest_after_failures(failures) if failures else self.reader.rest
            await self._pause(rest)

    def _rest_after_failures(self, failures: int) -> float:
        """Return a pause that doubles with each failure, up to a limit."""
        first = self.source.poll if self.source.type in _POLLED else WATCH_RETRY_SECONDS
        longest = max(first, BACKOFF_SECONDS_MAX)
        doubled: float = first * 2.0 ** min(failures - 1, 10)
        return min(doubled, longest) * random.uniform(0.8, 1.0)  # noqa: S311  # directors should not ask at once

    async def _pause(self, seconds: float) -> None:
        """Wait for the next reading, a little longer than demanded, or until a file changes."""
        if seconds <= 0.0:
            return
        spread = random.uniform(0.0, min(seconds / 10, SPREAD_SECONDS_MAX))  # noqa: S311  # directors should not ask at once
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds + spread):
                await self.changed.wait()

    def _report(self, content: Content | None) -> None:
        if isinstance(content, tuple):
            content = tuple(sorted(content, key=_order))  # the order of a list means nothing
        repeats = monotonic() - self._reported_at > REPEAT_SECONDS
        if content is None or (content == self._content and not self._failure and not repeats):
            return
        self._content, self._failure = content, ""
        self._reported_at = monotonic()
        if isinstance(content, tuple):
            self._channel.send(SourceRead(self.source.name, content))
        else:
            self._channel.send(OverridesRead(self.source.name, content))

    def _report_failure(self, text: str) -> None:
        reason = one_line(text)  # it may quote the document
        if reason != self._failure:
            self._failure = reason
            self._channel.send(SourceFailed(self.source.name, reason))


def _order(member: Member) -> tuple[str, int]:
    return member.key


async def serve(channel: Channel[ToSources]) -> None:
    """Read the sources that the director configures, until it sends ``Stop`` or exits."""
    drop_capabilities()
    followers: dict[Source, tuple[Follower, asyncio.Task[None]]] = {}
    writer = SummaryWriter(channel)
    tasks = [
        asyncio.create_task(writer.run()),
        asyncio.create_task(send_heartbeats(channel)),
        asyncio.create_task(_look_at_files(followers)),
    ]
    try:
        while True:
            match await channel.receive():
                case None | Stop():
                    return
                case ConfigureSources(sources):
                    _follow(sources, followers, channel)
                case WriteSummary() as message:
                    writer.note(message)
                case Heartbeat():
                    pass
    finally:
        for task in (*tasks, *(task for _, task in followers.values())):
            task.cancel()


def _follow(
    sources: tuple[Source, ...],
    followers: dict[Source, tuple[Follower, asyncio.Task[None]]],
    channel: Channel[ToSources],
) -> None:
    """Follow exactly these sources. A source that stays the same is not read again."""
    for source in followers.keys() - set(sources):
        _, task = followers.pop(source)
        task.cancel()
    for source in sources:
        if source not in followers:
            follower = Follower(source, channel)
            followers[source] = follower, asyncio.create_task(follower.run(), name=source.name)


async def _look_at_files(
    followers: dict[Source, tuple[Follower, asyncio.Task[None]]],
) -> None:
    """Wake the followers of files that have changed. Without files, rest longer."""
    while True:
        files = [
            (each, each.reader)
            for each, _ in followers.values()
            if isinstance(each.reader, FileReader)
        ]
        for follower, reader in files:
            if reader.is_changed():
                follower.changed.set()
        await asyncio.sleep(LOOK_SECONDS if files else REST_SECONDS)


def main(descriptor: int) -> None:
    """Run this child process over its end of the channel."""
    run_child(descriptor, ToSources, serve, selectors.EpollSelector())
