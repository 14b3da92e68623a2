"""What the doctor has found, in words an operator can act on. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """Whether it breaks traffic, breaks it for some, or is only good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found. ``place`` is file:line:column; empty for the host as a whole."""

    severity: Severity
    what: str
    remedy: str
    place: str = ""
