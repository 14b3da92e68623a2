"""Prints the faults and notes of a configuration file as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from hadirector.config.document.errors import split_place

if TYPE_CHECKING:
    from hadirector.config.document.errors import Fault
    from hadirector.config.keepalived.report import Note


def format_findings(faults: Sequence[Fault], notes: Iterable[Note]) -> str:
    """Return an object with ``faults`` and ``notes``, each with file, line, column and message.

    A note also has its kind. The line and column are null if the fault has no position.
    """
    found = {
        "faults": [_place(fault.place) | {"message": fault.message} for fault in faults],
        "notes": [
            _place(str(note.place)) | {"kind": note.kind, "message": note.message} for note in notes
        ],
    }
    return msgspec.json.format(msgspec.json.encode(found)).decode()


def _place(place: str) -> dict[str, str | int | None]:
    return split_place(place)._asdict()
