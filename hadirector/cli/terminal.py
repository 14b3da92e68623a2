"""Text for terminals: colors and aligned tables.

The module uses ANSI codes and no library, because the import of a library takes longer than most
commands.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TextIO

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

_CODES: Final = re.compile(f"({'|'.join(map(re.escape, (RESET, *STYLES.values())))})")

_ERASE_LINE_ABOVE: Final = "\033[F\033[K"
"""Cursor Preceding Line, and Erase in Line (ECMA-48)."""

Paint = Callable[[str, str], str]
"""Returns the text in a style. Without a style or colors, the text is unchanged."""


class Row(NamedTuple):
    """The cells of one line of a table. The cell with the number ``painted`` gets the style."""

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
    """Return the text between the codes that begin and end the style."""
    return f"{STYLES[style]}{text}{RESET}" if style and text else text


class OutputError(Exception):
    """Standard output cannot be written. The message is the reason."""


class PrintableStream:
    """A stream that replaces every unprintable character by a JSON escape such as ``\u009b``.

    Otherwise a text from the network or from an operator could control the terminal, or change
    the order of the characters that it shows. Line breaks, tabs and the codes in ``STYLES`` are
    written unchanged.

    If a write fails, a ``required`` stream raises OutputError, and any other stream ignores the
    failure.
    """

    def __init__(self, stream: TextIO, *, required: bool = False) -> None:
        self._stream = stream
        self._required = required

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the stream."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the text. Raises OutputError."""
        with self._failing():
            self._stream.write(printable(text))
        return len(text)

    def erase_lines(self, count: int) -> None:
        """Erase the last lines of a terminal. Raises OutputError."""
        with self._failing():
            self._stream.write(_ERASE_LINE_ABOVE * count)

    def flush(self) -> None:
        """Write the buffered text. Raises OutputError."""
        with self._failing():
            self._stream.flush()

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            if self._required:
                raise OutputError(getattr(error, "strerror", None) or str(error)) from error


def erase_lines(count: int) -> None:
    """Erase the last lines of standard output, if it is a terminal. Raises OutputError."""
    if count and isinstance(sys.stdout, PrintableStream) and sys.stdout.isatty():
        sys.stdout.erase_lines(count)


def printable(text: str) -> str:
    """Return the text with JSON escapes for its unprintable characters."""
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    parts = _CODES.split(text)
    parts[::2] = ["".join(map(_escape, part)) for part in parts[::2]]
    return "".join(parts)


def _escape(character: str) -> str:
    return character if character.isprintable() or character in "\n\t" else json_escape(character)


def json_escape(character: str) -> str:
    """Return the JSON escape of a character: ``\u009b``, or two beyond U+FFFF (RFC 8259)."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def plain(text: str, _style: str) -> str:
    """Return the text unchanged, for a stream without colors."""
    return text


def short_duration(seconds: float) -> str:
    """Return a duration in its largest whole unit: 12 s, 5 min, 3 h, 2 d."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def exact_duration(seconds: float) -> str:
    """Return a duration in all its units, to the second: 1 h 59 min, 2 min 3 s."""
    left = max(0, round(seconds))
    hours, rest = divmod(left, 3600)
    minutes, rest = divmod(rest, 60)
    units = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in units if number) or "a moment"


def table(rows: Sequence[Row | str], paint: Paint) -> Iterator[str]:
    """Align the cells of all rows in columns. A line of plain text between rows is unchanged.

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
