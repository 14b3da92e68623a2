"""Reads and replaces the configuration file of a director.

While an applied configuration waits for its confirmation, a symbolic link beside the file points to
the state directory. The next start therefore finds the archive even if it cannot read the
configuration file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

from hadirector import storage
from hadirector.config.document.errors import FILE_BYTES_MAX
from hadirector.config.reading import DEFAULT, ReadingOptions


class ConfigurationFile(NamedTuple):
    """The path of the configuration file, the options of the start, and the text at the start.

    ``text`` is None if the file cannot be read.
    """

    path: Path
    options: ReadingOptions = DEFAULT
    text: bytes | None = None


def read_text(path: Path) -> bytes | None:
    """Return the bytes of a file; None if it is missing, unreadable, too large, or not a file."""
    try:
        with storage.open_regular_file(path) as file:
            text = file.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError):
        return None
    return text if len(text) <= FILE_BYTES_MAX else None


def hash_text(text: bytes) -> str:
    """Return the SHA-256 of a text in hexadecimal digits."""
    return hashlib.sha256(text).hexdigest()


def replace_text(path: Path, text: bytes) -> None:
    """Replace the file atomically and durably. Owner, mode and extended attributes stay.

    If the path is a symbolic link, the file that it points to is replaced. Raises OSError, and then
    the file has its former content.
    """
    target = path.resolve()
    unfinished = target.with_name(f".{target.name}.new")
    unfinished.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(unfinished, flags, 0o600), "wb") as file:
            file.write(text)
            if target.exists():
                _copy_permissions(target, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    # A power loss may now bring the former file back, and the next start handles that.
    with contextlib.suppress(OSError):
        storage.sync_directory(target.parent)


def _copy_permissions(source: Path, descriptor: int) -> None:
    """Give a new file the owner, mode and extended attributes of another file. Raises OSError."""
    status = source.stat()
    new = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
    for name in os.listxattr(source):
        # Another file system, or the kernel, may not let us set an attribute such as a label.
        with contextlib.suppress(OSError):
            os.setxattr(descriptor, name, os.getxattr(source, name))


def mark_pending(path: Path, state_directory: Path) -> None:
    """Create a link beside the file that points to the state directory. Raises OSError."""
    marker = _marker(path)
    unfinished = marker.with_name(f"{marker.name}.new")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(state_directory.absolute())
    os.replace(unfinished, marker)
    storage.sync_directory(marker.parent)


def unmark_pending(path: Path) -> None:
    """Remove the link. Raises OSError."""
    marker = _marker(path)
    if marker.is_symlink():
        marker.unlink()
        storage.sync_directory(marker.parent)


def marked_state_directory(path: Path) -> Path | None:
    """Return the state directory that the link points to, or None without a link."""
    try:
        return Path(os.readlink(_marker(path)))
    except OSError:
        return None


def _marker(path: Path) -> Path:
    target = path.resolve()
    return target.with_name(f".{target.name}.unconfirmed")
