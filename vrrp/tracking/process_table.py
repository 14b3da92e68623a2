"""Which running processes match which patterns, kept up to date by events of the kernel. Pure."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from vrrp.model.tracked_process import ArgumentsMatch, ProcessPattern
from vrrp.tracking.process_events import Event, Exec, Exit, Fork, Rename


class Identity(NamedTuple):
    """The content of /proc/PID/comm and of /proc/PID/cmdline (proc(5)).

    Each word of the command line ends in a zero byte. The command line of a kernel thread is empty.
    """

    name: bytes
    command_line: bytes = b""


class Patterns:
    """The patterns of a configuration, as bytes."""

    def __init__(self, patterns: Iterable[ProcessPattern]) -> None:
        self.patterns = tuple(dict.fromkeys(patterns))
        self._names = {os.fsencode(each.name) for each in self.patterns if each.name}
        self._any_name = any(not each.name for each in self.patterns)
        self._names_with_arguments = {
            os.fsencode(each.name) for each in self.patterns if each.arguments is not None
        }

    def may_match(self, name: bytes) -> bool:
        """Return whether a process with this name can match a pattern."""
        return self._any_name or name in self._names

    def needs_command_line(self, name: bytes) -> bool:
        """Return whether the command line of a process with this name must be read.

        Reading a command line reads the memory of the process, which may have been swapped out.
        """
        return self._any_name or name in self._names_with_arguments

    def find(self, identity: Identity) -> frozenset[ProcessPattern]:
        """Return the patterns that a process matches."""
        return frozenset(each for each in self.patterns if matches(each, identity))


def matches(pattern: ProcessPattern, identity: Identity) -> bool:
    """Return whether a process matches a pattern."""
    if pattern.name and os.fsencode(pattern.name) != identity.name:
        return False
    command, end, arguments = identity.command_line.partition(b"\0")
    if pattern.command and (not end or os.fsencode(pattern.command) != command):
        return False
    return pattern.arguments is None or _has_arguments(pattern, pattern.arguments, arguments)


def _has_arguments(pattern: ProcessPattern, words: tuple[str, ...], found: bytes) -> bool:
    wanted = b"".join(os.fsencode(word) + b"\0" for word in words)
    match pattern.arguments_match:
        case ArgumentsMatch.EXACT:
            return found == wanted
        case ArgumentsMatch.FIRST:
            return found.startswith(wanted)
        case ArgumentsMatch.PREFIX:
            return found.startswith(wanted.removesuffix(b"\0"))


class ProcessTable:
    """The matching processes by their ids."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._found: dict[int, frozenset[ProcessPattern]] = {}

    @property
    def pids(self) -> Collection[int]:
        """The ids of the matching processes."""
        return self._found.keys()

    def counts(self) -> Mapping[ProcessPattern, int]:
        """Return the number of processes of each pattern."""
        counts = Counter(pattern for found in self._found.values() for pattern in found)
        return {pattern: counts[pattern] for pattern in self._patterns.patterns}

    def replace(self, processes: Mapping[int, Identity]) -> None:
        """Replace the table by these processes: all running processes that may match."""
        self._found = {}
        for pid, identity in processes.items():
            self.update(pid, identity)

    def update(self, pid: int, identity: Identity | None) -> None:
        """Replace the entry of a process. Remove it if ``identity`` is None."""
        found = frozenset[ProcessPattern]() if identity is None else self._patterns.find(identity)
        if found:
            self._found[pid] = found
        else:
            self._found.pop(pid, None)

    def apply(self, events: Iterable[Event]) -> list[int]:
        """Apply events in their order. Return the ids of the processes that must be read."""
        unread: dict[int, None] = {}
        for event in events:
            match event:
                # Until it executes another program, a child is what its parent is.
                case Fork(parent, child) if parent in unread:
                    unread[child] = None
                case Fork(parent, child) if parent in self._found:
                    self._found[child] = self._found[parent]
                case Exit(pid):
                    unread.pop(pid, None)
                    self._found.pop(pid, None)
                case Exec(pid):
                    unread[pid] = None
                case Rename(pid, name) if pid in self._found or self._patterns.may_match(name):
                    unread[pid] = None
        return list(unread)
