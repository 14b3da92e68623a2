"""What must survive a restart of the director, in one small file.

``owned.json`` names the services and sync daemon threads that are ours and what the sysctls were
that we have set, written before each is applied, the VRRP instances that an operator handed over.
Whatever the kernel holds beyond that is foreign.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog
from msgspec.structs import replace

from hadirector.host.masquerade.rules import ToolName
from hadirector.host.sysctl.rules import Taken
from hadirector.model.ipvs import ServiceKey, SyncRole, SyncSettings
from hadirector.storage import StateError, read, set_aside, store

VERSION = 1


class Owned(msgspec.Struct, frozen=True):
    """The content of the file."""

    version: int = VERSION
    services: tuple[ServiceKey, ...] = ()
    yielding: tuple[str, ...] = ()
    sysctls: dict[str, Taken] = {}
    sync_threads: dict[SyncRole, SyncSettings] = {}
    masquerade: ToolName | None = None


def load(path: Path) -> Owned:
    """Read the file; a missing one is an empty one. Raises StateError."""
    owned = read(path, Owned) or Owned()
    if owned.version != VERSION:
        raise StateError(f"{path}: version {owned.version}, expected {VERSION}")
    return owned


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
