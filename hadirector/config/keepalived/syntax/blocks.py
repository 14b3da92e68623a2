"""Builds the statements of a file from the parts of its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.definitions import REFERENCE_LEFT
from hadirector.config.keepalived.syntax.expansion import Expansion, TooMuchError
from hadirector.config.keepalived.syntax.includes import Files
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.syntax.text import Text
from hadirector.config.keepalived.syntax.words import split_words

DEPTH_MAX: Final = 64
"""The most blocks within blocks. keepalived itself has five."""

_SCRIPT = re.compile(
    r"script|misc_path|notify.*|quorum_(up|down)|startup_script|shutdown_script|.*fifo.*"
)
"""The keywords of scripts, whose lines may have a dollar sign."""
_SECRET: Final = frozenset({"auth_pass", "password"})


def read_statements(
    data: bytes, file: str, files: Files, config_id: str, report: Report
) -> tuple[Statement, ...]:
    """Return the statements of the top level of a file, with their blocks."""
    builder = _Builder(report)
    expansion = Expansion(data, file, files, config_id, report)
    try:
        for part in expansion.parts():
            builder.add(part)
    except TooMuchError:
        return builder.finish(complete=False)
    return builder.finish(complete=True)


class _Builder:
    """The open blocks: the statements of each, and the statement that opens the next."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._blocks: list[list[Statement]] = [[]]
        self._ready = False
        """Whether a brace may open the block of the last statement."""

    def add(self, part: Text) -> None:
        """Add a line without braces, or a single brace. Raises TooMuchError."""
        if part.text == "{":
            self._open(part)
        elif part.text == "}":
            self._close(part)
        else:
            keyword, *arguments = split_words(part)
            statement = Statement(keyword, tuple(arguments), part.text)
            self._blocks[-1].append(statement)
            self._ready = True
            if "$" in part.text:
                self._check_references(part, statement)

    def finish(self, *, complete: bool) -> tuple[Statement, ...]:
        """Return the statements. Blocks that are still open are faults if the text is complete."""
        while len(self._blocks) > 1:
            opener = self._fold()
            if complete:
                message = f"the brace of {quote(opener.keyword.text)} is not closed"
                self._report.fault(opener.keyword.place, message)
        return tuple(self._blocks[0])

    def _open(self, part: Text) -> None:
        if not self._ready:
            self._report.fault(part.place(0), "the brace { opens no block: no keyword is before it")
            # A statement takes its content, so that its closing brace is not superfluous.
            keyword = split_words(part)[0]
            self._blocks[-1].append(Statement(keyword, (), "{"))
        if len(self._blocks) > DEPTH_MAX:
            message = f"more than {DEPTH_MAX} blocks within blocks; the rest is not read"
            self._report.fault(part.place(0), message)
            raise TooMuchError
        self._blocks.append([])
        self._ready = False

    def _close(self, part: Text) -> None:
        self._ready = False
        if len(self._blocks) == 1:
            self._report.fault(part.place(0), "the brace } closes no block: it is superfluous")
        elif self._fold().keyword.text == "{":
            self._blocks[-1].pop()

    def _fold(self) -> Statement:
        """Give the innermost block to its statement."""
        block = tuple(self._blocks.pop())
        opener = self._blocks[-1][-1]._replace(block=block)
        self._blocks[-1][-1] = opener
        self._ready = False
        return opener

    def _check_references(self, part: Text, statement: Statement) -> None:
        keyword = statement.keyword.text
        if _SCRIPT.fullmatch(keyword):
            return
        found: Iterator[re.Match[str]] = REFERENCE_LEFT.finditer(part.text)
        for each in found:
            place = part.place(each.start())
            if keyword in _SECRET:
                message = f"{keyword}: the dollar sign uses no definition: it is a part of the text"
                self._report.note("dollar sign", place, message)
            else:
                hint = "" if each[0].startswith("${") else f" (${{{each[0][1:]}}} within a word)"
                self._report.fault(place, f"{quote(each[0])} is not defined{hint}")
