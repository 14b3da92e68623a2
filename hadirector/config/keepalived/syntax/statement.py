"""The statements of a keepalived.conf: words with their places, and nested blocks."""

from __future__ import annotations

from typing import NamedTuple

from hadirector.config.keepalived.syntax.place import Place

__all__ = ["Place", "Statement", "Word"]


class Word(NamedTuple):
    """One word after all substitutions, with the place where it begins in the file."""

    text: str
    place: Place


class Statement(NamedTuple):
    """One statement: a keyword with its arguments, and the block that it opens.

    ``raw`` is the line from the keyword on, before it is split into words. Command lines of
    scripts are split again from it, by other quoting rules. ``block`` is None if the line opens
    no block.
    """

    keyword: Word
    arguments: tuple[Word, ...]
    raw: str
    block: tuple[Statement, ...] | None = None

    @property
    def words(self) -> tuple[Word, ...]:
        """The keyword and its arguments. In a list, the keyword is the first item."""
        return (self.keyword, *self.arguments)
