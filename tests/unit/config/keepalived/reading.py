"""Reads texts in the form of keepalived.conf for tests of the translators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from hadirector.config.document.errors import Fault
from hadirector.config.document.explain import explain
from hadirector.config.keepalived import read as keepalived
from hadirector.config.keepalived.node import plain
from hadirector.config.keepalived.options import Options
from hadirector.config.rules import findings
from hadirector.config.schema import Root
from tests.unit.config.keepalived.syntax.reading import FakeFiles

FILE = "keepalived.conf"


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
    options = Options("lb1", frozenset(accepted.split()), own_defaults=own_defaults)
    reading = keepalived.read(text.encode(), FILE, FakeFiles(), options)
    notes = [
        (note.kind, f"{note.place.line}:{note.place.column}: {note.message}")
        for note in reading.notes
    ]
    faults = [_short(fault) for fault in reading.document.faults]
    if not faults:
        faults = [_short(fault) for fault in _check(reading)]
    return Read(plain(reading.root), faults, notes)


def _short(fault: Fault) -> str:
    return str(fault).removeprefix(f"{FILE}:")


def _check(reading: keepalived.Reading) -> list[Fault]:
    """Return the faults that the schema and the rules find."""
    document = reading.document
    try:
        root = Root.model_validate(document.value)
    except ValidationError as error:
        return explain(error.errors(include_url=False), document, Root)
    return [Fault(document.place(finding.path), finding.message) for finding in findings(root)]
