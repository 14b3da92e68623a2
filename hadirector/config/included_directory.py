"""Reads the files of ``include_dir``, which contain virtual servers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, Final

from hadirector.config.document.document import Document, Position, read_document
from hadirector.config.document.errors import (
    FAULTS_MAX,
    FILE_BYTES_MAX,
    VALUES_MAX,
    ConfigError,
    Fault,
    quote,
)
from hadirector.config.document.finding import prefix_path, wrong
from hadirector.config.document.secrets import quote_key
from hadirector.config.document.syntax import decode

INCLUDE_DIR: Final = "include_dir"
FILES_MAX: Final = 1000
"""Most files of a directory. Further files are a fault."""
SUFFIX: Final = ".yaml"

_LIST: Final = "virtual_servers"
_PATH_CHARACTERS_MAX: Final = 1023

ReadFile = Callable[[str], bytes]
"""Returns the bytes of a file. Raises ConfigError."""


def include_directory(document: Document, size: int, read_file: ReadFile) -> None:
    """Add the virtual servers of the files in ``include_dir``, sorted by name, to a document.

    The directory is relative to the file of the document, which has ``size`` bytes. The faults
    of the directory and of its files are added to the faults of the document. If the value is
    not a path, it stays, and the schema refuses it.
    """
    value = document.value
    name = value.get(INCLUDE_DIR) if isinstance(value, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= _PATH_CHARACTERS_MAX or "\0" in name:
        return
    assert isinstance(value, dict)
    del value[INCLUDE_DIR]
    value.setdefault(_LIST, [])  # the directory may be empty
    directory = os.path.join(os.path.dirname(document.file), name)
    try:
        files = _list_files(directory)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"{INCLUDE_DIR}: the directory {directory} cannot be read: {reason}"
        document.faults.append(Fault(document.place((INCLUDE_DIR,)), message))
        return
    document.other_files = (directory, *files)
    if len(files) > FILES_MAX:
        message = f"{INCLUDE_DIR}: too many files (got {len(files)}, expected at most {FILES_MAX})"
        document.faults.append(Fault(document.place((INCLUDE_DIR,)), message))
        return
    _Inclusion(document, value, size, read_file).include(files)


def _list_files(directory: str) -> list[str]:
    """Return the files whose names end in .yaml and do not begin with a dot. Raises OSError."""
    names = sorted(os.listdir(directory))
    return [
        os.path.join(directory, name)
        for name in names
        if name.endswith(SUFFIX) and not name.startswith(".")
    ]


class _Inclusion:
    """Adds files to a document, up to the limits of bytes and values of all files together."""

    def __init__(
        self, document: Document, value: dict[str, Any], size: int, read_file: ReadFile
    ) -> None:
        self._document = document
        self._value = value
        self._bytes = size
        self._values = _count(value)
        self._read_file = read_file

    def include(self, files: Iterable[str]) -> None:
        for file in files:
            try:
                self._add(self._read(file))
            except ConfigError as error:
                self._document.faults.extend(error.faults)
            if len(self._document.faults) > FAULTS_MAX:
                return  # further faults would not be shown

    def _read(self, file: str) -> Document:
        """Return the document of a file. Raises ConfigError."""
        data = self._read_file(file)
        self._bytes += len(data)
        if self._bytes > FILE_BYTES_MAX:
            message = f"all files together are too large (expected at most {FILE_BYTES_MAX} bytes)"
            raise ConfigError([Fault(file, message)])
        included = read_document(decode(data, file), file, expected=_LIST)
        self._values += _count(included.value)
        if self._values > VALUES_MAX:
            raise ConfigError(
                [Fault(file, f"all files together have more than {VALUES_MAX} values")]
            )
        return included

    def _add(self, included: Document) -> None:
        """Add the virtual servers of a file. Its other keys are faults."""
        faults = self._document.faults
        faults.extend(included.faults)
        if not isinstance(included.value, dict):
            expected = f"a mapping with the key {_LIST}"
            faults.append(Fault(included.place(()), wrong(quote(included.value), expected)))
            return
        for key in included.value:
            if key != _LIST:
                message = f"unknown key {quote_key(key)} (a file of {INCLUDE_DIR} has only {_LIST})"
                faults.append(Fault(included.key_place((key,)), message))
        servers = included.value.get(_LIST, [])
        if servers is None:
            return  # the document has this fault already
        if not isinstance(servers, list):
            message = prefix_path((_LIST,), wrong(quote(servers), "a list"))
            faults.append(Fault(included.place((_LIST,)), message))
            return
        own = self._value[_LIST]
        if isinstance(own, list):  # else the schema finds the fault
            self._append(own, servers, included)

    def _append(self, own: list[Any], servers: list[Any], included: Document) -> None:
        around = self._document.position.children
        position = around.setdefault(_LIST, Position((1, 1), (1, 1), included.file))
        for index, server in enumerate(servers):
            position.children[len(own)] = included.position.children[_LIST].children[index]
            own.append(server)


def _count(value: object) -> int:
    """Return the number of values as the reader of YAML counts them."""
    if isinstance(value, dict):
        return 1 + sum(map(_count, value.values()))
    return 1 + sum(map(_count, value)) if isinstance(value, list) else 1
