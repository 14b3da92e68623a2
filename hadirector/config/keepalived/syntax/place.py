"""Places in a keepalived.conf or one of its included files."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A position in a file. Lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
