"""The file ``owned.json``: the state that must survive a restart of the director.

It lists the kernel state that the director owns: services, sync daemon threads, and the tool with
masquerade rules. It also has the former values of the sysctls that the director set, and the VRRP
instances that an operator handed over. All other kernel state is foreign.

Every change is stored before it is applied. A change is also applied if storing it
fails, so that a director with a full runtime directory serves. A warning states the risk until the
change is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog
from msgspec.structs import replace

from hadirector.host.masquerade.rules import ToolName
from hadirector.host.sysctl.rules import SavedValue, is_ours
from hadirector.model.drill import Drill
from hadirector.model.handover import Handover
from hadirector.model.ipvs import ServiceKey, SyncRole, SyncSettings
from hadirector.storage import StateError, read, set_aside, store

VERSION = 1


class Owned(msgspec.Struct, frozen=True):
    """The content of the file."""

    version: int = VERSION
    services: tuple[ServiceKey, ...] = ()
    yielding: tuple[str, ...] = ()
    handovers: dict[str, Handover] = {}
    sysctls: dict[str, SavedValue] = {}
    sync_threads: dict[SyncRole, SyncSettings] = {}
    masquerade: ToolName | None = None
    drill: Drill | None = None


def load(path: Path) -> Owned:
    """Read the file. Without a file nothing is owned. Raises StateError."""
    owned = read(path, Owned) or Owned()
    if owned.version != VERSION:
        raise StateError(f"{path}: version {owned.version}, expected {VERSION}")
    if foreign := [name for name in owned.sysctls if not is_ours(name)]:
        raise StateError(f"{path}: not a sysctl of hadirector: {foreign[0][:200]!a}")
    return owned


class Memory:
    """The content of the file, with methods that store a change before the caller applies it.

    A file that cannot be used is renamed, and the director starts without it. A change that
    cannot be stored stays in memory, and `store` tries again.
    """

    def __init__(self, path: Path) -> None:
        self.owned = Owned()
        self._path = path
        self._error = ""
        self._log = structlog.get_logger()
        try:
            self.owned = load(path)
        except StateError as error:
            kept = set_aside(path)
            self._log.error("state_file_unusable", error=str(error), kept_as=str(kept))
        self._stored = self.owned

    @property
    def warnings(self) -> tuple[str, ...]:
        """A warning while the file does not contain the current state."""
        if not self._error:
            return ()
        return (
            f"{self._path} cannot be written ({self._error}): if this director is killed, the next"
            " start does not know the services and sysctls that this director has set."
            f" Make room in {self._path.parent}",
        )

    def remember_services(self, services: frozenset[ServiceKey]) -> None:
        """Store the owned services."""
        self._remember(replace(self.owned, services=tuple(sorted(services))))

    def remember_handovers(self, handovers: Mapping[str, Handover]) -> None:
        """Store the instances that an operator handed over. Raises OSError, and changes nothing."""
        owned = replace(self.owned, yielding=tuple(sorted(handovers)), handovers=dict(handovers))
        store(self._path, owned)
        self.owned = self._stored = owned
        self._note_result("")

    def remember_drill(self, drill: Drill | None) -> None:
        """Store the drill that runs. Raises OSError, and changes nothing."""
        owned = replace(self.owned, drill=drill)
        store(self._path, owned)
        self.owned = self._stored = owned
        self._note_result("")

    def remember_sysctls(self, saved: Mapping[str, SavedValue]) -> None:
        """Store the former values of sysctls that the director sets."""
        self._remember(replace(self.owned, sysctls=dict(saved)))

    def remember_sync_threads(self, threads: Mapping[SyncRole, SyncSettings]) -> None:
        """Store the owned threads of the sync daemon."""
        self._remember(replace(self.owned, sync_threads=dict(threads)))

    def remember_masquerade(self, tool: ToolName | None) -> None:
        """Store the name of the tool that has added our masquerade rules."""
        self._remember(replace(self.owned, masquerade=tool))

    def store(self) -> None:
        """Store the state if the file differs from it. A failure is logged once."""
        if self.owned == self._stored:
            return
        try:
            store(self._path, self.owned)
        except OSError as error:
            self._note_result(error.strerror or str(error))
        else:
            self._stored = self.owned
            self._note_result("")

    def _remember(self, owned: Owned) -> None:
        self.owned = owned
        self.store()

    def _note_result(self, error: str) -> None:
        """Log the first failure, and the end of the failures."""
        if error and not self._error:
            self._log.error("owned_state_not_stored", file=str(self._path), error=error)
        elif self._error and not error:
            self._log.info("owned_state_stored", file=str(self._path))
        self._error = error
