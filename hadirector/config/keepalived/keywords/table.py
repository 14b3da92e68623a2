"""The structure of a keyword table: one row for each keyword of a block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final

import msgspec


class Action(Enum):
    """The action for a keyword: translate it, drop it, or refuse the file."""

    MAP = "map"
    """The keyword has a key of the same meaning."""
    MAP_WITH_NOTE = "map with a note"
    """The keyword has a key with a difference in effect; a translator notes it where it matters."""
    REFUSE = "refuse"
    """The file is refused, unless the operator accepts that the keyword is left out."""
    DROP_WITH_NOTE = "drop with a note"
    """The keyword is left out, which changes something that a note names."""
    DROP = "drop"
    """The keyword is left out, which changes nothing."""


class Repeated(Enum):
    """Which statements apply if a keyword occurs more than once in a block."""

    LAST = "last"
    FIRST = "first"
    ALL = "all"


ANY: Final = 1_000_000
"""The greatest number of arguments of a keyword with a list."""


class Keyword(msgspec.Struct, frozen=True):
    """One keyword in one block.

    ``text`` is the note of a dropped keyword, or the remedy of a refused keyword; otherwise it
    is empty. ``accepted_as`` is the word of `--accept` under which a refused keyword is translated;
    it is empty for a keyword that can only be left out. ``arguments`` is the minimum and maximum
    number of arguments. ``block`` is whether the keyword opens a block. Notes with the same
    ``kind`` are grouped.
    """

    name: str
    action: Action
    text: str = ""
    arguments: tuple[int, int] = (1, 1)
    block: bool = False
    repeated: Repeated = Repeated.LAST
    kind: str = ""
    accepted_as: str = ""


Table = Mapping[str, Keyword]


def table(rows: Iterable[Keyword]) -> Table:
    """Build the table of one block. Raises ValueError if a keyword has two rows."""
    found: dict[str, Keyword] = {}
    for row in rows:
        if row.name in found:
            raise ValueError(f"keyword {row.name} has two rows")
        if (row.action in (Action.REFUSE, Action.DROP_WITH_NOTE)) != bool(row.text):
            raise ValueError(f"keyword {row.name}: a text belongs to refuse and drop with a note")
        found[row.name] = row
    return found
