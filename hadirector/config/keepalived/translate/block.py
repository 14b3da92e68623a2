"""A block of a keepalived.conf, with methods that read the values of its keywords."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.keywords.screen import screen
from hadirector.config.keepalived.keywords.table import Table
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Place, Statement, Word

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
_TRUE = frozenset({"on", "true", "yes"})
_FALSE = frozenset({"off", "false", "no"})


class Block:
    """The statements of one block that apply, and the name of the block in messages.

    A method that reads a value returns None if the block does not have the keyword, or if the
    value is invalid. An invalid value is a fault here; keepalived ignores it and continues.
    """

    def __init__(self, statements: Sequence[Statement], where: str, report: Report) -> None:
        self.statements = statements
        self.where = where
        self._report = report

    def all(self, *names: str) -> list[Statement]:
        """Return the statements with one of these keywords, in the order of the file."""
        return [each for each in self.statements if each.keyword.text in names]

    def last(self, *names: str) -> Statement | None:
        """Return the last statement with one of these keywords."""
        return next(reversed(self.all(*names)), None)

    def word(self, *names: str) -> Word | None:
        """Return the first argument of the last statement with one of these keywords."""
        statement = self.last(*names)
        return statement.arguments[0] if statement and statement.arguments else None

    def number(self, statement: Statement, low: int, high: int) -> int | None:
        """Read the first argument as a whole number."""
        word = statement.arguments[0]
        if _NUMBER.fullmatch(word.text) and low <= int(word.text) <= high:
            return int(word.text)
        self.wrong(statement, f"a whole number from {low} to {high}")
        return None

    def seconds(self, statement: Statement) -> float | None:
        """Read the first argument as a duration in seconds."""
        word = statement.arguments[0]
        if _SECONDS.fullmatch(word.text):
            return float(word.text)
        self.wrong(statement, "a duration in seconds, with at most 6 decimal places")
        return None

    def flag(self, name: str) -> bool | None:
        """Read a flag. A keyword without an argument is true; an argument is `on` or `false`."""
        statement = self.last(name)
        if statement is None:
            return None
        if not statement.arguments or statement.arguments[0].text in _TRUE:
            return True
        if statement.arguments[0].text not in _FALSE:
            self.wrong(statement, "on or off")
        return False

    def wrong(self, statement: Statement, expected: str) -> None:
        """Add a fault about the first argument of a statement."""
        keyword, word = statement.keyword, statement.arguments[0]
        message = f"{keyword.text}: wrong value (got {quote(word.text)}, expected {expected})"
        self.fault(word.place, message)

    def fault(self, place: Place, message: str) -> None:
        """Add a fault in this block."""
        self._report.fault(place, f"{self.where}: {message}")

    def note(self, kind: str, place: Place, message: str) -> None:
        """Add a note about this block."""
        self._report.note(kind, place, f"{self.where}: {message}")

    def reporting_to(self, report: Report) -> Block:
        """Return the same block, with ``report`` for its faults and notes."""
        return Block(self.statements, self.where, report)

    def inner(self, statement: Statement, table: Table, options: Options) -> Block:
        """Return the block that one of the statements opens, after `screen`."""
        where = f"{self.where}: {name(statement.words)}"
        return read_block(statement, table, where, self._report, options)


def read_block(
    statement: Statement, table: Table, where: str, report: Report, options: Options
) -> Block:
    """Return the block that a statement opens, after `screen`. ``where`` names it in messages."""
    return Block(screen(statement.block or (), table, where, report, options), where, report)


def name(words: Iterable[Word]) -> str:
    """Return the name that messages use for a block: its keyword and arguments."""
    return " ".join(word.text for word in words)
