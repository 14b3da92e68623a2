"""The statements of a keepalived.conf: words with their places, and blocks."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A position in a file: line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Word(NamedTuple):
    """One word after all substitutions, and the place where its text begins."""

    text: str
    place: Place


class Statement(NamedTuple):
    """One line: a keyword with its arguments, and the block that the line opens.

    ``raw`` is the line from the keyword on, before it is split into words. The lines of scripts are
    split again with other quotes. ``block`` is None if the line opens no block.
    """

    keyword: Word
    arguments: tuple[Word, ...]
    raw: str
    block: tuple[Statement, ...] | None = None

    @property
    def words(self) -> tuple[Word, ...]:
        """The keyword and its arguments: a line of a list has no keyword."""
        return (self.keyword, *self.arguments)
