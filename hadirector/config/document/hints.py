"""Finds the line and the remedy of frequent mistakes in YAML. Pure.

libyaml reports a fault at the place where it can no longer read the text. That is often the line
after the line with the missing colon, blank or dash.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

Position = tuple[int, int]
"""A line and a column, from 0."""

_BARE_IPV6_PORT = re.compile(r"(?<![\"'\w])\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]:[0-9]")
_ODD_SPACE = re.compile("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff]")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|#.*")
_NO_BLANK = re.compile(r"\s*(?:- +)?[A-Za-z_][A-Za-z0-9_]*:(?=[^\s:/])")
_NO_COLON = re.compile(r"\s*(?:- +)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)(?:\s+[^\s:#][^:#]*)?\s*")
_NO_DASH_BLANK = re.compile(r"\s*-(?=[A-Za-z_{\[])")
_MISSING_COLON: Final = "could not find expected ':'"
_MISPLACED_COLON: Final = "mapping values are not allowed"
_MISSING_DASH: Final = "did not find expected '-' indicator"
_MISSING_KEY: Final = "did not find expected key"


class Hint(NamedTuple):
    """The true place of a mistake, and the remedy."""

    place: Position
    remedy: str


def find_hint(problem: str, lines: Sequence[str], at: Position, start: Position) -> Hint | None:
    """Return the place and the remedy of a frequent mistake; None for any other fault.

    ``problem`` is the description from libyaml, and ``at`` the position at which libyaml
    stopped. ``start`` is where the faulty part begins.
    """
    return _explain_characters(problem, lines, at, start) or _explain_structure(
        problem, lines, at, start
    )


def _explain_characters(
    problem: str, lines: Sequence[str], at: Position, start: Position
) -> Hint | None:
    """Explain characters that YAML does not permit in this place."""
    line = _line(lines, at)
    if _BARE_IPV6_PORT.search(line):
        return Hint(at, 'an IPv6 address with a port needs quotes, such as "[2001:db8::1]:80"')
    if (odd := _find_odd_space(lines, at, start)) is not None:
        return odd
    character = line[at[1] : at[1] + 1]
    if "tab character" in problem or (character == "\t" and "any token" in problem):
        return Hint(at, "a tab cannot indent; use spaces")
    if problem.endswith("cannot start any token"):
        return Hint(at, f"text that begins with {character} needs quotes")
    return None


def _explain_structure(
    problem: str, lines: Sequence[str], at: Position, start: Position
) -> Hint | None:
    """Explain a missing colon, blank, dash, bracket or quotation mark."""
    first = _line(lines, start)
    if problem.startswith(_MISSING_COLON):
        return _explain_key(start[0], first)
    if problem.startswith(_MISPLACED_COLON):
        return _explain_colon(lines, at)
    if problem.startswith(("did not find expected ',' or '}'", "did not find expected ',' or ']'")):
        opening = first[start[1] : start[1] + 1]
        return Hint(start, f"the {opening} in this line is not closed, or a comma is missing")
    if problem.startswith("found unexpected end of stream"):
        return Hint(start, "the quotation mark in this line is not closed")
    if problem.startswith((_MISSING_DASH, _MISSING_KEY)):
        return _explain_indentation(problem, _line(lines, at), at, start)
    return None


def _line(lines: Sequence[str], position: Position) -> str:
    return lines[position[0]] if position[0] < len(lines) else ""


def _find_odd_space(lines: Sequence[str], at: Position, start: Position) -> Hint | None:
    """Find a space that is no blank in the lines from the start of the fault, outside quotes."""
    for number in dict.fromkeys((at[0], start[0], at[0] - 1)):
        if not 0 <= number < len(lines):
            continue
        bare = _QUOTED.sub(lambda match: "x" * len(match[0]), lines[number])
        if found := _ODD_SPACE.search(bare):
            name = f"U+{ord(found[0]):04X}"
            return Hint(
                (number, found.start()), f"the space here is the character {name}; use a blank"
            )
    return None


def _explain_key(number: int, line: str) -> Hint | None:
    """Explain a line that should be a key with its value."""
    if found := _NO_BLANK.match(line):
        return Hint((number, found.end()), "a blank is missing after the colon")
    if found := _NO_COLON.fullmatch(line):
        # The text is not shown, because it may be a secret.
        return Hint((number, found.end("key")), "a colon is missing here, after the key")
    return None


def _explain_colon(lines: Sequence[str], at: Position) -> Hint:
    """Explain a colon that cannot be here, because the line before is not complete."""
    before = at[0] - 1
    if before >= 0 and lines[at[0]][: at[1]].count(":") == 0:
        line = lines[before]
        if found := _NO_DASH_BLANK.match(line):
            return Hint((before, found.end()), "a blank is missing after the dash")
        hint = _explain_key(before, line)
        if hint is not None and line.strip():
            return hint
    return Hint(at, "a second ': ' in one line; quote the text, or check the indentation")


def _explain_indentation(problem: str, line: str, at: Position, start: Position) -> Hint:
    """Explain a line that belongs neither to the list nor to the mapping around it."""
    if problem.startswith(_MISSING_DASH):
        kind, remedy = "list", 'begin an item with "- "'
    else:
        kind, remedy = "mapping", "write a key with a colon"
    if line.lstrip().startswith("-") and kind == "mapping":
        remedy = "a list item must be indented like the other items of its list"
    return Hint(
        at,
        f"this line does not fit the {kind} that starts in line {start[0] + 1}, column"
        f" {start[1] + 1}: {remedy}, or correct the indentation (here: column {at[1] + 1})",
    )
