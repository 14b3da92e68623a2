"""Decides which configurations the archive keeps, and when an unconfirmed one is undone. Pure.

The archive lists the configurations that this director has used. The texts are stored in files
beside the list, by their hash. A configuration that was applied with a deadline is pending until it
is confirmed or undone.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from hadirector.overrides.expiry import Moment

CONFIGURATIONS_MAX: Final = 50
"""Configurations that the archive keeps. The oldest one is removed first."""
BYTES_MAX: Final = 128 * 1024 * 1024
"""Size of the texts that the archive keeps. Equal texts are stored once."""

How = Literal["start", "reload", "apply", "rollback", "undone", "found"]
"""How a configuration came into use. ``found`` was in the file, and was replaced unread."""


class Content(msgspec.Struct, frozen=True):
    """The text of a configuration: its SHA-256 in hexadecimal digits, and its size in bytes."""

    sha256: str
    size: int


class Origin(msgspec.Struct, frozen=True):
    """Where a configuration came from: the time in seconds since the epoch, the way, and the actor.

    ``reason`` is the reason that the actor gave.
    """

    at: float
    how: How
    actor: str
    reason: str = ""


class ArchivedConfiguration(msgspec.Struct, frozen=True):
    """A configuration in the archive. Its number is never used again."""

    number: int
    content: Content
    origin: Origin


class Pending(msgspec.Struct, frozen=True):
    """An applied configuration that is undone unless it is confirmed in time.

    ``number`` is the applied configuration. ``previous`` is the configuration that returns if it is
    not confirmed. ``number`` was applied at ``since``, and must be confirmed within ``seconds``.
    """

    number: int
    previous: int
    since: Moment
    seconds: float

    def remaining(self, now: Moment) -> float:
        """Return the seconds until the deadline, but at most ``seconds``.

        Within a boot, only monotonic time counts. After a reboot, the wall clock decides
        how much time has passed. If it was set back, no time counts as passed.
        """
        if self.since.boot == now.boot:
            passed = now.monotonic - self.since.monotonic
        else:
            passed = now.utc - self.since.utc
        return self.seconds - max(0.0, passed)


class Archive(msgspec.Struct, frozen=True):
    """The list of the archive.

    ``current`` is the number of the running configuration, 0 if unknown.
    """

    version: Literal[1] = 1
    last: int = 0
    current: int = 0
    configurations: tuple[ArchivedConfiguration, ...] = ()
    pending: Pending | None = None

    def find(self, number: int) -> ArchivedConfiguration | None:
        """Return a configuration by its number."""
        return next((each for each in self.configurations if each.number == number), None)

    @property
    def running(self) -> ArchivedConfiguration | None:
        """The entry of the configuration in use."""
        return self.find(self.current)

    @property
    def hashes(self) -> frozenset[str]:
        """The hashes of all texts to which entries of the list refer."""
        return frozenset(each.content.sha256 for each in self.configurations)


class AtStart(Enum):
    """The action for a pending configuration at a start."""

    NOTHING = "nothing"
    FORGET = "forget"
    UNDO = "undo"


def decide_at_start(archive: Archive, file_sha256: str, now: Moment) -> AtStart:
    """Decide about a pending configuration, by the hash of the configuration file.

    If the file has the text of the previous configuration, the director ended before it
    replaced the file.
    """
    pending = archive.pending
    if pending is None:
        return AtStart.NOTHING
    previous = archive.find(pending.previous)
    if previous is not None and previous.content.sha256 == file_sha256:
        return AtStart.FORGET
    return AtStart.UNDO if pending.remaining(now) <= 0 else AtStart.NOTHING


def add(archive: Archive, content: Content, origin: Origin, *, in_use: bool = True) -> Archive:
    """Add a configuration. If the same text is in use already, change nothing."""
    running = archive.running
    if running is not None and running.content.sha256 == content.sha256:
        return archive
    added = ArchivedConfiguration(archive.last + 1, content, origin)
    return _limit(
        replace(
            archive,
            last=added.number,
            current=added.number if in_use else archive.current,
            configurations=(*archive.configurations, added),
        )
    )


def begin_confirmation(archive: Archive, previous: int, now: Moment, seconds: float) -> Archive:
    """Mark the configuration in use as pending: it waits for its confirmation."""
    return replace(archive, pending=Pending(archive.current, previous, now, seconds))


def end_confirmation(archive: Archive) -> Archive:
    """Remove the pending mark: the configuration was confirmed or undone."""
    return _limit(replace(archive, pending=None))


def _limit(archive: Archive) -> Archive:
    """Remove the oldest configurations beyond the limits, but no configuration that is needed."""
    pending = archive.pending
    needed = {archive.current, *((pending.number, pending.previous) if pending else ())}
    kept = list(archive.configurations)
    for each in archive.configurations[:-1]:
        if len(kept) <= CONFIGURATIONS_MAX and _size(kept) <= BYTES_MAX:
            break
        if each.number not in needed:
            kept.remove(each)
    return replace(archive, configurations=tuple(kept))


def _size(configurations: list[ArchivedConfiguration]) -> int:
    return sum({each.content.sha256: each.content.size for each in configurations}.values())
