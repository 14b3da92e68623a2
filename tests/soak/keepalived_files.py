"""Mutated files of keepalived, made from the corpus."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.read import Reading, read

_CORPUS = Path(__file__).parents[1] / "corpus" / "keepalived"


class NoFiles:
    """No file but the first."""

    environment: Mapping[str, str] = {}

    def directory(self, file: str) -> str:
        """Return a directory."""
        return f"/{file}"

    def find(self, directory: str, pattern: str) -> Sequence[str]:
        """Find no file."""
        assert isinstance(directory, str)
        assert pattern
        return []

    def read(self, file: str) -> bytes:
        """Fail: no file was found."""
        raise AssertionError(file)


def read_with_places(data: bytes) -> Reading:
    """Read a file. Raises AssertionError if a fault or a note has no place in the file."""
    found = read(data, "k.conf", NoFiles(), Options("lb1"))
    lines = data.split(b"\n")
    places = [fault.place for fault in found.document.faults]
    for place in (*places, *(str(note.place) for note in found.notes)):
        position = re.fullmatch(r"k\.conf:(\d+):(\d+)", place)
        assert position is not None, place
        line, column = map(int, position.groups())
        assert 1 <= line <= len(lines), place
        assert 1 <= column <= len(lines[line - 1]) + 1, place
    return found


class KeepalivedFiles:
    """The reader of keepalived.conf."""

    name = "keepalived.conf"

    def __init__(self) -> None:
        self.samples = [file.read_bytes() for file in sorted(_CORPUS.glob("*.conf"))]

    def take(self, data: bytes) -> str:
        """Read a file; return a word for the result."""
        return "refused" if read_with_places(data).document.faults else "accepted"

    def mend(self, data: bytes) -> bytes:
        """Remove bytes that no word may have."""
        return bytes(byte for byte in data if byte in b"\n\t" or 32 <= byte < 127)
