"""Reads YAML 1.2 text into plain values, and keeps the position of each value.

The builder reads the event stream of libyaml and has its own stack. Deep nesting and aliases
therefore cannot make a small file expensive. Scalars follow the core schema of YAML 1.2 (section
10.3.2) without its octal and hexadecimal numbers: only ``true`` and ``false`` are booleans;
``no``, ``on``, ``22:22`` and ``0x10`` are strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, NoReturn

import yaml

from hadirector.config.document.errors import (
    FAULTS_MAX,
    VALUES_MAX,
    ConfigError,
    Fault,
    quote,
    split_place,
)
from hadirector.config.document.finding import Path, prefix_path
from hadirector.config.document.secrets import is_secret, public_path
from hadirector.config.document.syntax import explain_syntax

SECTIONS: Final = "director, vrrp or virtual_servers"
DEPTH_MAX = 20
# No key takes a longer whole number. A longer number stays a string and is refused at its place, so
# that int() does not convert megabytes of digits.
DIGITS_MAX = 18

_FAULTS_KEPT_MAX = 10 * FAULTS_MAX

Mark = tuple[int, int]

_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False}
_BOOLEANS["FALSE"] = False
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INFINITE_OR_NAN = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class Position:
    """The line and column (from 1) of a value and of its key, and the positions of nested values.

    ``file`` is the file of the value; None for the file of the document.
    """

    __slots__ = ("children", "file", "key", "mark")

    def __init__(self, mark: Mark, key: Mark, file: str | None = None) -> None:
        self.mark = mark
        self.key = key
        self.file = file
        self.children: dict[str | int, Position] = {}


class Document:
    """One YAML document: its plain value, the positions in it, and faults such as a repeated key.

    ``other_files`` are the files that the file includes, and the directory of ``include_dir``.
    ``included_by`` has the place of the line that includes a file, if a line includes it.
    """

    def __init__(self, file: str, value: object, position: Position, faults: list[Fault]) -> None:
        self.value = value
        self.faults = faults
        self.file = file
        self.position = position
        self.other_files: tuple[str, ...] = ()
        self.included_by: dict[str, str] = {}

    def place(self, path: Path) -> str:
        """Return the place of a value; if the file lacks it, of the nearest value around it."""
        position = self._nearest(path)
        return _place(position.file or self.file, position.mark)

    def name_includes(self, faults: Iterable[Fault]) -> list[Fault]:
        """Return the faults. Each fault in an included file names the line that includes it."""
        named = []
        for fault in faults:
            line = self.included_by.get(split_place(fault.place).file)
            message = fault.message if line is None else f"{fault.message} (included by {line})"
            named.append(Fault(fault.place, message))
        return named

    def key_place(self, path: Path) -> str:
        """Return the place of the key of a value."""
        position = self._nearest(path)
        return _place(position.file or self.file, position.key)

    def _nearest(self, path: Path) -> Position:
        position = self.position
        for step in path:
            if step not in position.children:
                break
            position = position.children[step]
        return position


def read_document(text: str, file: str, expected: str = SECTIONS) -> Document:
    """Read the document in ``text``. Raises ConfigError if the text is not YAML.

    ``expected`` names the missing keys in the message about an empty file.
    """
    builder = _Builder(file, expected)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.process(event)
    except yaml.YAMLError as error:
        mark, message = explain_syntax(error, text)
        raise ConfigError([*builder.faults, Fault(_place(file, mark), message)]) from error
    return builder.finish()


class _Open(NamedTuple):
    """A mapping or sequence whose end the builder has not read yet."""

    step: str | int
    value: Any
    position: Position


class _Builder:
    """Builds the values from the events of libyaml."""

    def __init__(self, file: str, expected: str) -> None:
        self.faults: list[Fault] = []
        self._file = file
        self._expected = expected
        self._values = 0
        self._open: list[_Open] = []
        self._root: _Open | None = None
        # The last key that was read in the innermost mapping, until its value is read.
        self._key: tuple[str, Mark] | None = None

    def process(self, event: yaml.Event) -> None:
        """Process the next event."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._begin(event, {})
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin(event, [])
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
            self._stop(
                _mark(event), "a second YAML document begins here (expected one document in a file)"
            )

    def finish(self) -> Document:
        """Return the document. Raises ConfigError if the text has none."""
        if self._root is None:
            self._stop((1, 1), f"the file is empty (expected {self._expected})")
        return Document(self._file, self._root.value, self._root.position, self.faults)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._refuse_properties(event)
        if self._expects_key():
            self._key = (event.value, _mark(event))
            return
        # ``implicit`` is (True, False) exactly for an untagged plain scalar.
        value = _resolve(event.value) if event.implicit[0] else event.value
        if value is None:
            self._fault(_mark(event), "the value is missing (write a value, or leave the key out)")
        self._place(value, _mark(event))

    def _begin(self, event: yaml.CollectionStartEvent, value: Any) -> None:
        self._refuse_properties(event)
        if self._expects_key():
            self._stop(_mark(event), "a key must be a plain word")
        if len(self._open) == DEPTH_MAX:
            self._stop(_mark(event), f"nested more than {DEPTH_MAX} levels deep")
        step = self._step()
        position = self._place(value, _mark(event))
        self._open.append(_Open(step, value, position))

    def _place(self, value: object, mark: Mark) -> Position:
        """Put a value, or a collection that has just started, into the collection around it."""
        self._values += 1
        if self._values > VALUES_MAX:
            self._stop(mark, f"the file has more than {VALUES_MAX} values")
        if not self._open:
            position = Position(mark, mark, self._file)
            self._root = _Open("", value, position)
            return position
        parent = self._open[-1]
        if isinstance(parent.value, list):
            position = Position(mark, mark, self._file)
            parent.position.children[len(parent.value)] = position
            parent.value.append(value)
            return position
        assert self._key is not None
        name, key_mark = self._key
        self._key = None
        position = Position(mark, key_mark, self._file)
        if name in parent.value:
            first = parent.position.children[name].key[0]
            shown = "" if is_secret(self._path()) else f" {quote(name)}"
            self._fault(key_mark, f"duplicate key{shown}, first in line {first}")
        else:
            parent.value[name] = value
            parent.position.children[name] = position
        return position

    def _alias(self, event: yaml.AliasEvent) -> None:
        if self._expects_key():
            self._stop(_mark(event), "a key must be a plain word")
        # The name of an alias, an anchor or a tag may be a password that begins so.
        self._fault(_mark(event), "aliases (*) are not supported; write the value out, or quote it")
        self._place(None, _mark(event))

    def _refuse_properties(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._fault(_mark(event), "anchors (&) are not supported; remove it, or quote the text")
        if event.tag is not None:
            self._fault(_mark(event), "tags (!) are not supported; remove it, or quote the text")

    def _expects_key(self) -> bool:
        return bool(self._open) and self._key is None and isinstance(self._open[-1].value, dict)

    def _step(self) -> str | int:
        """Return the step to the next value in the innermost collection; "" if it is a key."""
        if self._key is not None:
            return self._key[0]
        innermost = self._open[-1].value if self._open else None
        return len(innermost) if isinstance(innermost, list) else ""

    def _fault(self, mark: Mark, message: str) -> None:
        path = public_path(self._path())
        self.faults.append(Fault(_place(self._file, mark), prefix_path(path, message)))
        if len(self.faults) > _FAULTS_KEPT_MAX:
            rest = Fault(
                self._file, "the rest of the file is not read, and further faults are not shown"
            )
            raise ConfigError([*self.faults[:FAULTS_MAX], rest])

    def _path(self) -> Path:
        """Return the path of the next value."""
        steps = (*(collection.step for collection in self._open), self._step())
        return tuple(step for step in steps if step != "")

    def _stop(self, mark: Mark, message: str) -> NoReturn:
        self._fault(mark, message)
        raise ConfigError(self.faults)


def _resolve(text: str) -> object:
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text in _NULLS:
        return None
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= DIGITS_MAX else text
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _INFINITE_OR_NAN.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _mark(event: yaml.Event) -> Mark:
    assert event.start_mark is not None
    return event.start_mark.line + 1, event.start_mark.column + 1


def _place(file: str, mark: Mark) -> str:
    return f"{file}:{mark[0]}:{mark[1]}"
