"""What must survive a restart of the director, in one small file.

``owned.json`` names the services and sync daemon threads that are ours and what the sysctls were
that we have set, written before each is applied, the VRRP instances that an operator handed over.
Whatever the kernel holds beyond that is foreign.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

import msgspec

SIZE_MAX = 64 * 1024 * 1024
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
Content = TypeVar("Content", bound=msgspec.Struct)


class StateError(Exception):
    """The file is there but cannot be used. The message names it and says why."""


@cache
def boot_id() -> str:
    """Name the boot in which this runs; empty where the kernel does not."""
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def read(path: Path, kind: type[Content]) -> Content | None:
    """Read a file of this kind, or nothing where there is none. Raises StateError."""
    try:
        if path.stat().st_size > SIZE_MAX:
            raise StateError(f"{path}: larger than {SIZE_MAX} bytes")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeError) as error:
        raise StateError(f"{path}: {error}") from error


def store(path: Path, content: msgspec.Struct) -> None:
    """Replace the file in one step, so that a crash leaves the old or the new one.

    Not synced to disk: it lies on a file system that a power loss empties together with the kernel
    table it describes. Raises OSError.
    """
    path.parent.mkdir(mode=0o755, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
    os.replace(unfinished, path)


def store_durably(path: Path, content: msgspec.Struct) -> None:
    """Replace the file in one step, and return when the new one survives a power loss.

    That takes as long as the disk does (fsync(2)). Raises OSError.
    """
    unfinished = path.with_suffix(".new")
    with unfinished.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content)))
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)  # the new name is in it
    finally:
        os.close(directory)


def set_aside(path: Path) -> Path:
    """Move an unusable file out of the way, kept for a person to look at. Raises OSError."""
    kept = path.with_suffix(".unusable")
    os.replace(path, kept)
    return kept
