"""Decides which threads of the IPVS sync daemon run on this host.

The master thread sends connections to the other directors, the backup thread receives theirs. The
kernel runs at most one thread per role in a network namespace. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from hadirector.model.configuration import SyncDaemon
from hadirector.model.ipvs import StartThread, StopThread, SyncRole, SyncSettings
from vrrp.model.report import State

Threads = Mapping[SyncRole, SyncSettings]


def wanted_threads(daemon: SyncDaemon | None, states: Mapping[str, State]) -> Threads:
    """Decide which threads should run, from the states of the VRRP instances."""
    if daemon is None:
        return {}
    if daemon.instance is None:
        return dict.fromkeys(SyncRole, daemon.settings)
    active = states.get(daemon.instance) is State.ACTIVE
    return {SyncRole.MASTER if active else SyncRole.BACKUP: daemon.settings}


def matches(actual: SyncSettings, expected: SyncSettings) -> bool:
    """Return whether a thread has the expected settings.

    Without an expected ``maximum_length``, any value matches, because the kernel chose it.
    """
    length = expected.maximum_length or actual.maximum_length
    return actual == msgspec.structs.replace(expected, maximum_length=length)


def foreign_threads(actual: Threads, wanted: Threads, owned: Threads) -> Threads:
    """Return the threads whose settings match neither a wanted nor an owned thread."""
    return {
        role: settings
        for role, settings in actual.items()
        if not (role in wanted and matches(settings, wanted[role]))
        and not (role in owned and matches(settings, owned[role]))
    }


def thread_operations(
    actual: Threads, wanted: Threads, owned: Threads
) -> Iterator[StartThread | StopThread]:
    """Decide which threads to stop and then which to start. Foreign threads keep running."""
    foreign = foreign_threads(actual, wanted, owned)
    unchanged = {
        role
        for role, settings in actual.items()
        if role in foreign or (role in wanted and matches(settings, wanted[role]))
    }
    for role in actual.keys() - unchanged:
        yield StopThread(role)
    for role in wanted.keys() - unchanged:
        yield StartThread(role, wanted[role])


def describe_thread(role: SyncRole, settings: SyncSettings) -> str:
    """Describe a thread in one line."""
    group = f"[{settings.group}]" if ":" in settings.group else settings.group
    return f"{role} on {settings.interface}, id {settings.id}, {group}:{settings.port}"
