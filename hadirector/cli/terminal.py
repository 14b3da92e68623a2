"""Text for terminals: colors and aligned tables.

The module uses ANSI codes and no library, because the import of a library takes longer than most
commands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TextIO

GAP: Final = "  "
RESET: Final = "\033[0m"

STYLES: Final = {
    "bold": "\033[1m",
    "dim": "\033[2m",
    "red": "\033[31m",
    "green": "\033[32m",
    "yellow": "\033[33m",
    "bold red": "\033[1;31m",
    "bold green": "\033[1;32m",
}
"""Select Graphic Rendition of ECMA-48 (console_codes(4))."""

Paint = Callable[[str, str], str]
"""Returns the text in a style. Without a style or colors, the text is unchanged."""


class Row(NamedTuple):
    """The cells of one line of a table; the cell number ``painted`` gets the style."""

    cells: Sequence[str]
    painted: int = 0
    style: str = ""


def paint_for(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Paint:
    """Return the function that applies styles to text for a stream. Only a terminal gets colors.

    NO_COLOR (no-color.org) and TERM=dumb turn colors off.
    """
    colors = stream.isatty() and not environment.get("NO_COLOR")
    return paint if colors and environment.get("TERM") != "dumb" else plain


def paint(text: str, style: str) -> str:
    """Return the text with the codes of the style around it."""
    return f"{STYLES[style]}{text}{RESET}" if style and text else text


def plain(text: str, _style: str) -> str:
    """Return the text as it is."""
    return text


def short_duration(seconds: float) -> str:
    """Return a duration in its largest whole unit: 12 s, 5 min, 3 h, 2 d."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def table(rows: Sequence[Row | str], paint: Paint) -> Iterator[str]:
    """Align the cells of all rows. A plain line between the rows is unchanged.

    Lines are never wrapped or cut, so that they can be searched.
    """
    columns = zip(*(row.cells for row in rows if isinstance(row, Row)), strict=True)
    widths = [max(map(len, column)) for column in columns]
    widths[-1:] = [0]
    for row in rows:
        if isinstance(row, str):
            yield row
            continue
        cells = [cell.ljust(width) for cell, width in zip(row.cells, widths, strict=True)]
        if row.style:
            cells[row.painted] = paint(cells[row.painted], row.style)
        yield GAP.join(cells).rstrip()
