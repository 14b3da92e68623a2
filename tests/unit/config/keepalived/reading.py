"""Reads texts in the form of keepalived.conf for tests of the translators."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from hadirector.config.document.errors import Fault
from hadirector.config.keepalived.keywords.screen import screen
from hadirector.config.keepalived.keywords.top_level import TOP_LEVEL
from hadirector.config.keepalived.node import mapping, plain, to_document
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Place, Statement, Word
from hadirector.config.keepalived.translate.vrrp.file import translate_vrrp
from hadirector.config.rules import findings
from hadirector.config.schema import Root

FILE = "keepalived.conf"
WORD = re.compile(r'"(?P<quoted>[^"]*)"|(?P<bare>[^\s"]+)')


def read_statements(text: str) -> tuple[Statement, ...]:
    """Read a text without includes, conditions and definitions. A brace ends its line."""
    lines = [
        (number, re.sub(r"(?<!\\)[#!].*", "", line).rstrip())
        for number, line in enumerate(text.splitlines(), 1)
    ]
    found, rest = _block([each for each in lines if each[1].strip()])
    assert rest == [], rest[:1]
    return found


def _block(
    lines: list[tuple[int, str]],
) -> tuple[tuple[Statement, ...], list[tuple[int, str]]]:
    statements: list[Statement] = []
    while lines:
        (number, line), *lines = lines
        stripped = line.strip()
        if stripped == "}":
            return tuple(statements), lines
        opens = stripped.endswith("{")
        keyword, *arguments = _words(number, line[: line.rindex("{")] if opens else line)
        raw = stripped.rstrip("{").rstrip() if opens else stripped
        inner = None
        if opens:
            inner, lines = _block(lines)
        statements.append(Statement(keyword, tuple(arguments), raw, inner))
    return tuple(statements), []


def _words(number: int, line: str) -> list[Word]:
    return [
        Word(word[word.lastgroup or 0], Place(FILE, number, word.start(word.lastgroup or 0) + 1))
        for word in WORD.finditer(line)
    ]


@dataclass(frozen=True)
class Read:
    """The native form of a text, with its faults and notes."""

    value: dict[str, Any]
    faults: list[str]
    notes: list[tuple[str, str]]

    @property
    def instance(self) -> dict[str, Any]:
        """The first instance."""
        instance: dict[str, Any] = self.value["vrrp"][0]
        return instance


def read(text: str, *, accepted: str = "", own_defaults: bool = False) -> Read:
    """Translate a text, and apply the schema and the rules to the result."""
    report = Report()
    options = Options("lb1", frozenset(accepted.split()), own_defaults=own_defaults)
    root = screen(read_statements(text), TOP_LEVEL, "top level", report, options)
    node = mapping(Place(FILE, 1, 1), translate_vrrp(root, report, options))
    notes = [
        (note.kind, f"{note.place.line}:{note.place.column}: {note.message}")
        for note in report.notes
    ]
    faults = [_short(fault) for fault in report.faults]
    if not faults:
        document = to_document(node, [])
        faults = [
            _short(Fault(document.place(finding.path), finding.message))
            for finding in findings(Root.model_validate(plain(node)))
        ]
    return Read(plain(node), faults, notes)


def _short(fault: Fault) -> str:
    return str(fault).removeprefix(f"{FILE}:")
