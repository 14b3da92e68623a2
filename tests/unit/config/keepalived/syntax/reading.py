"""Reads a text of keepalived.conf, with files that exist only in the test."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.blocks import read_statements
from hadirector.config.keepalived.syntax.includes import UnsuitableFileError
from hadirector.config.keepalived.syntax.statement import Statement


class FakeFiles:
    """Files by their name. The content None is a file that cannot be included."""

    def __init__(self, files: Mapping[str, str | None] | None = None) -> None:
        self.environment = {"KEY": "abc"}
        self._files = files or {}

    def directory(self, file: str) -> str:
        return posixpath.join("/etc/keepalived", posixpath.dirname(file)).rstrip("/")

    def find(self, directory: str, pattern: str) -> Sequence[str]:
        pattern = posixpath.join(directory, pattern)
        return sorted(name for name in self._files if fnmatch.fnmatch(name, pattern))

    def read(self, file: str) -> bytes:
        content = self._files[file]
        if content is None:
            raise UnsuitableFileError("it is a directory")
        return content.encode()


class Outcome(NamedTuple):
    """What a text is read as: ``tree`` has the words of each statement, and its block in a list."""

    tree: list[object]
    faults: list[str]
    notes: list[str]


def read(text: str | bytes, files: Mapping[str, str | None] | None = None) -> Outcome:
    """Read a text as the file k, on the host with the config id lb1."""
    report = Report()
    data = text if isinstance(text, bytes) else text.encode()
    statements = read_statements(data, "k", FakeFiles(files), "lb1", report)
    notes = [f"{note.place}: {note.message}" for note in report.notes]
    return Outcome(tree(statements), [str(fault) for fault in report.faults], notes)


def tree(statements: Sequence[Statement]) -> list[object]:
    """Return the statements as text, with bars between words; a block is a list after its line."""
    found: list[object] = []
    for statement in statements:
        found.append("|".join(word.text for word in statement.words))
        if statement.block is not None:
            found.append(tree(statement.block))
    return found
