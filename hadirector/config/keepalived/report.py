"""The faults of a converted file, and notes about differences in behavior."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from hadirector.config.document.errors import Fault
from hadirector.config.keepalived.syntax.place import Place


class Note(NamedTuple):
    """A difference from keepalived that the operator should know.

    Notes of the same ``kind`` are grouped: the first three are shown, and the others are
    counted.
    """

    kind: str
    place: Place
    message: str


SHOWN_OF_A_KIND: Final = 3
LOGGED_LINES_MAX: Final = 30


def group_notes(notes: Iterable[Note]) -> tuple[str, ...]:
    """Format notes, with the first three of each kind and the number of the others."""
    found: dict[str, list[Note]] = {}
    for note in notes:
        found.setdefault(note.kind, []).append(note)
    lines = []
    for kind, members in found.items():
        lines += [f"{note.place}: {note.message}" for note in members[:SHOWN_OF_A_KIND]]
        if (more := len(members) - SHOWN_OF_A_KIND) > 0:
            lines.append(f"{members[0].place.file}: {more} more notes of the kind {kind}")
    return tuple(lines)


def summarize_notes(notes: Sequence[Note]) -> tuple[str, ...]:
    """Return the lines of ``group_notes``, of which a log line has 30 at most."""
    lines = group_notes(notes)
    if len(lines) <= LOGGED_LINES_MAX:
        return lines
    kept = lines[: LOGGED_LINES_MAX - 1]
    file = notes[0].place.file
    return (*kept, f"{file}: hadirector check-config prints {len(lines) - len(kept)} more lines")


class Report:
    """Collects the faults and notes of one file. A message never contains a secret.

    ``included`` has, for each included file, the line that includes it.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._reported: set[Fault] = set()
        self.notes: list[Note] = []
        self.included: dict[str, Place] = {}

    def fault(self, place: Place, message: str) -> None:
        """Add a fault. A file with a fault is refused. Equal faults are added once."""
        fault = Fault(str(place), message)
        if fault not in self._reported:
            self._reported.add(fault)
            self.faults.append(fault)

    def note(self, kind: str, place: Place, message: str) -> None:
        """Add a note: the file is accepted, but hadirector behaves differently."""
        self.notes.append(Note(kind, place, message))
