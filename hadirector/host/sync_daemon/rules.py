"""Decides which threads of IPVS's sync daemon run here: the one that sends connections to the other
directors (master), and the one that takes in theirs (backup).

Pure. The kernel has at most one of each in a network namespace.
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
    """Say whether a thread runs as expected; a length that is not given the kernel chooses."""
    length = expected.maximum_length or actual.maximum_length
    return actual == msgspec.structs.replace(expected, maximum_length=length)


def foreign_threads(actual: Threads, wanted: Threads, ours: Threads) -> Threads:
    """Pick the threads that are neither wanted as they are nor ours."""
    return {
        role: settings
        for role, settings in actual.items()
        if not (role in wanted and matches(settings, wanted[role]))
        and not (role in ours and matches(settings, ours[role]))
    }


def thread_operations(
    actual: Threads, wanted: Threads, ours: Threads
) -> Iterator[StartThread | StopThread]:
    """Decide what to stop and, after that, what to start; what is foreign stays as it is."""
    foreign = foreign_threads(actual, wanted, ours)
    stays = {
        role: settings
        for role, settings in actual.items()
        if role in foreign or (role in wanted and matches(settings, wanted[role]))
    }
    for role in actual.keys() - stays.keys():
        yield StopThread(role)
    for role in wanted.keys() - stays.keys():
        yield StartThread(role, wanted[role])


def describe_thread(role: SyncRole, settings: SyncSettings) -> str:
    """Say in one line which thread this is."""
    group = f"[{settings.group}]" if ":" in settings.group else settings.group
    return f"{role} on {settings.interface}, id {settings.id}, {group}:{settings.port}"
