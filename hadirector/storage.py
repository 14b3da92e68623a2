"""What must survive a restart of the director, in one small file.

``owned.json`` names the services and sync daemon threads that are ours and what the sysctls were
that we have set, written before each is applied, the VRRP instances that an operator handed over.
Whatever the kernel holds beyond that is foreign.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import structlog
from msgspec.structs import replace

from hadirector.host.masquerade.rules import ToolName
from hadirector.host.sync_daemon.rules import SyncRole
from hadirector.host.sysctl.rules import Taken
from hadirector.model.configuration import ServiceKey, SyncSettings

VERSION = 1
SIZE_MAX = 64 * 1024 * 1024
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
Content = TypeVar("Content", bound=msgspec.Struct)


class Owned(msgspec.Struct, frozen=True):
    """The content of the file."""

    version: int = VERSION
    services: tuple[ServiceKey, ...] = ()
    yielding: tuple[str, ...] = ()
    sysctls: dict[str, Taken] = {}
    sync_threads: dict[SyncRole, SyncSettings] = {}
    masquerade: ToolName | None = None


class StateError(Exception):
    """The file is there but cannot be used. The message names it and says why."""


def load(path: Path) -> Owned:
    """Read the file; a missing one is an empty one. Raises StateError."""
    owned = read(path, Owned) or Owned()
    if owned.version != VERSION:
        raise StateError(f"{path}: version {owned.version}, expected {VERSION}")
    return owned


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


class Memory:
    """What this director remembers; every change is in the file before it is acted on."""

    def __init__(self, path: Path) -> None:
        self.owned = Owned()
        self._path = path
        self._log = structlog.get_logger()
        try:
            self.owned = load(path)
        except StateError as error:
            kept = set_aside(path)
            self._log.error("state_file_unusable", error=str(error), kept_as=str(kept))

    def remember_services(self, services: frozenset[ServiceKey]) -> None:
        """These are ours. Raises OSError."""
        self._remember(replace(self.owned, services=tuple(sorted(services))))

    def remember_yielding(self, yielding: frozenset[str]) -> None:
        """These instances were handed over. Raises OSError."""
        self._remember(replace(self.owned, yielding=tuple(sorted(yielding))))

    def remember_sysctls(self, taken: Mapping[str, Taken]) -> None:
        """These parameters we set, and that is what they were. Raises OSError."""
        self._remember(replace(self.owned, sysctls=dict(taken)))

    def remember_sync_threads(self, threads: Mapping[SyncRole, SyncSettings]) -> None:
        """These threads of the sync daemon are ours. Raises OSError."""
        self._remember(replace(self.owned, sync_threads=dict(threads)))

    def remember_masquerade(self, held_by: ToolName | None) -> None:
        """This holds masquerading rules of ours, or nothing does. Raises OSError."""
        self._remember(replace(self.owned, masquerade=held_by))

    def _remember(self, owned: Owned) -> None:
        store(self._path, owned)
        self.owned = owned
