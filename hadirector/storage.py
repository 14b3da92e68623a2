"""Opens regular files, and stores the small files that must survive a restart of the director."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

SIZE_MAX = 64 * 1024 * 1024
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
Content = TypeVar("Content", bound=msgspec.Struct)


class StateError(Exception):
    """The file exists but cannot be used. The message has its name and the reason."""


class IrregularFileError(OSError):
    """The file is neither a regular file nor a directory."""


@cache
def boot_id() -> str:
    """Return the id of this boot; empty if the kernel does not have it."""
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def read(path: Path, kind: type[Content]) -> Content | None:
    """Return the content of the file, or None if there is no file. Raises StateError.

    A symbolic link is not followed. A pipe or a device is refused and does not block the director.
    """
    try:
        with open_regular_file(path, follow_links=False) as file:
            if os.fstat(file.fileno()).st_size > SIZE_MAX:
                raise StateError(f"{path}: larger than {SIZE_MAX} bytes")
            return msgspec.json.decode(file.read(), type=kind)
    except FileNotFoundError:
        return None
    except IrregularFileError as error:
        raise StateError(f"{path}: not a regular file") from error
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError, MemoryError) as error:
        raise StateError(f"{path}: {error}") from error


def open_regular_file(path: str | Path, *, follow_links: bool = True) -> BinaryIO:
    """Open a file for reading. A pipe or a device is refused and does not block the caller.

    Raises IrregularFileError, other errors as OSError, and ValueError if the path has a zero byte.
    """
    # With O_NONBLOCK, open() returns at once if the file is a pipe or a terminal.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise IrregularFileError(errno.EINVAL, "not a regular file")
        return open(descriptor, "rb")
    except OSError:
        os.close(descriptor)
        raise


def store(path: Path, content: msgspec.Struct) -> None:
    """Replace the file atomically, so that a crash leaves the old or the new content.

    The file is not synced to the disk. It is on a file system that a power loss empties together
    with the kernel state that the file describes. Raises OSError.
    """
    path.parent.mkdir(mode=0o755, exist_ok=True)
    unfinished = path.with_suffix(".new")
    with _create(unfinished) as file:
        file.write(msgspec.json.format(msgspec.json.encode(content)))
    os.replace(unfinished, path)


def store_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Replace the file as ``store`` does, with a content that is too large to encode in one step.

    Call this function in a thread: other threads run between the pieces. Raises OSError.
    """
    path.parent.mkdir(mode=0o755, exist_ok=True)
    unfinished = path.with_suffix(".new")
    with _create(unfinished) as file:
        file.writelines(pieces)
    os.replace(unfinished, path)


def store_durably(path: Path, content: msgspec.Struct) -> None:
    """Replace the file atomically and durably: the new content survives a power loss.

    The function blocks until the disk has stored the content (fsync(2)). Raises OSError.
    """
    store_bytes_durably(path, msgspec.json.format(msgspec.json.encode(content)))


def store_bytes_durably(path: Path, content: bytes) -> None:
    """Replace the file as ``store_durably`` does, with these bytes. Raises OSError."""
    unfinished = path.with_suffix(".new")
    with _create(unfinished) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Write the names of the files in a directory to the disk (fsync(2)). Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(path: Path) -> BinaryIO:
    """Create a file that only its owner may read, after removing an existing file of that name."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    return open(os.open(path, flags, 0o600), "wb")


def set_aside(path: Path) -> Path:
    """Rename an unusable file, so that it can be examined. Return its new path. Raises OSError."""
    aside = path.with_suffix(".unusable")
    os.replace(path, aside)
    return aside
