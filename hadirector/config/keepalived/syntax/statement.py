"""The statements of a keepalived.conf: words with their places, and blocks."""

from __future__ import annotations

from typing import NamedTuple

from hadirector.config.keepalived.syntax.place import Place

__all__ = ["Place", "Statement", "Word"]


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
