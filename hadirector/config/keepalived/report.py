"""What the reader reports about a file: faults, and notes about differences in effect."""

from __future__ import annotations

from typing import NamedTuple

from hadirector.config.document.errors import Fault
from hadirector.config.keepalived.syntax.place import Place


class Note(NamedTuple):
    """A difference from keepalived that the operator should know.

    Notes of one ``kind`` are grouped: after the third, only their number is shown.
    """

    kind: str
    place: Place
    message: str


class Report:
    """Collects the faults and notes of one reading. A message never contains a secret."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.notes: list[Note] = []

    def fault(self, place: Place, message: str) -> None:
        """Add a fault: the file is refused."""
        self.faults.append(Fault(str(place), message))

    def note(self, kind: str, place: Place, message: str) -> None:
        """Add a note: the file is read, with a difference."""
        self.notes.append(Note(kind, place, message))
