"""The configuration of a director and its archive, as the status and the API show them. Pure."""

from __future__ import annotations

import msgspec

from hadirector.overrides.expiry import Moment
from hadirector.reload.archive import Archive, ArchivedConfiguration, How


class PendingStatus(msgspec.Struct, frozen=True):
    """A configuration that waits for its confirmation, and its way of undoing.

    ``remaining`` is the number of seconds until ``previous`` takes its place again.
    """

    number: int
    previous: int
    remaining: float
    actor: str = ""
    reason: str = ""

    @property
    def description(self) -> str:
        """The state in one line."""
        return (
            f"configuration {self.number} waits for its confirmation: in {self.remaining:.0f} s,"
            f" configuration {self.previous} takes its place again"
        )


class ConfigurationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration of the archive. ``at`` is in seconds since the epoch.

    ``how`` is the way in which it came into use, ``actor`` the person or program that ordered it.
    """

    number: int
    sha256: str
    size: int
    at: float
    how: How
    actor: str = ""
    reason: str = ""


class ConfigurationInUse(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration file, and the configuration in use, None if the archive lacks it.

    ``file_changed`` is whether the file has another text than the configuration in use.
    """

    file: str
    running: ConfigurationStatus | None
    file_changed: bool
    pending: PendingStatus | None = None


class ConfigurationList(msgspec.Struct, frozen=True):
    """The archive, the oldest configuration first. ``current`` is the number of the one in use."""

    current: int
    configurations: tuple[ConfigurationStatus, ...]
    pending: PendingStatus | None = None


class ConfigurationText(msgspec.Struct, frozen=True):
    """A configuration of the archive with its text. Labels take the place of its secrets."""

    configuration: ConfigurationStatus
    text: str


def describe_configuration(archived: ArchivedConfiguration) -> ConfigurationStatus:
    """Return the description of a configuration."""
    content, origin = archived.content, archived.origin
    return ConfigurationStatus(
        number=archived.number,
        sha256=content.sha256,
        size=content.size,
        at=origin.at,
        how=origin.how,
        actor=origin.actor,
        reason=origin.reason,
    )


def describe_pending(archive: Archive, now: Moment) -> PendingStatus | None:
    """Return the state of the pending configuration, or None without one."""
    pending = archive.pending
    if pending is None:
        return None
    applied = archive.find(pending.number)
    return PendingStatus(
        pending.number,
        pending.previous,
        max(0.0, pending.remaining(now)),
        applied.origin.actor if applied else "",
        applied.origin.reason if applied else "",
    )


def describe_archive(archive: Archive, now: Moment) -> ConfigurationList:
    """Return the list of all configurations."""
    return ConfigurationList(
        archive.current,
        tuple(map(describe_configuration, archive.configurations)),
        describe_pending(archive, now),
    )
