"""Hides the secrets in the text of a configuration, so that people can compare two texts."""

from __future__ import annotations

from typing import Final

KEY_BYTES: Final = 32


class MaskingError(Exception):
    """The secrets of the text cannot be found."""
