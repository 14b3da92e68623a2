"""The content of a source: the members of a pool, or the overrides of a fleet. Pure."""

from __future__ import annotations

from typing import TypeAlias

from hadirector.model.discovery import OVERRIDES_FORMAT, Member, Source
from hadirector.model.override_document import OverrideDocument
from hadirector.sources.documents import read_document
from hadirector.sources.override_documents import read_overrides

Content: TypeAlias = tuple[Member, ...] | OverrideDocument


def read_content(text: bytes, source: Source) -> Content:
    """Return the content of a document of this source. Raises DocumentError."""
    if source.format == OVERRIDES_FORMAT:
        return read_overrides(text)
    return read_document(text, source.format, source.port_name)
