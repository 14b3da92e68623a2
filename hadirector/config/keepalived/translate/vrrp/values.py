"""Reads the numbers and lists of VRRP blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from hadirector.config.keepalived.node import Node, scalar
from hadirector.config.keepalived.syntax.statement import Statement, Word
from hadirector.config.keepalived.translate.block import Block

_WHOLE = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9}", re.ASCII)


def whole(word: Word) -> int | None:
    """Return the whole number in a word; None if the word is not a whole number."""
    return int(word.text) if _WHOLE.fullmatch(word.text) else None


def whole_node(word: Word, keyword: Word | None = None) -> Node:
    """Make a node of a whole number. Other text is kept, and the schema refuses it."""
    number = whole(word)
    place = keyword.place if keyword else None
    return scalar(word.text if number is None else number, word.place, place)


def decimal(word: Word) -> Decimal | None:
    """Return the decimal number in a word; None if the word is not a number."""
    return Decimal(word.text) if _DECIMAL.fullmatch(word.text) else None


def duration(seconds: Decimal) -> str:
    """Format a number of seconds as a duration with a unit."""
    if 0 < seconds < 1:
        return f"{(seconds * 1000).normalize():f}ms"
    return f"{seconds.normalize():f}s"


def duration_node(word: Word, keyword: Word) -> Node:
    """Make a node of a number of seconds. Other text is kept, and the schema refuses it."""
    seconds = decimal(word)
    text = word.text if seconds is None else duration(seconds)
    return scalar(text, word.place, keyword.place)


def lines(block: Block, keyword: str) -> Iterator[Statement]:
    """Yield the lines of all list blocks that have this keyword."""
    for statement in block.all(keyword):
        yield from statement.block or ()
