"""The declaration of a configuration key, and the row of the reference that it makes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """Declares a key of a section, as metadata of its annotation.

    The annotation has the type and the reader of the value; the field has the default. ``meaning``
    is the description in docs/configuration.md. ``type`` and ``default`` replace the texts that
    are made from the reader and from the default. ``field`` is the field of the model that takes
    the value, if its name is not that of the key.
    """

    meaning: str
    type: str | None = None
    default: str | None = None
    field: str | None = None
