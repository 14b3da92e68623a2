"""Writes plain values as YAML that the reader of this project can read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

# A word with a letter, or an IPv4 address with or without a port: no reader of YAML takes it for a
# number, unless it has an exponent or a base.
_PLAIN: Final = re.compile(
    r"(?![0-9]*e[0-9]|0[xob])[A-Za-z0-9/](?=.*[A-Za-z])[A-Za-z0-9_./:-]*[A-Za-z0-9_/]|[A-Za-z/]"
    r"|([0-9]{1,3}\.){3}[0-9]{1,3}(:[0-9]+|/[0-9]+)?",
    re.ASCII,
)
_RESERVED: Final = frozenset(
    {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "inf", "nan"}
)
_COMPACT_MAX: Final = 80

Comments = Callable[[tuple[str | int, ...]], list[str]]
"""Returns the comments before the value at a path."""


def write_yaml(value: dict[str, Any], comments: Comments) -> Iterator[str]:
    """Yield the lines of a mapping: two blanks for each level, short values in one line."""
    yield from _mapping(value, (), "", comments)


def _mapping(
    value: dict[str, Any], path: tuple[str | int, ...], indent: str, comments: Comments
) -> Iterator[str]:
    for key, each in value.items():
        inner = (*path, key)
        yield from (f"{indent}# {comment}" for comment in comments(inner))
        yield from _entry(f"{indent}{key}:", each, inner, indent, comments)


def _entry(
    head: str, value: Any, path: tuple[str | int, ...], indent: str, comments: Comments
) -> Iterator[str]:
    if not isinstance(value, dict | list):
        yield f"{head} {_scalar(value)}"
        return
    compact = _compact(value)
    fits = len(head) + 1 + len(compact) <= _COMPACT_MAX
    if not value or (fits and _is_flat(value) and not _has_comments(value, path, comments)):
        yield f"{head} {compact}"
        return
    yield head
    if isinstance(value, dict):
        yield from _mapping(value, path, indent + "  ", comments)
        return
    for index, each in enumerate(value):
        yield from _item(each, (*path, index), indent + "  ", comments)


def _item(
    value: Any, path: tuple[str | int, ...], indent: str, comments: Comments
) -> Iterator[str]:
    yield from (f"{indent}# {comment}" for comment in comments(path))
    flat = not isinstance(value, dict | list) or (
        _is_flat(value) and not _has_comments(value, path, comments)
    )
    compact = _compact(value)
    if not value or (flat and len(indent) + 2 + len(compact) <= _COMPACT_MAX):
        yield f"{indent}- {compact}"
        return
    assert isinstance(value, dict), "a list of a list has one line"
    lines = _mapping(value, path, indent + "  ", comments)
    first = True
    for line in lines:
        # The dash stands before the first key. A comment may come before that key.
        if first and not line.lstrip().startswith("#"):
            yield f"{indent}- {line.lstrip()}"
            first = False
        else:
            yield line


def _is_flat(value: dict[str, Any] | list[Any]) -> bool:
    """Return whether a collection has no collection that has a collection."""
    members = value.values() if isinstance(value, dict) else value
    return not any(
        isinstance(inner, dict | list)
        for each in members
        if isinstance(each, dict | list)
        for inner in (each.values() if isinstance(each, dict) else each)
    )


def _has_comments(
    value: dict[str, Any] | list[Any], path: tuple[str | int, ...], comments: Comments
) -> bool:
    entries: Iterable[tuple[str | int, Any]]
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    return any(
        bool(comments((*path, step)))
        or (isinstance(each, dict | list) and _has_comments(each, (*path, step), comments))
        for step, each in entries
    )


def _compact(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_compact(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_compact, value)) + "]"
        case _:
            return _scalar(value)


def _scalar(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str() if _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
