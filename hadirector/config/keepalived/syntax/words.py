"""Splits a line into words."""

from __future__ import annotations

import re

from hadirector.config.keepalived.syntax.statement import Word
from hadirector.config.keepalived.syntax.text import Text

_WORD = re.compile(r'[ \t]*(?:"(?P<quoted>[^"]*)(?:"|$)|(?P<bare>[^ \t"]+))')


def split_words(text: Text) -> tuple[Word, ...]:
    """Return the words of a line.

    Blanks separate words. A double quote begins a word that ends at the next double quote. It
    also ends the word before it, so ``a"b c"d`` has three words.
    """
    return tuple(
        Word(found[found.lastgroup or 0], text.place(found.start(found.lastgroup or 0)))
        for found in _WORD.finditer(text.text)
    )
