"""The outcome of a command that changes something: lines for people, or one JSON object."""

from __future__ import annotations

import sys

import msgspec


class Outcome:
    """Prints each line when it is known, or all of them as JSON at the end.

    The object has ``done``, ``lines`` and ``faults``.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._lines: list[str] = []
        self._faults: list[str] = []

    def add_line(self, text: str) -> None:
        """Report a part that succeeded."""
        self._lines.append(text)
        if not self._as_json:
            print(text)

    def add_fault(self, text: str) -> None:
        """Report a part that failed. Its text goes to standard error."""
        self._faults.append(text)
        if not self._as_json:
            print(f"hadirector: {text}", file=sys.stderr)

    def finish(self) -> int:
        """Print the JSON object, and return the exit code: 1 after a fault."""
        if self._as_json:
            found = {"done": not self._faults, "lines": self._lines, "faults": self._faults}
            print(msgspec.json.encode(found).decode())
        return 1 if self._faults else 0
