"""Reads which processes run, from /proc."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from vrrp.tracking.process_table import Identity, Patterns

PROC: Final = Path("/proc")
_GONE: Final = frozenset({b"Z", b"X"})  # zombie and dead (proc(5))


def read_processes(patterns: Patterns, proc: Path = PROC) -> dict[int, Identity]:
    """Return the running processes whose names can match a pattern, by their ids.

    This takes about 20 µs for each process of the host. Raises OSError, for example if this process
    has no file descriptor left.
    """
    found = {}
    for entry in os.listdir(proc):
        if entry.isdecimal():
            identity = read_process(int(entry), patterns, proc)
            if identity is not None:
                found[int(entry)] = identity
    return found


def read_process(pid: int, patterns: Patterns, proc: Path = PROC) -> Identity | None:
    """Return what a process is; None if it has ended, or if its name can match no pattern.

    A process whose files this process may not read counts as ended. Raises OSError.
    """
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        name, state = _parse(_read(f"{proc}/{pid}/stat"))
        if state in _GONE or not patterns.may_match(name):
            return None
        if patterns.needs_command_line(name):
            return Identity(name, _read(f"{proc}/{pid}/cmdline"))
        return Identity(name)
    return None


def _read(path: str) -> bytes:
    # pathlib takes twice as long, and this runs for each program that the host executes.
    with open(path, "rb", buffering=0) as file:
        return file.readall()


def _parse(text: bytes) -> tuple[bytes, bytes]:
    """Return name and state in /proc/PID/stat (proc(5)). The name may contain parentheses."""
    name, _, rest = text.partition(b"(")[2].rpartition(b")")
    return name, rest[1:2]
