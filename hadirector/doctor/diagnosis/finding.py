"""A finding of the doctor: a fault, where it is, and the remedy. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec.structs import force_setattr


class Severity(StrEnum):
    """The severity: an error breaks traffic, a warning breaks a part of it, and a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of the doctor. ``place`` is file:line:column; it is empty for the whole host.

    ``code`` is stable, and ``see`` is its place in the documents. ``lines`` are the lines of a file
    that the remedy names.
    """

    severity: Severity
    code: str
    what: str
    remedy: str
    place: str = ""
    lines: tuple[str, ...] = ()
    see: str = ""

    def __post_init__(self) -> None:
        """Set the place in the documents."""
        force_setattr(self, "see", f"docs/operations.md#finding-{self.code}")
