"""Converts the names of instances and sync groups to valid names of the native form."""

from __future__ import annotations

import re
from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.node import Node, scalar
from hadirector.config.keepalived.syntax.statement import Word
from hadirector.config.keepalived.translate.block import Block

NAME_CHARACTERS: Final = 64
_OTHER = re.compile(r"[^A-Za-z0-9_.:@\[\]-]")


def native_name(word: Word, block: Block, *, silent: bool = False) -> Node:
    """Make the node of a name. Invalid characters are replaced, with a note."""
    found = _OTHER.sub("_", word.text)[:NAME_CHARACTERS]
    if found != word.text and not silent:
        block.note("name", word.place, f"the name {quote(word.text)} becomes {quote(found)}")
    return scalar(found, word.place)
