"""A text that keeps the original place of each character while a line is changed."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from hadirector.config.keepalived.syntax.place import Place


class Piece(NamedTuple):
    """A part of a text that begins at the offset ``start`` and was read at ``place``.

    Usually the characters were read one after the other from ``place`` on. Characters that
    replace a definition are ``inserted``: all of them have the place where the definition is
    used.
    """

    start: int
    place: Place
    inserted: bool = False


class Text(NamedTuple):
    """A part of a line, with the places of its characters. It has at least one piece."""

    text: str
    pieces: tuple[Piece, ...]

    def __str__(self) -> str:
        return self.text

    def place(self, offset: int) -> Place:
        """Return the place of the character at an offset."""
        piece = self.pieces[self._at(offset)]
        if piece.inserted:
            return piece.place
        file, line, column = piece.place
        return Place(file, line, column + offset - piece.start)

    def cut(self, start: int, end: int | None = None) -> Text:
        """Return the text between two offsets."""
        end = len(self.text) if end is None else end
        first = self.pieces[self._at(start)]
        inner = [each for each in self.pieces if start < each.start < end]
        return Text(
            self.text[start:end],
            (
                Piece(0, self.place(start), first.inserted),
                *(each._replace(start=each.start - start) for each in inner),
            ),
        )

    def strip(self) -> Text:
        """Return the text without the blanks and tabs around it."""
        start = len(self.text) - len(self.text.lstrip(" \t"))
        end = max(start, len(self.text.rstrip(" \t")))
        return self if end - start == len(self.text) else self.cut(start, end)

    def _at(self, offset: int) -> int:
        if len(self.pieces) == 1:
            return 0
        return bisect_right(self.pieces, offset, key=lambda piece: piece.start) - 1


def text_at(text: str, place: Place, *, inserted: bool = False) -> Text:
    """Return a text that begins at a place."""
    return Text(text, (Piece(0, place, inserted),))


def join(*parts: Text) -> Text:
    """Return the parts as one text."""
    pieces: list[Piece] = []
    length = 0
    for part in parts:
        if part.text or not pieces:
            pieces += (each._replace(start=each.start + length) for each in part.pieces)
        length += len(part.text)
    return Text("".join(part.text for part in parts), tuple(pieces))
