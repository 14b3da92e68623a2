"""Loads ldirectord.cf and saved IPVS tables, which only `hadirector convert` reads."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection
from typing import Final, Literal

from hadirector.config.document.errors import FILE_BYTES_MAX, Fault, UnreadableFileError
from hadirector.config.document.syntax import decode
from hadirector.config.keepalived.ipvsadm.rules import read_rules
from hadirector.config.keepalived.ipvsadm.table import CheckType, translate_table
from hadirector.config.keepalived.ldirectord.document import translate_document
from hadirector.config.keepalived.ldirectord.names import Names, find_names
from hadirector.config.keepalived.ldirectord.syntax import read_lines
from hadirector.config.keepalived.node import mapping, sequence
from hadirector.config.keepalived.read import Reading, finish
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.place import Place
from hadirector.config.loader import Loaded, keepalived_options, load_document, read_file
from hadirector.config.reading import ReadingOptions

Format = Literal["keepalived", "ldirectord", "ipvsadm"]

_LDIRECTORD: Final = re.compile(rb"^virtual6?[ \t]*=", re.MULTILINE)
_IPVSADM: Final = re.compile(rb"\A(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*(?:-[ACa]|--(?:add|clear))\b")


def recognize(data: bytes) -> Format:
    """Return the format of a file. YAML is the format if no other format is recognized."""
    if _IPVSADM.match(data):
        return "ipvsadm"
    return "ldirectord" if _LDIRECTORD.search(data) else "keepalived"


def load_to_convert(
    path: str | os.PathLike[str],
    form: Format | None,
    check: CheckType,
    options: ReadingOptions,
) -> Loaded:
    """Read a file of any format into a document, with notes. Blocks. Raises ConfigError.

    ``form`` is the format; with None it is recognized. ``check`` is the check of the real
    servers of a saved table, which has no checks.
    """
    file = os.fspath(path)
    data = read_file(file)
    if len(data) > FILE_BYTES_MAX:
        message = f"the file is too large (expected at most {FILE_BYTES_MAX} bytes)"
        raise UnreadableFileError([Fault(file, message)])
    match form or recognize(data):
        case "ldirectord":
            reading = _read_ldirectord(decode(data, file), file, options)
        case "ipvsadm":
            reading = _read_ipvsadm(decode(data, file), file, check, options)
        case "keepalived":
            return load_document(data, file, socket.gethostname(), options)
    return Loaded(reading.document, reading.notes)


def _read_ldirectord(text: str, file: str, options: ReadingOptions) -> Reading:
    report = Report()
    known = keepalived_options(options, socket.gethostname())
    root = read_lines(text, file, report)
    node = translate_document(root, file, _resolve(*find_names(root)), report, known)
    return finish(node, report, known)


def _read_ipvsadm(text: str, file: str, check: CheckType, options: ReadingOptions) -> Reading:
    report = Report()
    servers = translate_table(read_rules(text, file, report), report, check)
    place = Place(file, 1, 1)
    node = mapping(place, {"virtual_servers": sequence(place, servers)})
    return finish(node, report, keepalived_options(options, socket.gethostname()))


def _resolve(hosts: Collection[tuple[str, bool]], services: Collection[str]) -> Names:
    """Look up the names of hosts and services. Unknown names are left out."""
    addresses = {(name, ipv6): _address(name, ipv6=ipv6) for name, ipv6 in hosts}
    ports = {name: _port(name) for name in services}
    return Names(
        {key: address for key, address in addresses.items() if address is not None},
        {name: port for name, port in ports.items() if port is not None},
    )


def _address(name: str, *, ipv6: bool) -> str | None:
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return str(found[0][4][0])


def _port(name: str) -> int | None:
    try:
        return socket.getservbyname(name)
    except OSError:
        return None
