"""Marks the files of the service with a checksum, to recognize a changed or foreign file. Pure.

The last line of each file has the hash of all lines above it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

MARK: Final = "# hadirector service install wrote the lines above, with this SHA-256: "


def sign(text: str) -> str:
    """Return the text with a last line that has its SHA-256 checksum."""
    return f"{text}{MARK}{_digest(text)}\n"


def is_ours(content: str) -> bool:
    """Return whether this is the unchanged result of ``sign``."""
    text, mark, digest = content.rpartition(MARK)
    return bool(mark) and digest == f"{_digest(text)}\n"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
