"""A finding of the doctor: a fault, where it is, and the remedy. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """An error breaks traffic, a warning breaks some of it, and a note is for information."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding. ``place`` is file:line:column; it is empty for the host as a whole."""

    severity: Severity
    what: str
    remedy: str
    place: str = ""
