"""Definitions (`$NAME=VALUE`), and the substitution of their uses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.text import Text, join, text_at

_DEFINITION = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)=[ \t]*")
_REFERENCE = re.compile(
    r"\$(?:\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?P<words>(?:[ \t]+[A-Za-z0-9_]+)*)\}"
    r"|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)(?=[ \t,)]|\Z))"
)
REFERENCE_LEFT: Final = re.compile(r"\$(?:\{[^}]*\}?|[A-Za-z_][A-Za-z0-9_]*)")
"""Text that looks like the use of a definition. It is left if keepalived does not substitute it."""


class Used(NamedTuple):
    """A line after substitution, and the further lines if a multi-line definition ends it."""

    text: Text
    lines: Sequence[Text] = ()


def match_definition(text: Text) -> tuple[str, Text] | None:
    """Return the name and the value that a line defines; None if it defines nothing."""
    found = _DEFINITION.match(text.text)
    return (found[1], text.cut(found.end())) if found else None


class Definitions:
    """The definitions that apply at one point of the file."""

    def __init__(self, config_id: str, environment: Mapping[str, str], report: Report) -> None:
        self._values: dict[str, list[Text] | str] = {
            "_INSTANCE": config_id,
            "_HASH": "#",
            "_BANG": "!",
        }
        self._environment = environment
        self._report = report

    def define(self, name: str, value: list[Text] | str) -> None:
        """Set a definition. A multi-line definition is a list of lines."""
        self._values[name] = value

    def substitute(self, text: Text, directory: str) -> Used | None:
        """Replace each use of a definition in a line; None if the line has none.

        ``directory`` is the directory of the file, for `_PWD`. A multi-line definition is
        replaced only at the end of the line.
        """
        parts: list[Text] = []
        lines: Sequence[Text] = ()
        at = 0
        for found in _REFERENCE.finditer(text.text):
            start, end = found.span()
            value = self._value(found, text, directory)
            if value is None or (isinstance(value, list) and end < len(text.text)):
                continue
            parts.append(text.cut(at, start))
            if isinstance(value, list):
                first, *lines = value
                parts.append(first)
            else:
                parts.append(text_at(value, text.place(start), inserted=True))
            at = end
        if not parts:
            return None
        return Used(join(*parts, text.cut(at)), lines)

    def _value(self, found: re.Match[str], text: Text, directory: str) -> list[Text] | str | None:
        name = found["braced"] or found["bare"]
        words = (found["words"] or "").split()
        place = text.place(found.start())
        if name in self._values:
            return None if words else self._values[name]
        if name == "_PWD" and not words:
            return directory
        if name == "_ENV" and len(words) == 1:
            if words[0] not in self._environment:
                message = f"the environment variable {words[0]} is not set"
                self._report.fault(place, f"_ENV: {message}")
            return self._environment.get(words[0], "")
        if name == "_RANDOM":
            message = "the number differs at every start and reload (write a fixed number)"
            self._report.fault(place, f"_RANDOM: {message}")
            return "0"
        return None
