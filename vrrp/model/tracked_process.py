"""Tracked processes: which processes count, and how many of them are enough."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from vrrp.model.configuration import TrackedKey

PROCESSES_MAX = 65535
"""The greatest number of processes in a configuration."""


class ArgumentsMatch(StrEnum):
    """How the arguments of a process are compared.

    With ``FIRST``, the process may have more arguments. With ``PREFIX``, its last compared argument
    may also be longer.
    """

    EXACT = "exact"
    FIRST = "first"
    PREFIX = "prefix"


class ProcessPattern(msgspec.Struct, frozen=True, kw_only=True):
    """The processes that count, by their name, command and arguments.

    ``name`` is the name in /proc/PID/comm. ``command`` is the first word of /proc/PID/cmdline. An
    empty text stands for any. ``arguments`` are the other words; None stands for any.
    """

    name: str = ""
    command: str = ""
    arguments: tuple[str, ...] | None = None
    arguments_match: ArgumentsMatch = ArgumentsMatch.EXACT


class TrackedProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A tracked object that is up while the number of its processes is in a range.

    ``at_most`` is None for no limit. A change counts when it has lasted ``up_delay`` or
    ``down_delay`` seconds.
    """

    key: TrackedKey
    pattern: ProcessPattern
    at_least: int = 1
    at_most: int | None = None
    up_delay: float = 0.0
    down_delay: float = 0.0

    def is_enough(self, count: int) -> bool:
        """Return whether ``count`` processes make the object up."""
        return self.at_least <= count and (self.at_most is None or count <= self.at_most)
