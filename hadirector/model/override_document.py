"""A document of overrides: what the operators of a fleet order for all of its directors. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

OVERRIDES_MAX = 1000
"""Overrides of one document."""


class DocumentOverride(msgspec.Struct, frozen=True, gc=False):
    """An override, as a document has it.

    ``real_server`` is the name in commands: web/192.0.2.45:80. ``expires_at`` is in seconds since
    the epoch; None stands for as long as the document names it.
    """

    real_server: str
    action: Literal["drain", "disable", "weight"]
    author: str
    reason: str = ""
    ticket: str = ""
    weight: int = 0
    expires_at: float | None = None


class OverrideDocument(msgspec.Struct, frozen=True):
    """A whole document. A later document has a higher revision."""

    revision: int
    overrides: tuple[DocumentOverride, ...]
