"""Reads the files of the web process, which the process itself may not be able to open."""

from __future__ import annotations

import os
import stat
from typing import Any, Final, NamedTuple

from hadirector.model.web import WebSettings
from vrrp.model.configuration import Secret

FILE_BYTES_MAX: Final = 1024 * 1024
"""The maximum size of a file. A longer file counts as unreadable."""

Version = tuple[tuple[int, int, int] | None, ...]


class WebFiles(NamedTuple):
    """The contents by field of `ConfigureWeb`, and the version that the files had."""

    version: Version
    contents: dict[str, Any]


def read_files(settings: WebSettings, known: WebFiles | None = None) -> WebFiles:
    """Return the files, or ``known`` if no file has changed since. Call it in a thread."""
    paths = _paths(settings)
    version: Version = tuple(map(_version, paths.values()))
    if known is not None and known.version == version:
        return known
    contents = {name: _read(path) for name, path in paths.items()}
    key = contents.get("key")
    return WebFiles(version, {**contents, "key": None if key is None else Secret(key)})


def _paths(settings: WebSettings) -> dict[str, str]:
    tls = settings.tls
    paths = {
        "certificate": None if tls is None else tls.certificate,
        "key": None if tls is None else tls.key,
        "client_ca": None if tls is None else tls.client_ca,
        "tokens": settings.tokens_file,
    }
    return {name: path for name, path in paths.items() if path is not None}


def _version(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(path: str) -> bytes | None:
    try:
        # With O_NONBLOCK, open() returns at once if the file is a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError:
        return None
    return content if len(content) <= FILE_BYTES_MAX else None
