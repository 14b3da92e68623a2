"""Merges each section of the key ``hosts`` into the rest of the file. Pure.

The section of a host has the same form as the file, and has only the values that differ. A mapping
is merged key by key. The items of ``vrrp``, ``sync_groups`` and ``virtual_servers`` are found by
their names. Any other value, also a list, replaces the value of the file. The schema and the rules
check the merged documents, so that a fault in the section of any host is found, at its own place.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Final, NamedTuple

from hadirector.config.document.document import Document, Position
from hadirector.config.document.errors import Fault, quote
from hadirector.config.document.finding import Path, prefix_path, wrong
from hadirector.config.document.secrets import quote_value

HOSTS: Final = "hosts"
HOSTS_MAX: Final = 16
"""Most hosts of a file. Each host costs one more check of the whole file."""
NAMED_LISTS: Final = ("vrrp", "sync_groups", "virtual_servers")
"""The lists whose items a host addresses by their names."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.:@\[\]-]{1,64}")
_FORBIDDEN: Final = {
    HOSTS: "the section of a host cannot contain hosts",
    "include_dir": "write include_dir at the top of the file; it is the same for all hosts",
}


class HostDocument(NamedTuple):
    """The merged document of one host. ``name`` is None if the file has no key ``hosts``."""

    name: str | None
    document: Document


def split_hosts(document: Document) -> tuple[HostDocument, ...]:
    """Return the merged document of each host, or the document itself if the file has no hosts.

    A fault in the form of a section is in the document of its host. A fault of ``hosts`` itself
    is in a document without a name.
    """
    value = document.value
    if not isinstance(value, dict) or HOSTS not in value:
        return (HostDocument(None, document),)
    hosts = value[HOSTS]
    if fault := _hosts_fault(hosts, document):
        return (HostDocument(None, _without_hosts(document, [fault])),)
    return tuple(HostDocument(name, _Merge(document, name).merge()) for name in hosts)


def director_name(document: Document) -> str | None:
    """Return the value of ``director.name`` in the file, unless it is faulty."""
    assert isinstance(document.value, dict)
    director = document.value.get("director")
    name = director.get("name") if isinstance(director, dict) else None
    return name if isinstance(name, str) else None


def _hosts_fault(hosts: object, document: Document) -> Fault | None:
    """Return the fault of ``hosts`` itself, or of a ``director.name`` without a section."""
    place = document.place((HOSTS,))
    if not isinstance(hosts, dict) or not hosts:
        found = "an empty mapping" if hosts == {} else quote(hosts)
        return Fault(place, prefix_path((HOSTS,), wrong(found, "a mapping of host names")))
    if len(hosts) > HOSTS_MAX:
        message = f"too many hosts (got {len(hosts)}, expected at most {HOSTS_MAX})"
        return Fault(place, prefix_path((HOSTS,), message))
    for name in hosts:
        if not _NAME.fullmatch(name):
            message = wrong(quote(name), "a name of letters, digits and _.:@[]-")
            return Fault(document.key_place((HOSTS, name)), prefix_path((HOSTS,), message))
    own = director_name(document)
    if own is not None and own not in hosts:
        path = ("director", "name")
        expected = f"the name of a host in {HOSTS}: {', '.join(hosts)}"
        return Fault(document.place(path), prefix_path(path, wrong(quote(own), expected)))
    return None


def _without_hosts(document: Document, faults: list[Fault]) -> Document:
    assert isinstance(document.value, dict)
    value = {key: each for key, each in document.value.items() if key != HOSTS}
    found = Document(document.file, value, document.position, [*document.faults, *faults])
    found.other_files = document.other_files
    return found


class _Merge:
    """Merges the section of one host into the file. The values of the file stay as they are."""

    def __init__(self, document: Document, name: str) -> None:
        self._document = document
        self._name = name
        self._faults: list[Fault] = []

    def merge(self) -> Document:
        base = _without_hosts(self._document, [])
        position = _copy(base.position)
        section = self._section(self._document.value)
        for key, change in section.items():
            if reason := _FORBIDDEN.get(key):
                self._fault((key,), reason)
            elif key in NAMED_LISTS:
                self._merge_items(key, change, base.value, position)
            else:
                self._merge_value(key, change, (key,), base.value, position)
        base.position = position
        base.faults += self._faults
        return base

    def _section(self, root: Any) -> dict[str, Any]:
        section = root[HOSTS][self._name]
        if not isinstance(section, dict):
            self._fault((), wrong(quote(section), "a mapping of the values that differ"))
            return {}
        director = section.get("director")
        if isinstance(director, dict) and "name" in director:
            message = (
                f"leave the name out: the name of the section, {self._name}, is the name of"
                " the director"
            )
            self._fault(("director", "name"), message)
        return section

    def _merge_value(
        self, key: Any, change: Any, path: Path, value: Any, position: Position
    ) -> None:
        """Merge one value into a mapping or list that this host has for itself."""
        changed = self._position(path)
        inner = value[key] if isinstance(value, list) else value.get(key)
        if not (isinstance(change, dict) and isinstance(inner, dict)):
            value[key], position.children[key] = change, changed
            return
        value[key] = inner = dict(inner)
        position.children[key] = own = _copy(position.children[key])
        for name, each in change.items():
            self._merge_value(name, each, (*path, name), inner, own)

    def _merge_items(self, key: str, change: Any, value: Any, position: Position) -> None:
        """Merge the changes of named items into their list."""
        if not isinstance(change, dict):
            found = quote_value((key,), change)
            self._fault((key,), wrong(found, "a mapping of names: {NAME: {KEY: VALUE}}"))
            return
        if not isinstance(value.get(key, []), list):
            return  # a fault of the file itself
        value[key] = items = list(value.get(key, []))
        position.children[key] = own = _copy(position.children.get(key, position))
        names = {
            item["name"]: index
            for index, item in reversed(list(enumerate(items)))
            if isinstance(item, dict) and isinstance(item.get("name"), str)
        }
        for name, each in change.items():
            path = (key, name)
            if name not in names:
                self._fault(path, _unknown(name, list(names)), at_key=True)
            elif not isinstance(each, dict):
                self._fault(path, wrong(quote_value(path, each), "a mapping"))
            else:
                self._merge_value(names[name], each, path, items, own)

    def _position(self, path: Path) -> Position:
        position = self._document.position
        for step in (HOSTS, self._name, *path):
            position = position.children[step]
        return position

    def _fault(self, path: Path, message: str, *, at_key: bool = False) -> None:
        whole = (HOSTS, self._name, *path)
        place = self._document.key_place(whole) if at_key else self._document.place(whole)
        self._faults.append(Fault(place, prefix_path(whole, message)))


def _copy(position: Position) -> Position:
    copied = Position(position.mark, position.key, position.file)
    copied.children.update(position.children)
    return copied


def _unknown(name: str, known: list[str]) -> str:
    """Return the message for a name that no item of the list in the file has."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"the file has no item with this name, did you mean {quote(close[0])}?"
    listed = ", ".join(known) if known else "no names"
    return f"the file has no item with this name (it has {listed})"
