"""The messages between the director and the process that reads the sources."""

from __future__ import annotations

from typing import Final

import msgspec

from hadirector.model.discovery import Member, Source
from hadirector.model.fleet import SummaryStore
from hadirector.model.override_document import OverrideDocument
from hadirector.processes.messages import Heartbeat, Stop

REPEAT_SECONDS: Final = 60.0
"""A source that stays the same is reported again after this time."""


class ConfigureSources(msgspec.Struct, frozen=True, tag="configure_sources"):
    """An order to read exactly these sources."""

    sources: tuple[Source, ...]


class SourceRead(msgspec.Struct, frozen=True, tag="source_read"):
    """A report: a source was read. It is sent when the members change, and again each minute."""

    source: str
    members: tuple[Member, ...]


class OverridesRead(msgspec.Struct, frozen=True, tag="overrides_read"):
    """A report: a source of overrides was read. It is sent like ``SourceRead``."""

    source: str
    document: OverrideDocument


class SourceFailed(msgspec.Struct, frozen=True, tag="source_failed"):
    """A report: a source could not be read. The members stay as they are."""

    source: str
    reason: str


class WriteSummary(msgspec.Struct, frozen=True, tag="write_summary"):
    """An order to write a summary of the director with this name to a store."""

    store: SummaryStore
    name: str
    text: bytes


class SummaryWritten(msgspec.Struct, frozen=True, tag="summary_written"):
    """A report: a summary was written, or not for this reason."""

    failure: str


ToSources = Heartbeat | Stop | ConfigureSources | WriteSummary
FromSources = Heartbeat | SourceRead | OverridesRead | SourceFailed | SummaryWritten
