"""Checks a document with the schema and the rules, and returns its sections."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from operator import is_
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hadirector.config.document.document import Document
from hadirector.config.document.errors import FAULTS_MAX, ConfigError, Fault, split_place
from hadirector.config.document.explain import explain
from hadirector.config.document.finding import Finding, Path, prefix_path
from hadirector.config.rules import findings
from hadirector.config.schema import Root

ERRORS_MAX = 10 * FAULTS_MAX
"""With more errors, nothing looks for further faults."""

SAMPLE_MAX = FAULTS_MAX
"""The elements of each list that are checked first."""

_REMOVABLE_ITEMS = frozenset(
    {
        *("vrrp", "virtual_servers", "real_servers", "track", "sync_groups", "notify"),
        *("groups", "alerts", "sources"),
    }
)
_REMOVABLE_SECTIONS = frozenset({"check", *Root.model_fields})


def validate(document: Document) -> Root:
    """Return the sections of a document, which is not changed. Raises ConfigError."""
    file = document.file
    _refuse_hopeless(document)
    faults = list(document.faults)
    unexplained = 0
    try:
        root: Root | None = Root.model_validate(document.value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # Suggestions for thousands of unknown keys would take minutes.
        unexplained = max(0, len(errors) - FAULTS_MAX)
        faults += explain(errors[:FAULTS_MAX], document, Root)
        # A search for further faults takes long, and the current faults are more than are shown.
        many = len(errors) > ERRORS_MAX
        root = None if many else _without_faults(copy.deepcopy(document.value), errors)
    if root is not None:
        known = {fault.place for fault in faults}
        for finding in findings(root):
            fault = _rule_fault(finding, document)
            if fault.place not in known:
                faults.append(fault)
            if len(faults) > ERRORS_MAX:
                rest = Fault(
                    file, "the rest of the file is not checked, and further faults are not shown"
                )
                raise ConfigError([*faults[:FAULTS_MAX], rest])
    if faults or root is None:
        raise ConfigError(limit(faults, unexplained, file))
    return root


def _rule_fault(finding: Finding, document: Document) -> Fault:
    """Return the fault of a finding. An earlier value in another file is named with its place."""
    place = document.place(finding.path)
    text = prefix_path(finding.path, finding.message)
    if finding.earlier is not None:
        earlier = document.place(finding.earlier)
        if split_place(earlier).file != split_place(place).file:
            text += f" ({earlier})"
    return Fault(place, text)


def _refuse_hopeless(document: Document) -> None:
    """Raise ConfigError if the first elements of long lists alone have FAULTS_MAX faults.

    To find and count every fault of a million elements takes a minute and gigabytes.
    """
    beginning = _shorten(document.value, SAMPLE_MAX)
    if beginning is document.value:
        return
    try:
        Root.model_validate(beginning)
    except ValidationError as error:
        if error.error_count() >= FAULTS_MAX:
            faults = explain(error.errors(include_url=False)[:FAULTS_MAX], document, Root)
            rest = Fault(
                document.file,
                "the rest of the file is not checked, and further faults are not shown",
            )
            raise ConfigError([*document.faults, *faults, rest]) from None


def _shorten(value: Any, most: int) -> Any:
    """Return the value with at most ``most`` elements in each list; the same value if it fits."""
    if isinstance(value, dict):
        short = {key: _shorten(each, most) for key, each in value.items()}
        return value if all(short[key] is each for key, each in value.items()) else short
    if isinstance(value, list):
        elements = [_shorten(each, most) for each in value[:most]]
        same = len(elements) == len(value) and all(map(is_, elements, value))
        return value if same else elements
    return value


def _without_faults(value: object, errors: Iterable[ErrorDetails]) -> Root | None:
    """Return the file without its faulty parts, which are removed; None if the rest is faulty too.

    An unknown key is removed. Around any other fault, the smallest section or list element becomes
    None. The deepest parts are removed first, while the parts around them still exist.
    """
    if not isinstance(value, dict):
        return None
    for *outer, last in sorted({_faulty_part(error) for error in errors}, key=len, reverse=True):
        container: Any = value
        for step in outer:
            container = container[step]
        if isinstance(container, list) or last in _REMOVABLE_SECTIONS:
            container[last] = None
        else:
            del container[last]
    try:
        return Root.model_validate(value)
    except ValidationError:
        return None


def _faulty_part(error: ErrorDetails) -> Path:
    """Return the path to remove.

    It is an unknown key, or else the innermost list element or check, or else a section.
    """
    path = error["loc"]
    if error["type"] == "extra_forbidden":
        return path
    for end in range(len(path), 1, -1):
        in_a_list = path[end - 2] in _REMOVABLE_ITEMS and isinstance(path[end - 1], int)
        if in_a_list or path[end - 1] == "check":
            return path[:end]
    return path[:1]


def limit(faults: list[Fault], unexplained: int, file: str) -> list[Fault]:
    """Return the first FAULTS_MAX faults, and a fault that counts the others.

    The faults of the main file come first, then the faults of other files by their names. The
    faults of a file are in the order of the lines.
    """
    faults.sort(key=lambda fault: _order(fault, file))
    left_out = max(0, len(faults) - FAULTS_MAX) + unexplained
    if left_out:
        return [*faults[:FAULTS_MAX], Fault(file, f"{left_out} more faults are not shown")]
    return faults


def _order(fault: Fault, file: str) -> tuple[bool, str, tuple[int, int]]:
    name, line, column = split_place(fault.place)
    return name != file, name, (line or 0, column or 0)
