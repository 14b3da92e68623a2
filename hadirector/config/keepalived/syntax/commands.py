"""Splits the command lines of scripts. keepalived splits them again, by other quoting rules."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_QUOTES: Final = "\"'"
_OCTAL = re.compile(r"[0-7]{1,3}")
_HEXADECIMAL = re.compile(r"x([0-9A-Fa-f]{1,2})")
_CONTROL = re.compile(r"c([@-_a-z])")


class Command(NamedTuple):
    """The command of a script with its arguments, and the words after it: a user and a group."""

    words: tuple[str, ...]
    user: tuple[str, ...]


def split_command(line: str) -> Command:
    """Split the line of a script. The keyword at its beginning is left out.

    The second word is the command. It is split again into arguments, with backslash escapes.
    """
    words = _split(line, unescape=False)[1:]
    return Command(tuple(_split(words[0], unescape=True)) if words else (), tuple(words[1:]))


def split_quoted_words(line: str) -> tuple[str, ...]:
    """Return the words after the keyword of a line. Quoted words may have backslash escapes."""
    return tuple(_split(line, unescape=True)[1:])


def _split(text: str, *, unescape: bool) -> list[str]:
    """Split a text at blanks. Quotes of both kinds may begin and end within a word."""
    words: list[str] = []
    word: str | None = None
    quote = ""
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\\" and at + 1 < len(text):
            added, used = (
                _read_escape(text[at + 1 : at + 4]) if unescape else (text[at : at + 2], 1)
            )
            word = (word or "") + added
            at += 1 + used
            continue
        if quote and character == quote:
            quote = ""
        elif not quote and character in _QUOTES:
            quote, word = character, word or ""
        elif not quote and character in " \t":
            words += [] if word is None else [word]
            word = None
        else:
            word = (word or "") + character
        at += 1
    return words if word is None else [*words, word]


def _read_escape(rest: str) -> tuple[str, int]:
    """Return the character of an escape, and the number of characters after the backslash."""
    if found := _OCTAL.match(rest):
        return chr(int(found[0], 8) & 0xFF), len(found[0])
    if found := _HEXADECIMAL.match(rest):
        return chr(int(found[1], 16)), len(found[0])
    if found := _CONTROL.match(rest):
        return chr(ord(found[1].upper()) & 0x1F), 2
    return _ESCAPES.get(rest[0], rest[0]), 1
