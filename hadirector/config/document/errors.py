"""The faults of a configuration, with the texts that an operator reads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

FILE_BYTES_MAX = 32 * 1024 * 1024
"""Largest file that is read. 37,000 real servers with a check each take 7 MB."""
VALUES_MAX = 1_000_000
"""Most values of a file: lists, mappings, and what is in them. 100,000 real servers with a check
each have 700,000."""
FAULTS_MAX = 1000
"""Most faults that are reported."""
QUOTED_CHARACTERS_MAX = 60


class Fault(msgspec.Struct, frozen=True):
    """One fault. ``place`` is "file:line:column", or "file" if there is no position in it."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class Position(NamedTuple):
    """The parts of a place: the file, and the line and column if they are known."""

    file: str
    line: int | None = None
    column: int | None = None


def split_place(place: str) -> Position:
    """Split the place of a fault into its file, line and column."""
    found = re.search(r":(\d+):(\d+)\Z", place)
    if found is None:
        return Position(place)
    return Position(place[: found.start()], int(found[1]), int(found[2]))


class ConfigError(Exception):
    """The configuration is refused. ``faults`` has every fault that was found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        assert faults
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class UnreadableFileError(ConfigError):
    """The file has no text to check: it is missing, unreadable, too large, or not regular."""


def quote(value: object) -> str:
    """Quote a value from a file. The result is short and has no control characters."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str() if len(value) > QUOTED_CHARACTERS_MAX:
            return json.dumps(value[:QUOTED_CHARACTERS_MAX]) + "…"
        case _:
            return json.dumps(value)
