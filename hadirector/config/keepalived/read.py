"""Converts a keepalived.conf to a document, with notes about differences in behavior."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from hadirector.config.document.document import Document
from hadirector.config.document.errors import Fault
from hadirector.config.keepalived.keywords.screen import screen
from hadirector.config.keepalived.keywords.top_level import TOP_LEVEL
from hadirector.config.keepalived.node import Node, mapping, sequence, to_document
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Note, Report
from hadirector.config.keepalived.syntax.blocks import read_statements
from hadirector.config.keepalived.syntax.includes import Files
from hadirector.config.keepalived.syntax.place import Place
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.virtual_servers import translate_virtual_servers
from hadirector.config.keepalived.translate.vrrp.file import translate_vrrp

Sections = Mapping[str, Node]
"""Sections of the native form, such as `vrrp`, or the keys of `director`."""

Translator = Callable[[Sequence[Statement], Report, Options], Sections]
"""A translator gets all screened statements of the top level, and translates some of them.

Two translators may give the same section: lists are joined, and the keys of mappings united.
"""


class Reading(NamedTuple):
    """The converted document with its faults, the notes, and the native form with its places."""

    document: Document
    notes: tuple[Note, ...]
    root: Node


def _virtual_servers(root: Sequence[Statement], report: Report, options: Options) -> Sections:
    servers = translate_virtual_servers(root, report, options)
    return {"virtual_servers": sequence(servers[0].place, servers)} if servers else {}


TRANSLATORS: Final[tuple[Translator, ...]] = (translate_vrrp, _virtual_servers)
"""Every translator, in the order of the sections of the document."""


def read(data: bytes, file: str, files: Files, options: Options) -> Reading:
    """Convert the bytes of a file, and the files that it includes."""
    report = Report()
    statements = read_statements(data, file, files, options.config_id, report)
    kept = screen(statements, TOP_LEVEL, "top level", report, options)
    sections: dict[str, Node] = {}
    for translate in TRANSLATORS:
        for name, node in translate(kept, report, options).items():
            sections[name] = _unite(sections.get(name), node)
    root = mapping(Place(file, 1, 1), sections)
    return finish(root, report, options)


def finish(root: Node, report: Report, options: Options) -> Reading:
    """Return the document of a converted file. With ``strict``, each note is a fault."""
    faults = [*report.faults]
    if options.strict:
        faults += [Fault(str(note.place), f"{note.message} (--strict)") for note in report.notes]
    notes = () if options.strict else tuple(report.notes)
    document = to_document(root, faults)
    document.included_by = {file: str(place) for file, place in report.included.items()}
    return Reading(document, notes, root)


def _unite(first: Node | None, second: Node) -> Node:
    if first is None:
        return second
    if isinstance(first.value, list) and isinstance(second.value, list):
        return sequence(first.place, [*first.value, *second.value])
    assert isinstance(first.value, dict)
    assert isinstance(second.value, dict)
    return mapping(first.place, {**first.value, **second.value})
