"""Loads a configuration file: bytes, text, plain values, sections, rules, model."""

from __future__ import annotations

import os
import re
import socket
import stat
from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hadirector.config.build import build
from hadirector.config.document.document import Document, read_document
from hadirector.config.document.errors import ConfigError, Fault, UnreadableFileError
from hadirector.config.document.explain import explain
from hadirector.config.document.finding import Path, named
from hadirector.config.document.syntax import decode
from hadirector.config.interfaces import needed_interfaces
from hadirector.config.rules import findings
from hadirector.config.schema import Root
from hadirector.config.scripts import needed_scripts
from hadirector.config.subprocess.frames import FILE_BYTES_MAX
from hadirector.model.configuration import Configuration

FAULTS_MAX = 1000

_CUT_LISTS = frozenset({"vrrp", "virtual_servers", "real_servers", "track", "sync_groups"})
_CUT_SECTIONS = frozenset({"check", *Root.model_fields})


def load(path: str | os.PathLike[str]) -> Configuration:
    """Load a file. Blocks. Raises ConfigError, or UnreadableFileError when there is no text."""
    file = os.fspath(path)
    return parse(_read(file), file, socket.gethostname())


def load_placed(path: str | os.PathLike[str]) -> tuple[Configuration, Callable[[Path], str]]:
    """Load a file, with what names the place of the value of a path. Otherwise as ``load``."""
    file = os.fspath(path)
    document = read_document(decode(_read(file), file), file)
    return _configuration(document, file, socket.gethostname()), document.place


def parse(data: bytes, file: str, host_name: str) -> Configuration:
    """Make a configuration out of a file's bytes. Raises ConfigError with every fault."""
    return _configuration(read_document(decode(data, file), file), file, host_name)


def _configuration(document: Document, file: str, host_name: str) -> Configuration:
    faults = list(document.faults)
    unexplained = 0
    try:
        root: Root | None = Root.model_validate(document.value)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # Suggestions for thousands of unknown keys would take minutes.
        unexplained = max(0, len(errors) - FAULTS_MAX)
        faults += explain(errors[:FAULTS_MAX], document)
        root = _rest(document.value, errors)
    if root is not None:
        spoilt = {fault.place for fault in faults}
        for finding in findings(root):
            fault = Fault(document.place(finding.path), named(*finding))
            if fault.place not in spoilt:
                faults.append(fault)
    if faults or root is None:
        raise ConfigError(_bounded(faults, unexplained, file))
    return replace(
        build(root, host_name),
        needed_interfaces=needed_interfaces(root, document.place),
        needed_scripts=needed_scripts(root, document.place),
    )


def _read(file: str) -> bytes:
    try:
        # A pipe or a terminal would keep us waiting, and O_NONBLOCK lets open() itself return.
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise UnreadableFileError([Fault(file, "not a regular file")])
            return opened.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        # ValueError: a name with a zero byte in it.
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError([Fault(file, f"cannot be read: {reason}")]) from error


def _rest(value: object, errors: Iterable[ErrorDetails]) -> Root | None:
    """Cut what is faulty out of a value, and take what is left; None when that is faulty too.

    Unknown keys go; otherwise the smallest section or list element around a fault is replaced by
    None. The deepest are cut first, while what is around them still stands.
    """
    if not isinstance(value, dict):
        return None
    for *outer, last in sorted({_cut(each) for each in errors}, key=len, reverse=True):
        container: Any = value
        for step in outer:
            container = container[step]
        if isinstance(container, list) or last in _CUT_SECTIONS:
            container[last] = None
        else:
            del container[last]
    try:
        return Root.model_validate(value)
    except ValidationError:
        return None


def _cut(error: ErrorDetails) -> Path:
    """Find what to cut: an unknown key, the innermost list element or check, a whole section."""
    path = error["loc"]
    if error["type"] == "extra_forbidden":
        return path
    for end in range(len(path), 1, -1):
        in_a_list = path[end - 2] in _CUT_LISTS and isinstance(path[end - 1], int)
        if in_a_list or path[end - 1] == "check":
            return path[:end]
    return path[:1]


def _bounded(faults: list[Fault], unexplained: int, file: str) -> list[Fault]:
    """Put the faults in the order of the file, and only count those that nobody would read."""
    faults.sort(key=_order)
    left_out = max(0, len(faults) - FAULTS_MAX) + unexplained
    if left_out:
        return [*faults[:FAULTS_MAX], Fault(file, f"{left_out} more faults are not shown")]
    return faults


def _order(fault: Fault) -> tuple[int, ...]:
    position = re.search(r":(\d+):(\d+)\Z", fault.place)
    return tuple(map(int, position.groups())) if position else ()
