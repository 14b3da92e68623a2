"""Converts the errors of pydantic to faults, with a place and a text for an operator."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic_core import ErrorDetails

from hadirector.config.document.document import Document
from hadirector.config.document.errors import Fault, quote
from hadirector.config.document.finding import Path, prefix_path, wrong
from hadirector.config.document.secrets import HIDDEN as HIDDEN_VALUE
from hadirector.config.document.secrets import public_path, quote_key, quote_value
from hadirector.config.keys.readers import EXPECTED, HIDDEN
from hadirector.config.keys.section import Section

# A longer key is not a typing error, and comparing it with every known key takes long.
SUGGESTED_CHARACTERS_MAX = 40

_CONTAINERS = {"model_type": "a mapping", "list_type": "a list"}


def explain(errors: Iterable[ErrorDetails], document: Document, root: type[Section]) -> list[Fault]:
    """Return a fault for each error, except where the document already has a fault.

    ``root`` is the section that the whole document is read as.
    """
    known = {fault.place for fault in document.faults}
    faults = [_fault(error, document, root) for error in errors]
    return [fault for fault in faults if fault.place not in known]


def _fault(error: ErrorDetails, document: Document, root: type[Section]) -> Fault:
    path: Path = error["loc"]
    found = quote_value(path, error["input"], container_expected=error["type"] in _CONTAINERS)
    match error["type"]:
        case "extra_forbidden":
            return Fault(document.key_place(path), _unknown_key(path, document.value, root))
        case "missing":
            message = f"the key {quote(path[-1])} is missing"
            return Fault(document.place(path[:-1]), prefix_path(path[:-1], message))
        case _ if error["type"] == EXPECTED:
            message = wrong(found, error["msg"])
        case _ if error["type"] == HIDDEN:
            message = wrong(HIDDEN_VALUE, error["msg"])
        case "list_type" if isinstance(error["input"], dict) and error["input"]:
            message = wrong(found, 'a list: put "- " before the first key of each element')
        case kind:
            message = wrong(found, _CONTAINERS[kind])
    return Fault(document.place(path), prefix_path(public_path(path), message))


def _unknown_key(path: Path, value: object, root: type[Section]) -> str:
    section, key = _section(path[:-1], value, root), str(path[-1])
    reason = section.explain_unknown_key(key)
    if reason is not None:
        return prefix_path(path, reason)
    return prefix_path(path[:-1], _unknown(key, section))


def _unknown(key: str, section: type[Section]) -> str:
    if key in section.later:
        return f"the key {quote(key)} is not supported by this version yet"
    if key in section.renamed:
        return f"the key {quote(key)} is now called {section.renamed[key]}"
    if key == "<<":
        return 'merge keys ("<<") are not supported; write the keys out'
    known = sorted(section.key_names())
    close = []
    if len(key) <= SUGGESTED_CHARACTERS_MAX:
        close = difflib.get_close_matches(key, known, n=1)
    if close:
        return f"unknown key {quote_key(key)}, did you mean {quote(close[0])}?"
    return f"unknown key {quote_key(key)} (expected one of {', '.join(known)})"


def _section(path: Path, value: Any, root: type[Section]) -> type[Section]:
    """Return the section that reads the value at a path."""
    section = root.for_value(value)
    for step in path:
        value = value[step]
        if isinstance(step, str):
            section = next(sections_in(section.model_fields[step].annotation))
        section = section.for_value(value)
    return section


def sections_in(annotation: Any) -> Iterator[type[Section]]:
    """Yield the section classes in the type annotation of a field."""
    if arguments := get_args(annotation):
        for argument in arguments:
            yield from sections_in(argument)
    elif isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
