"""A finding of the doctor: a fault, where it is, and the remedy. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """The severity: an error breaks traffic, a warning breaks a part of it, and a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of the doctor. ``place`` is file:line:column; it is empty for the whole host."""

    severity: Severity
    what: str
    remedy: str
    place: str = ""
