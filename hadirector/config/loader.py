"""Loads a configuration file: from bytes to text, plain values, sections and the model."""

from __future__ import annotations

import copy
import os
import pwd
import socket
import stat
from collections.abc import Callable, Iterable
from operator import is_
from typing import Any, NamedTuple

from msgspec.structs import replace
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hadirector.config.build import build
from hadirector.config.document.document import Document, read_document
from hadirector.config.document.errors import (
    FAULTS_MAX,
    FILE_BYTES_MAX,
    ConfigError,
    Fault,
    UnreadableFileError,
    split_place,
)
from hadirector.config.document.explain import explain
from hadirector.config.document.finding import Path, prefix_path
from hadirector.config.document.syntax import decode
from hadirector.config.host_needs import needed_interfaces, needed_scripts
from hadirector.config.included_files import IncludedFiles
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.read import is_keepalived, read
from hadirector.config.keepalived.report import Note, group_notes
from hadirector.config.notes import format_notes
from hadirector.config.reading import DEFAULT, ReadingOptions
from hadirector.config.rules import findings
from hadirector.config.schema import Root
from hadirector.config.unheld_addresses import unheld_addresses
from hadirector.config.warnings import warnings
from hadirector.model.configuration import Configuration

ERRORS_MAX = 10 * FAULTS_MAX
"""With more errors, nothing looks for further faults."""

KEEPALIVED_SCRIPT_USER = "keepalived_script"
"""The user of keepalived's scripts, if the host has this user."""

SAMPLE_MAX = FAULTS_MAX
"""The elements of each list that are checked first."""


class Loaded(NamedTuple):
    """A document with the faults of its form, and the notes about a keepalived.conf."""

    document: Document
    notes: tuple[Note, ...]


_REMOVABLE_ITEMS = frozenset(
    {"vrrp", "virtual_servers", "real_servers", "track", "sync_groups", "notify"}
)
_REMOVABLE_SECTIONS = frozenset({"check", *Root.model_fields})


def load(path: str | os.PathLike[str], options: ReadingOptions = DEFAULT) -> Configuration:
    """Load a file. Blocks. Raises ConfigError; UnreadableFileError if the file has no text."""
    file = os.fspath(path)
    return parse(read_file(file), file, socket.gethostname(), options)


def load_with_places(
    path: str | os.PathLike[str], options: ReadingOptions = DEFAULT
) -> tuple[Configuration, Callable[[Path], str]]:
    """Load a file as ``load`` does. Also return a function that returns the place of a path."""
    file = os.fspath(path)
    document = load_document(read_file(file), file, socket.gethostname(), options).document
    return _configuration(document, file, socket.gethostname()), document.place


def load_with_notes(
    path: str | os.PathLike[str], options: ReadingOptions = DEFAULT
) -> tuple[Configuration, tuple[str, ...]]:
    """Load a file as ``load`` does, with notes about values that are probably not intended."""
    file = os.fspath(path)
    document, notes = load_document(read_file(file), file, socket.gethostname(), options)
    found = (*group_notes(notes), *format_notes(document.value, document.place))
    return _configuration(document, file, socket.gethostname()), found


def parse(
    data: bytes, file: str, host_name: str, options: ReadingOptions = DEFAULT
) -> Configuration:
    """Parse the bytes of a file. Raises ConfigError with every fault."""
    document = load_document(data, file, host_name, options).document
    return _configuration(document, file, host_name)


def load_reading(path: str | os.PathLike[str], options: ReadingOptions) -> Loaded:
    """Read a file into a document, with notes. Blocks. Raises ConfigError."""
    file = os.fspath(path)
    return load_document(read_file(file), file, socket.gethostname(), options)


def check_document(document: Document, file: str) -> None:
    """Raise ConfigError with every fault of a document. The document stays as it is."""
    copied = Document(file, copy.deepcopy(document.value), document.position, document.faults)
    _configuration(copied, file, socket.gethostname())


