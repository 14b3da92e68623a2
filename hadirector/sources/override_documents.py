"""Parses a document of overrides. Pure.

One wrong override refuses the whole document: an override that is left out would look like an
override that has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from hadirector.model.override_document import OVERRIDES_MAX, DocumentOverride, OverrideDocument
from hadirector.sources.documents import DocumentError

BYTES_MAX: Final = 1024 * 1024
REVISION_MAX: Final = 2**53
"""JSON readers are exact up to here (RFC 8259 section 6)."""
TEXT_MAX: Final = 200
NAME_MAX: Final = 200
_Weight = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    real_server: str
    action: Literal["drain", "disable", "weight"]
    author: str = ""
    reason: str = ""
    ticket: str = ""
    weight: _Weight | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    revision: Annotated[int, msgspec.Meta(ge=0, le=REVISION_MAX)]
    overrides: tuple[_Entry, ...]


def read_overrides(text: bytes) -> OverrideDocument:
    """Return the document in a text, in the order of names. Raises DocumentError."""
    if len(text) > BYTES_MAX:
        raise DocumentError(f"the document has more than {BYTES_MAX} bytes")
    try:
        found = msgspec.json.decode(text, type=_Document)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise DocumentError(f"not a document of overrides: {error}") from error
    if len(found.overrides) > OVERRIDES_MAX:
        raise DocumentError(f"{len(found.overrides)} overrides, expected at most {OVERRIDES_MAX}")
    overrides: dict[str, DocumentOverride] = {}
    for index, entry in enumerate(found.overrides):
        if fault := next(_faults(entry), None):
            raise DocumentError(f"overrides[{index}].{fault}")
        if entry.real_server in overrides:
            raise DocumentError(f"overrides[{index}]: {entry.real_server} is named twice")
        overrides[entry.real_server] = _convert(entry)
    return OverrideDocument(found.revision, tuple(overrides[name] for name in sorted(overrides)))


def _faults(entry: _Entry) -> Iterator[str]:
    virtual_server, _, real_server = entry.real_server.partition("/")
    shown = repr(entry.real_server[:60])
    if not virtual_server or not real_server or len(entry.real_server) > NAME_MAX:
        yield f"real_server {shown}, expected a name such as web/192.0.2.45:80"
    for key in ("real_server", "author", "reason", "ticket"):
        value = getattr(entry, key)
        if len(value) > TEXT_MAX or not value.isprintable():
            yield f"{key} {value[:60]!r}, expected printable text of at most {TEXT_MAX} characters"
    if (entry.action == "weight") != (entry.weight is not None):
        yield f"weight {entry.weight}, expected a weight only with the action weight"


def _convert(entry: _Entry) -> DocumentOverride:
    return DocumentOverride(
        entry.real_server,
        entry.action,
        entry.author or "unknown",
        entry.reason,
        entry.ticket,
        entry.weight or 0,
        None if entry.expires_at is None else entry.expires_at.timestamp(),
    )
