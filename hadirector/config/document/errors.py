"""What is wrong with a configuration, in words an operator can act on."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

SHOWN_CHARACTERS_MAX = 60


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong. ``place`` is "file:line:column", or "file" when it has no text."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class ConfigError(Exception):
    """A configuration that must not be used; ``faults`` is everything that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        assert faults
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class UnreadableFileError(ConfigError):
    """There was no text to judge: the file is missing, unreadable, too large, or not a file."""


def shown(value: object) -> str:
    """Quote a value from a file so that it fits in a line and cannot disturb a terminal."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str() if len(value) > SHOWN_CHARACTERS_MAX:
            return json.dumps(value[:SHOWN_CHARACTERS_MAX]) + "…"
        case _:
            return json.dumps(value)
