"""Reads the files of the web process, which the process itself may not be able to open."""

from __future__ import annotations

import os
import stat
from typing import Any, Final, NamedTuple

from hadirector.model.pair import Pair
from hadirector.model.web import WebSettings
from hadirector.processes.messages import PairFiles
from vrrp.model.configuration import Secret

FILE_BYTES_MAX: Final = 1024 * 1024
"""The maximum size of a file. A longer file counts as unreadable."""
PEER_BYTES_MAX: Final = 16 * 1024
"""The maximum size of a file of the pair link, which has one certificate or key."""

Version = tuple[str | tuple[int, int, int] | None, ...]
"""The names that the files have in the contents, then the inode, mtime and size of each file."""


class WebFiles(NamedTuple):
    """The contents by field of `ConfigureWeb`, and the version that the files had."""

    version: Version
    contents: dict[str, Any]


def read_files(
    settings: WebSettings | None, pair: Pair | None, known: WebFiles | None = None
) -> WebFiles:
    """Return the files, or ``known`` if no file has changed since. Call it in a thread."""
    paths = _paths(settings)
    names = [*paths, *(peer.name for peer in (() if pair is None else pair.peers))]
    version: Version = (*names, *map(_version, [*paths.values(), *_pair_paths(pair)]))
    if known is not None and known.version == version:
        return known
    contents: dict[str, Any] = {name: _read(path) for name, path in paths.items()}
    contents["key"] = _secret(contents.get("key"))
    return WebFiles(version, {**contents, "pair_files": _read_pair(pair)})


def _paths(settings: WebSettings | None) -> dict[str, str]:
    if settings is None:
        return {}
    tls = settings.tls
    paths = {
        "certificate": None if tls is None else tls.certificate,
        "key": None if tls is None else tls.key,
        "client_ca": None if tls is None else tls.client_ca,
        "tokens": settings.tokens_file,
    }
    return {name: path for name, path in paths.items() if path is not None}


def _pair_paths(pair: Pair | None) -> list[str]:
    if pair is None:
        return []
    return [pair.certificate, pair.key, *(peer.certificate for peer in pair.peers)]


def _read_pair(pair: Pair | None) -> PairFiles:
    if pair is None:
        return PairFiles()
    return PairFiles(
        certificate=_read(pair.certificate, PEER_BYTES_MAX),
        key=_secret(_read(pair.key, PEER_BYTES_MAX)),
        peers={peer.name: _read(peer.certificate, PEER_BYTES_MAX) for peer in pair.peers},
    )


def _secret(content: bytes | None) -> Secret | None:
    return None if content is None else Secret(content)


def _version(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(path: str, size_max: int = FILE_BYTES_MAX) -> bytes | None:
    try:
        # With O_NONBLOCK, open() returns at once if the file is a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            content = file.read(size_max + 1)
    except OSError:
        return None
    return content if len(content) <= size_max else None
