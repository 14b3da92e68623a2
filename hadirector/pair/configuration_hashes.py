"""Hashes of the configuration, by section, so that directors can compare it. Pure.

Two things are left out. Secrets, because a reader of a hash could test guesses. And values that
differ on purpose between the hosts of a pair: names of interfaces, own addresses, priorities, and
files of the host. A default value does not count. So a key of a later version changes no hash while
no configuration uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from functools import cache
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec.structs import FieldInfo

from hadirector.config.document.secrets import SECRET_KEYS
from hadirector.model.configuration import Configuration
from hadirector.pair.state import ConfigurationHashes
from vrrp.model.configuration import Secret

HASH_BYTES: Final = 6
_LEFT_OUT: Final[Mapping[str, frozenset[str]]] = {
    "Announcement": frozenset({"engine_socket", "device", "reluctant_device"}),
    "CheckDefinition": frozenset({"identity"}),
    "HmacAuthentication": frozenset({"keys", "send_key", "sequence_file"}),
    "InstanceConfiguration": frozenset({"priority", "interface", "virtual_mac"}),
    "Multicast": frozenset({"source"}),
    "Pair": frozenset({"address", "port", "certificate", "key", "peers"}),
    "PassAuthentication": frozenset({"password"}),
    "Route": frozenset({"source", "interface"}),
    "Source": frozenset({"token_file", "ca_file"}),
    "SyncSettings": frozenset({"interface"}),
    "UdpUnicast": frozenset({"source", "peers"}),
    "Unicast": frozenset({"source", "peers"}),
}
"""The fields that do not count, by the type of the value."""
_SETTINGS: Final = ("dataplane", "on_stop", "realtime", "limits", "observing")
_SECTIONS: Final = (
    "sync_daemon",
    "sysctls",
    "connection_timeouts",
    "tracked_scripts",
    "tracked_processes",
    "notifications",
    "pair",
)


def hash_sections(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """Yield the name and the hash of each section of a configuration.

    A virtual server and a VRRP instance are a section each. 10,000 real servers take half a second
    in all, so the caller should pause in between.
    """
    yield "director", _hash([getattr(configuration, name) for name in _SETTINGS])
    for name in _SECTIONS:
        yield name, _hash(getattr(configuration, name))
    if configuration.announce is not None:
        yield "announce", _hash(configuration.announce)
    for source in configuration.sources:
        yield f"source/{source.name}", _hash(source)
    if configuration.alerts:
        yield "alerts", _hash(configuration.alerts)
    for instance in configuration.vrrp:
        yield f"vrrp/{instance.name}", _hash(instance)
    for server in configuration.virtual_servers:
        yield f"virtual_server/{server.name}", _hash(server)


def join_hashes(sections: Mapping[str, str]) -> ConfigurationHashes:
    """Return the hashes of these sections with the hash of the whole."""
    return ConfigurationHashes(_hash(dict(sections)), dict(sections))


def _hash(value: object) -> str:
    content = msgspec.json.encode(_canonical(value), order="sorted")
    return blake2b(content, digest_size=HASH_BYTES).hexdigest()


def _canonical(value: object) -> object:
    """Return a value of lists, dictionaries and scalars, without the parts that do not count."""
    match value:
        case Secret():
            return None
        case msgspec.Struct():
            return [type(value).__name__, dict(_fields(value))]
        case Mapping():
            return {str(key): _canonical(each) for key, each in value.items()}
        case tuple() | list():
            return [_canonical(each) for each in value]
        case Set():
            return sorted(map(str, value))
        case _:
            return value if isinstance(value, str | int | float | None) else str(value)


@cache
def _describe(kind: type[msgspec.Struct]) -> tuple[FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _fields(value: msgspec.Struct) -> Iterator[tuple[str, object]]:
    """Yield the fields of a value that count."""
    left_out = _LEFT_OUT.get(type(value).__name__, frozenset())
    for field in _describe(type(value)):
        found = getattr(value, field.name)
        left_out_too = field.name in left_out or field.name in SECRET_KEYS
        if left_out_too or found == field.default:
            continue
        content = _canonical(found)
        if content != _canonical(field.default):
            yield field.name, content
