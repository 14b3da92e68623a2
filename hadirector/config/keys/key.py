"""The declaration of a configuration key. Its row in docs/configuration.md is made from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """Declares a key of a section. It is part of the type annotation of the key's field.

    The annotation has the type and the reader of the value; the field has the default.
    ``meaning`` is the description in docs/configuration.md. ``type`` and ``default`` replace
    the texts that are derived from the reader and the default. ``field`` is the field of the
    model that receives the value, if it has another name than the key.
    """

    meaning: str
    type: str | None = None
    default: str | None = None
    field: str | None = None
