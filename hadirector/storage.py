"""Reads and writes the small files that must survive a restart of the director."""

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
    """The file exists but cannot be used. The message has its name and the reason."""


@cache
def boot_id() -> str:
    """Return the id of this boot; empty if the kernel has none."""
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def read(path: Path, kind: type[Content]) -> Content | None:
    """Return the content of the file, None if there is no file. Raises StateError."""
    try:
        if path.stat().st_size > SIZE_MAX:
            raise StateError(f"{path}: larger than {SIZE_MAX} bytes")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeError) as error:
        raise StateError(f"{path}: {error}") from error


def store(path: Path, content: msgspec.Struct) -> None:
    """Replace the file atomically, so that a crash leaves the old or the new content.

    The file is not synced to the disk. It is on a file system that a power loss empties together
    with the kernel state that the file describes. Raises OSError.
    """
    path.parent.mkdir(mode=0o755, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
    os.replace(unfinished, path)


def store_durably(path: Path, content: msgspec.Struct) -> None:
    """Replace the file atomically, and return when the new content would survive a power loss.

    The disk decides how long that takes (fsync(2)). Raises OSError.
    """
    unfinished = path.with_suffix(".new")
    with unfinished.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content)))
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)  # it has the new name
    finally:
        os.close(directory)


def set_aside(path: Path) -> Path:
    """Rename an unusable file, so that it can be examined; return its new path. Raises OSError."""
    aside = path.with_suffix(".unusable")
    os.replace(path, aside)
    return aside
