"""Turns what pydantic found into faults: placed, and worded for an operator."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic_core import ErrorDetails

from hadirector.config.checks.schema import KEYS_OF_SOME_TYPE, CheckSection, section_of
from hadirector.config.document.document import Document
from hadirector.config.document.errors import Fault, shown
from hadirector.config.document.finding import Path, named, wrong
from hadirector.config.keys.section import Section
from hadirector.config.keys.values import EXPECTED, HIDDEN
from hadirector.config.schema import Root

# Comparing a longer key with every known one takes long, and it is no slip of the finger.
SUGGESTED_CHARACTERS_MAX = 40

_CONTAINERS = {"model_type": "a mapping", "list_type": "a list"}


def explain(
    errors: Iterable[ErrorDetails], document: Document, root: type[Section] = Root
) -> list[Fault]:
    """Explain each error. Where the document already has a fault, that one stands alone.

    ``root`` is the section that the document as a whole is.
    """
    spoilt = {fault.place for fault in document.faults}
    faults = [_fault(error, document, root) for error in errors]
    return [fault for fault in faults if fault.place not in spoilt]


def _fault(error: ErrorDetails, document: Document, root: type[Section]) -> Fault:
    path: Path = error["loc"]
    found = shown(error["input"])
    match error["type"]:
        case "extra_forbidden":
            return Fault(document.key_place(path), _unknown_key(path, document.value, root))
        case "missing":
            message = f"the key {shown(path[-1])} is missing"
            return Fault(document.place(path[:-1]), named(path[:-1], message))
        case _ if error["type"] == EXPECTED:
            message = wrong(found, error["msg"])
        case _ if error["type"] == HIDDEN:
            message = wrong("something that is not shown", error["msg"])
        case kind:
            message = wrong(found, _CONTAINERS[kind])
    return Fault(document.place(path), named(path, message))


def _unknown_key(path: Path, value: object, root: type[Section]) -> str:
    section, key = _section(path[:-1], value, root), str(path[-1])
    if issubclass(section, CheckSection) and key in KEYS_OF_SOME_TYPE:
        return named(path, f"a check of this type has no {key}")
    return named(path[:-1], _unknown(key, section))


def _unknown(key: str, section: type[Section]) -> str:
    if key in section.later:
        return f"the key {shown(key)} is not supported by this version yet"
    if key in section.renamed:
        return f"the key {shown(key)} is now called {section.renamed[key]}"
    if key == "<<":
        return 'merge keys ("<<") are not supported; write the keys out'
    known = sorted(section.key_names())
    close = []
    if len(key) <= SUGGESTED_CHARACTERS_MAX:
        close = difflib.get_close_matches(key, known, n=1)
    if close:
        return f"unknown key {shown(key)}, did you mean {shown(close[0])}?"
    return f"unknown key {shown(key)} (expected one of {', '.join(known)})"


def _section(path: Path, value: Any, root: type[Section]) -> type[Section]:
    """Find the section that stands at a path within a value."""
    section = _of_its_type(root, value)
    for step in path:
        value = value[step]
        if isinstance(step, str):
            section = next(_sections_in(section.model_fields[step].annotation))
        section = _of_its_type(section, value)
    return section


def _of_its_type(section: type[Section], value: Any) -> type[Section]:
    """Know which keys a check may have from its type."""
    is_check = issubclass(section, CheckSection) and isinstance(value, dict)
    return section_of(value) if is_check else section


def _sections_in(annotation: Any) -> Iterator[type[Section]]:
    """Find the sections that a field's type is made of."""
    if arguments := get_args(annotation):
        for each in arguments:
            yield from _sections_in(each)
    elif isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
