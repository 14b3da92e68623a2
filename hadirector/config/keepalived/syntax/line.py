"""Splits the bytes of a file into lines, and removes comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.place import Place
from hadirector.config.keepalived.syntax.text import Text, text_at

LINE_BYTES_MAX: Final = 1022
"""keepalived ignores a longer line: its buffer has 1024 bytes with the line feed and a zero."""

_SIGNIFICANT = re.compile(r'[!#"\\]')
_SIGNS: Final = "#!"


class Line(NamedTuple):
    """A line without its comment. ``continues`` is True if a backslash was its last character.

    A backslash at the end of a comment continues a definition, too. ``commented`` is True then.
    """

    text: Text
    continues: bool
    commented: bool = False


def read_lines(data: bytes, file: str, report: Report) -> Iterator[Line | None]:
    """Yield the lines of a file, and None for a line that is blank or only a comment.

    Such a line ends a multi-line definition, unless a backslash is its last character. Bytes that
    are not UTF-8 become surrogates, which are permitted only in a comment.
    """
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, each in enumerate(lines, 1):
        line = each.rstrip(b"\r")
        place = Place(file, number, 1)
        if not line:
            yield None
        elif len(line) > LINE_BYTES_MAX:
            message = f"the line is too long (expected at most {LINE_BYTES_MAX} bytes)"
            report.fault(place, f"{message}; keepalived ignores it")
        else:
            text = text_at(line.decode("utf-8", "surrogateescape"), place)
            if (zero := text.text.find("\0")) >= 0:
                report.fault(text.place(zero), "a control character (got U+0000)")
                continue
            cut = cut_comment(text, report)
            if not (cut.text.text or cut.continues):
                yield None
            elif _is_text(cut.text, report):
                yield cut


def cut_comment(text: Text, report: Report, *, again: bool = False) -> Line:
    r"""Return the text without its comment and without blanks at both ends.

    ``#`` and ``!`` outside double quotes begin a comment, also in the middle of a word. A
    backslash protects the next character, and both stay in the text. But keepalived reads a
    file a second time from its own copy, in which ``\#`` has lost its backslash and begins a
    comment. Therefore ``\#`` is a fault. ``again`` is True if the line was read before its
    definitions were substituted.
    """
    text = text.strip()
    line, quote, at = text.text, -1, 0
    end, continues, commented = len(line), False, False
    while found := _SIGNIFICANT.search(line, at):
        sign, start, at = found.group(), found.start(), found.end()
        if sign == '"':
            quote = start if quote < 0 else -1
        elif sign == "\\" and at == len(line):
            end, continues = start, True
        elif sign == "\\":
            if quote < 0 and line[at] in _SIGNS:
                message = (
                    f"\\{line[at]} begins a comment in spite of the backslash;"
                    ' put the word into "quotes"'
                )
                report.fault(text.place(start), message)
            at += 1
        elif quote < 0:
            end, commented = start, line.endswith("\\")
            break
    if quote >= 0:
        report.fault(text.place(quote), "the quotation mark is not closed in this line")
    if 0 < end < len(line) and not continues and line[end - 1] not in " \t" and not again:
        message = f'{line[end]} ends the word before it and begins a comment (not inside "quotes")'
        report.note("comment", text.place(end), message)
    return Line(text.cut(0, end).strip(), continues or commented, commented)


def _is_text(text: Text, report: Report) -> bool:
    """Return whether the text has only characters that a value may have, or add a fault."""
    if text.text.isprintable():
        return True
    for at, character in enumerate(text.text):
        if not character.isprintable() and character != "\t":
            report.fault(text.place(at), _describe(ord(character)))
            return False
    return True


def _describe(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # "surrogateescape" adds 0xDC00 to a byte
        return f"not UTF-8 text (got byte 0x{code - 0xDC00:02x}); only a comment may have it"
    return f"a character that is not printable (got U+{code:04X})"