def load_document(
    data: bytes, file: str, host_name: str, options: ReadingOptions = DEFAULT
) -> Loaded:
    """Read the bytes of a YAML file or of a keepalived.conf. Raises ConfigError."""
    if len(data) <= FILE_BYTES_MAX and is_keepalived(data):
        found = read(data, file, IncludedFiles(), keepalived_options(options, host_name))
        return Loaded(found.document, found.notes)
    return Loaded(read_document(decode(data, file), file), ())


def keepalived_options(options: ReadingOptions, host_name: str) -> Options:
    """Return the options of the readers of other formats, with the facts about this host."""
    own_id = host_name.partition(".")[0]
    return Options(
        config_id=own_id if options.config_id is None else options.config_id,
        accepted=options.accepted,
        strict=options.strict,
        own_defaults=options.own_defaults,
        script_user=KEEPALIVED_SCRIPT_USER if _has_user(KEEPALIVED_SCRIPT_USER) else "root",
    )


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _configuration(document: Document, file: str, host_name: str) -> Configuration:
    _refuse_hopeless(document, file)
    faults = list(document.faults)
    unexplained = 0
    try:
        root: Root | None = Root.model_validate(document.value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # Suggestions for thousands of unknown keys would take minutes.
        unexplained = max(0, len(errors) - FAULTS_MAX)
        faults += explain(errors[:FAULTS_MAX], document, Root)
        # To look for further faults beside so many takes long, and nobody needs them.
        many = len(errors) > ERRORS_MAX
        root = None if many else _without_faults(document.value, errors)
    if root is not None:
        known = {fault.place for fault in faults}
        for finding in findings(root):
            fault = Fault(document.place(finding.path), prefix_path(*finding))
            if fault.place not in known:
                faults.append(fault)
            if len(faults) > ERRORS_MAX:
                rest = Fault(file, "further faults are not shown, and the rest is not checked")
                raise ConfigError([*faults[:FAULTS_MAX], rest])
    if faults or root is None:
        raise ConfigError(_limit(faults, unexplained, file))
    return replace(
        build(root, host_name),
        needed_interfaces=needed_interfaces(root, document.place),
        needed_scripts=needed_scripts(root, document.place),
        unheld_addresses=unheld_addresses(root, document.place),
        warnings=warnings(root, document.place),
    )


def _refuse_hopeless(document: Document, file: str) -> None:
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
            rest = Fault(file, "further faults are not shown, and the rest is not checked")
            raise ConfigError([*document.faults, *faults, rest]) from None


def _shorten(value: Any, most: int) -> Any:
    """Return the value with at most so many elements in each list; the same value if it has."""
    if isinstance(value, dict):
        short = {key: _shorten(each, most) for key, each in value.items()}
        return value if all(short[key] is each for key, each in value.items()) else short
    if isinstance(value, list):
        elements = [_shorten(each, most) for each in value[:most]]
        same = len(elements) == len(value) and all(map(is_, elements, value))
        return value if same else elements
    return value


def read_file(file: str) -> bytes:
    """Return the bytes of a file, one more than permitted at most. Raises UnreadableFileError."""
    try:
        # With O_NONBLOCK, open() returns at once if the file is a pipe or a terminal.
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise UnreadableFileError([Fault(file, "the file is not a regular file")])
            return opened.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        # ValueError: the name of the file has a zero byte.
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError([Fault(file, f"the file cannot be read: {reason}")]) from error


def _without_faults(value: object, errors: Iterable[ErrorDetails]) -> Root | None:
    """Return the file without its faulty parts; None if the rest is faulty too.

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


def _limit(faults: list[Fault], unexplained: int, file: str) -> list[Fault]:
    """Return the first FAULTS_MAX faults, and the number of the others.

    Those of the file come first, then those of other files by name, each in the order of the lines.
    """
    faults.sort(key=lambda fault: _order(fault, file))
    left_out = max(0, len(faults) - FAULTS_MAX) + unexplained
    if left_out:
        return [*faults[:FAULTS_MAX], Fault(file, f"{left_out} more faults are not shown")]
    return faults


def _order(fault: Fault, file: str) -> tuple[bool, str, tuple[int, int]]:
    name, line, column = split_place(fault.place)
    return name != file, name, (line or 0, column or 0)
