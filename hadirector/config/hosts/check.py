"""Checks a file with the key ``hosts`` once for each host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hadirector.config.document.document import Document
from hadirector.config.document.errors import ConfigError, Fault
from hadirector.config.hosts.merge import HOSTS, split_hosts
from hadirector.config.schema import Root
from hadirector.config.validation import limit, validate


class CheckedHost(NamedTuple):
    """A host whose configuration has no fault. ``name`` is None for a file without ``hosts``."""

    name: str | None
    document: Document
    root: Root


def check_hosts(document: Document) -> tuple[CheckedHost, ...]:
    """Check the configuration of each host. Raises ConfigError with the faults of all hosts."""
    try:
        return _check_hosts(document)
    except ConfigError as error:
        raise ConfigError(document.name_includes(error.faults)) from error


def _check_hosts(document: Document) -> tuple[CheckedHost, ...]:
    checked: list[CheckedHost] = []
    faults: dict[str | None, tuple[Fault, ...]] = {}
    hosts = split_hosts(document)
    for name, merged in hosts:
        try:
            checked.append(CheckedHost(name, merged, validate(merged)))
            faults[name] = ()
        except ConfigError as error:
            faults[name] = error.faults
            if len(hosts) == 1:
                raise
    if len(checked) < len(hosts):
        raise ConfigError(limit(_unite(faults), 0, document.file))
    return tuple(checked)


def _unite(faults: Mapping[str | None, Sequence[Fault]]) -> list[Fault]:
    """Return the faults of all hosts. A fault that not all hosts have names its host."""
    hosts = Counter(fault for found in faults.values() for fault in set(found))
    shared = [fault for fault, number in hosts.items() if number == len(faults)]
    own = [
        _of_host(name, fault)
        for name, found in faults.items()
        for fault in found
        if hosts[fault] < len(faults)
    ]
    return [*shared, *own]


def _of_host(name: str | None, fault: Fault) -> Fault:
    if fault.message.startswith(f"{HOSTS}."):
        return fault  # the path has the name
    return Fault(fault.place, f"host {name}: {fault.message}")
