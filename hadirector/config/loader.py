"""Loads a configuration file: from bytes to text, plain values, sections and the model."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from hadirector.config.build import build
from hadirector.config.document.document import Document, read_document
from hadirector.config.document.errors import (
    FILE_BYTES_MAX,
    ConfigError,
    Fault,
    UnreadableFileError,
)
from hadirector.config.document.finding import Path, prefix_path
from hadirector.config.document.syntax import decode
from hadirector.config.host_needs import needed_interfaces, needed_scripts
from hadirector.config.hosts.check import CheckedHost, check_hosts
from hadirector.config.hosts.choice import choose_host
from hadirector.config.included_directory import include_directory
from hadirector.config.included_files import IncludedFiles
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.read import read
from hadirector.config.keepalived.recognition import is_keepalived
from hadirector.config.keepalived.report import Note, group_notes, summarize_notes
from hadirector.config.notes import format_notes
from hadirector.config.pair.rules import own_findings
from hadirector.config.reading import DEFAULT, ReadingOptions
from hadirector.config.unheld_addresses import unheld_addresses
from hadirector.config.warnings import warnings
from hadirector.model.configuration import Configuration
from hadirector.storage import IrregularFileError, open_regular_file

KEEPALIVED_SCRIPT_USER = "keepalived_script"
"""The user of keepalived's scripts, if the host has this user."""


class Loaded(NamedTuple):
    """A document, and the notes about differences if it was a keepalived.conf."""

    document: Document
    notes: tuple[Note, ...]


class LoadedHost(NamedTuple):
    """The configuration of one host. ``name`` is None for a file without hosts.

    ``own`` is True if a director on this host would use it.
    """

    name: str | None
    configuration: Configuration
    own: bool


def load(path: str | os.PathLike[str], options: ReadingOptions = DEFAULT) -> Configuration:
    """Load a file. Blocks. Raises ConfigError; UnreadableFileError if the file has no text."""
    file = os.fspath(path)
    return parse(read_file(file), file, socket.gethostname(), options)


def load_with_places(
    path: str | os.PathLike[str], options: ReadingOptions = DEFAULT
) -> tuple[Configuration, Callable[[Path], str]]:
    """Load a file as ``load`` does. Also return a function that finds the place of a path."""
    document, notes = load_reading(path, options)
    host = _choose(document, check_hosts(document), socket.gethostname(), options)
    return _build(host, socket.gethostname(), notes), host.document.place


def load_hosts(
    path: str | os.PathLike[str], options: ReadingOptions = DEFAULT
) -> tuple[tuple[LoadedHost, ...], tuple[str, ...]]:
    """Load the configurations of all hosts of a file, or only of the host in the options.

    Also return notes about values that are probably mistakes. Raises ConfigError.
    """
    document, notes = load_reading(path, options)
    hosts, this_host = check_hosts(document), socket.gethostname()
    own: CheckedHost | None = None
    try:
        own = _choose(document, hosts, this_host, options)
    except ConfigError:  # the file has no section for this host
        if options.host is not None:
            raise
    if options.host is not None and own is not None:
        hosts = (own,)
    found = (*group_notes(notes), *format_notes(document.value, document.place))
    return tuple(
        LoadedHost(each.name, _build(each, this_host, notes), each is own) for each in hosts
    ), found


def parse(
    data: bytes, file: str, host_name: str, options: ReadingOptions = DEFAULT
) -> Configuration:
    """Parse the bytes of a file. Raises ConfigError with every fault."""
    document, notes = load_document(data, file, host_name, options)
    return _build(_choose(document, check_hosts(document), host_name, options), host_name, notes)


def load_reading(path: str | os.PathLike[str], options: ReadingOptions) -> Loaded:
    """Read a file into a document, with notes. Blocks. Raises ConfigError."""
    file = os.fspath(path)
    return load_document(read_file(file), file, socket.gethostname(), options)


def check_document(document: Document, options: ReadingOptions = DEFAULT) -> None:
    """Raise ConfigError with every fault of a document. The document is not changed."""
    hosts = check_hosts(document)
    if options.host is not None:
        _choose(document, hosts, socket.gethostname(), options)


def load_document(
    data: bytes, file: str, host_name: str, options: ReadingOptions = DEFAULT
) -> Loaded:
    """Read the bytes of a YAML file or of a keepalived.conf. Raises ConfigError."""
    if len(data) <= FILE_BYTES_MAX and is_keepalived(data):
        files = IncludedFiles()
        found = read(data, file, files, keepalived_options(options, host_name))
        found.document.other_files = tuple(files.names)
        return Loaded(found.document, found.notes)
    document = read_document(decode(data, file), file)
    include_directory(document, len(data), read_file)
    return Loaded(document, ())


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


def _choose(
    document: Document, hosts: Sequence[CheckedHost], host_name: str, options: ReadingOptions
) -> CheckedHost:
    """Return which host of the file the director is. Raises ConfigError."""
    names = [host.name for host in hosts if host.name is not None]
    chosen = choose_host(document, names, options.host, host_name)
    return next(host for host in hosts if host.name == chosen)


def _build(host: CheckedHost, host_name: str, notes: Sequence[Note]) -> Configuration:
    root, place = host.root, host.document.place
    configuration = build(root, host_name, host.name)
    _check_pair(configuration, place)
    return replace(
        configuration,
        needed_interfaces=needed_interfaces(root, place),
        needed_scripts=needed_scripts(root, place),
        unheld_addresses=unheld_addresses(root, place),
        warnings=warnings(root, place),
        other_files=host.document.other_files,
        differences=summarize_notes(notes),
        difference_count=len(notes),
    )


def _check_pair(configuration: Configuration, place: Callable[[Path], str]) -> None:
    """Raise ConfigError if the link to the peers contradicts the name of the director."""
    if configuration.pair is None:
        return
    found = own_findings(("pair",), configuration.pair, configuration.name)
    faults = [Fault(place(each.path), prefix_path(each.path, each.message)) for each in found]
    if faults:
        raise ConfigError(faults)


def read_file(file: str) -> bytes:
    """Return the bytes of a file, one more than permitted at most. Raises UnreadableFileError."""
    try:
        with open_regular_file(file) as opened:
            return opened.read(FILE_BYTES_MAX + 1)
    except IrregularFileError as error:
        raise UnreadableFileError([Fault(file, "the file is not a regular file")]) from error
    except (OSError, ValueError) as error:
        # ValueError: the name of the file has a zero byte.
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError([Fault(file, f"the file cannot be read: {reason}")]) from error
