"""Splits a ldirectord.cf into directives (`key = value`) and ``virtual`` sections."""

from __future__ import annotations

import re
from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Place, Statement, Word

_DIRECTIVE: Final = re.compile(r"[ \t]*([A-Za-z0-9-]+)[ \t]*(?:=[ \t]*(.*?))?[ \t\r]*")
_INDENTED: Final = re.compile(r"\t| {4}| {1,3}\t")
_SECTIONS: Final = frozenset({"virtual", "virtual6"})
_COMMENT: Final = re.compile(r"[ \t]*#")


def read_lines(text: str, file: str, report: Report) -> list[Statement]:
    """Return the global directives, and each ``virtual`` section with its directives as a block.

    Lines that begin with a tab or four blanks belong to the section above them. The first other
    line, also an empty line, ends the section; a comment does not.
    """
    root: list[Statement] = []
    block: list[Statement] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if _COMMENT.match(line):
            continue
        inside = block is not None and _INDENTED.match(line) is not None
        content = line.partition("#")[0] if inside else line
        statement = _read_line(content, Place(file, number, 1), report)
        if inside and block is not None and statement is not None:
            block.append(statement)
            continue
        _close(root, block)
        block = None
        if statement is None:
            continue
        if _INDENTED.match(line):
            message = (
                "the line is indented, but no virtual is above the line (an empty line ends a"
                " virtual)"
            )
            report.fault(statement.keyword.place, message)
            continue
        root.append(statement)
        block = [] if statement.keyword.text in _SECTIONS else None
    _close(root, block)
    return root


def _close(root: list[Statement], block: list[Statement] | None) -> None:
    if block is not None:
        root[-1] = root[-1]._replace(block=tuple(block))


def _read_line(line: str, place: Place, report: Report) -> Statement | None:
    if line.strip() == "":
        return None
    found = _DIRECTIVE.fullmatch(line)
    if found is None:
        message = f"the line is no directive (got {quote(line.strip())}, expected KEY = VALUE)"
        report.fault(place._replace(column=len(line) - len(line.lstrip()) + 1), message)
        return None
    key = Word(found[1], place._replace(column=found.start(1) + 1))
    value = found[2]
    if value is None:
        return Statement(key, (), "")
    at = found.start(2)
    quoted = len(value) > 1 and value[0] == value[-1] == '"' and value.count('"') == 2
    if quoted:
        value, at = value[1:-1], at + 1
    return Statement(key, (Word(value, place._replace(column=at + 1)),), "")
