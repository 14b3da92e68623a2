"""Holds the overrides of operators until they are removed or expire.

The file ``overrides.json`` in the state directory stores them, so they survive reloads, restarts
and reboots. An override takes effect after it has been written to disk. A thread writes the file,
because a disk can be slow.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from time import monotonic
from typing import Final, Literal, TypeAlias

import msgspec
import structlog
from msgspec.structs import replace

from hadirector import storage
from hadirector.dataplane.connections import connections
from hadirector.dataplane.dataplane import DataplaneError
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.dataplane.slices import Slices
from hadirector.model.configuration import Configuration
from hadirector.overrides.document import (
    Accepted,
    Named,
    depends_on_clock,
    end_drain,
    put_over,
    release,
)
from hadirector.overrides.document_store import DocumentStore
from hadirector.overrides.expiry import (
    Moment,
    StoredOverrides,
    needs_rewrite,
    restore,
    serialize,
)
from hadirector.overrides.model import Action, Author, Override, RealServerName, end_of_drain
from hadirector.overrides.registers import Registers

FILE: Final = "overrides.json"
OLD_FILE: Final = "orders.json"
"""The name of the file in earlier builds."""
PASS_SECONDS: Final = 1.0
"""The time between two searches for overrides that end."""


class OverridesChanged(msgspec.Struct, frozen=True):
    """Message: overrides of real servers of these virtual servers were set, removed or ended."""

    virtual_servers: frozenset[str]


class _OldFile(msgspec.Struct, frozen=True):
    """The content of ``OLD_FILE``."""

    version: Literal[1]
    written: Moment
    orders: tuple[Override, ...]


Check: TypeAlias = Callable[[Mapping[RealServerName, Override]], None]
"""Raises an error if a change of the current overrides is not permitted."""


def _permit(_current: Mapping[RealServerName, Override]) -> None:
    """Permit every change."""


class OverrideStore:
    """Holds the overrides in force.

    The override of a real server that is no longer configured is kept, and reported as
    orphaned. ``put`` receives a message for every change. While ``sharing`` has the name of this
    director, every change gets a stamp, so that peers can adopt it.
    """

    def __init__(
        self,
        configuration: Configuration,
        reconciler: TableReconciler,
        put: Callable[[OverridesChanged], Awaitable[None]],
    ) -> None:
        self._configuration = configuration
        self._reconciler = reconciler
        self._put = put
        self._path = Path(configuration.state_directory) / FILE
        self._storing = asyncio.Lock()
        self._log = structlog.get_logger()
        self._stored = self._read()
        self.registers = restore(self._stored, _now())
        self._document = DocumentStore(self._path.parent)
        self.sharing = _sharing(configuration)
        self._current: Mapping[RealServerName, Override] = {}
        self._may_change_by_time = asyncio.Event()
        self._merge()

    @property
    def current(self) -> Mapping[RealServerName, Override]:
        """The overrides in force. One of an operator takes precedence over one of a document."""
        return self._current

    @property
    def accepted_document(self) -> Accepted | None:
        """The accepted document of overrides; None without one."""
        return self._document.layer.accepted

    def configure(self, configuration: Configuration) -> None:
        """Replace the configuration: it decides what is orphaned, and whether to share."""
        self._configuration = configuration
        self.sharing = _sharing(configuration)

    async def set(self, overrides: Collection[Override], check: Check = _permit) -> None:
        """Set overrides, all of them or none; each replaces an older override.

        ``check`` may refuse the current overrides. Raises OSError if they cannot be stored.
        """
        async with self._storing:
            check(self.current)
            await self._store(self.registers.set(overrides, self.sharing))
        await self._report_each("override_set", overrides)

    async def remove(
        self,
        names: Collection[RealServerName],
        author: Author,
        *,
        reason: str = "",
        check: Check = _permit,
    ) -> None:
        """Remove overrides, all of them or none. Raises OSError if the removal is not stored."""
        async with self._storing:
            current = self.current
            check(current)
            found = [current[name] for name in names if name in current]
            if not found:
                return  # they were removed while this request waited
            here = [each.name for each in found if not each.source]
            if here:
                now = monotonic()
                await self._store(self.registers.remove(here, self.sharing, author, reason, now))
            accepted = self.accepted_document
            if accepted is not None and (named := [each.name for each in found if each.source]):
                await self._document.store(release(accepted, named))
                self._merge()
        fields = {"author": str(author)} | ({"reason": reason} if reason else {})
        await self._report_each("override_removed", found, **fields)

    async def change(self, decide: Callable[[Registers], Registers]) -> Registers:
        """Store what ``decide`` makes of the registers; return the registers before.

        Raises OSError if the change is not stored.
        """
        async with self._storing:
            before = self.registers
            after = await asyncio.to_thread(decide, before)  # 10,000 overrides take 20 ms
            if after is before or after == before:
                return before
            await self._store(after)
        changed = {
            name
            for name in before.overrides.keys() | after.overrides.keys()
            if before.overrides.get(name) != after.overrides.get(name)
        }
        if changed:
            await self._put_change(changed)
        return before

    async def take_document(self, decide: Callable[[Accepted | None], Accepted | None]) -> None:
        """Put what ``decide`` makes of the accepted document in force, after it is stored.

        ``decide`` gets the document with everything that has happened to it here. Raises OSError.
        """
        async with self._storing:
            known = self.accepted_document
            accepted = decide(known)
            if accepted is not None:
                before = await self._document.store(accepted)
            elif known is not None:
                before = await self._document.clear()
            else:
                return
            self._merge()
            after = self._document.layer.overrides
        await self._report_document(before.overrides, after)

    async def _report_document(
        self, before: Named, after: Named, *, gone: str = "override_removed"
    ) -> None:
        """Report the overrides of the document that have come, and with ``gone`` the others."""
        changed = [n for n in before.keys() | after.keys() if before.get(n) is not after.get(n)]
        if changed:
            await self._put_change(changed)
        slices = Slices()
        for name in changed:
            old, new = before.get(name), after.get(name)
            if new is None and old is not None:
                self._report(gone, name, description=old.description)
            elif new is not None and (old is None or old.description != new.description):
                self._report("override_set", name, description=new.description)
            await slices.pause()

    async def _report_each(
        self, event: str, overrides: Collection[Override], **fields: str
    ) -> None:
        slices = Slices()
        for override in overrides:
            self._report(event, override.name, description=override.description, **fields)
            await slices.pause()
        await self._put_change([override.name for override in overrides])

    async def _put_change(self, names: Collection[RealServerName]) -> None:
        await self._put(OverridesChanged(frozenset(name.virtual_server for name in names)))

    def find_orphans(self) -> tuple[str, ...]:
        """Describe the overrides of real servers that are not configured."""
        current = self.current
        named = {name.virtual_server for name in current}
        known = {
            RealServerName(server.name, real_server.name)
            for server in self._configuration.virtual_servers
            if server.name in named
            for real_server in server.real_servers
        }
        return tuple(
            f"{name} is not configured, but is {current[name].description}"
            for name in sorted(current.keys() - known)
        )

    async def run(self) -> None:
        """End overrides at their times, until cancelled."""
        while True:
            await self._may_change_by_time.wait()
            await asyncio.sleep(PASS_SECONDS)
            try:
                await self.follow_clock()
                await self._expire()
                await self._end_drains()
            except (OSError, DataplaneError) as error:
                self._log.error("overrides_not_ended", error=str(error))

    async def follow_clock(self) -> None:
        """Write the file again if the wall clock was set since the last write."""
        if needs_rewrite(self._stored, _now()):
            async with self._storing:
                await self._store(self.registers)

    async def _expire(self) -> None:
        async with self._storing:
            now = monotonic()
            local = self.registers.overrides
            ended = [override for override in local.values() if override.ends_by(now)]
            if ended:
                gone = [override.name for override in ended]
                await self._store(self.registers.expire(gone, self.sharing, now))
            before = self._document.update()
            after = self._document.layer.overrides
            self._merge()
        if ended:
            await self._report_each("override_expired", ended)
        # A clock that was set back can also put overrides in force again.
        await self._report_document(before.overrides, after, gone="override_expired")

    async def _end_drains(self) -> None:
        draining = {
            name: override
            for name, override in self.current.items()
            if override.action is Action.DRAIN and not override.ended
        }
        if not draining:
            return
        table = await self._reconciler.read_counters()
        for server in self._configuration.virtual_servers:
            for real_server in server.real_servers:
                name = RealServerName(server.name, real_server.name)
                if name in draining:
                    await self._end_drain(draining[name], connections(server, real_server, table))

    async def _end_drain(self, override: Override, left: int | None) -> None:
        ended = None if left is None else end_of_drain(override, left, monotonic())
        if ended is None:
            return
        async with self._storing:
            if self.current.get(override.name) is not override:
                return
            accepted = self.accepted_document
            if override.source and accepted is not None:
                await self._document.store(end_drain(accepted, override.name, ended))
                self._merge()
            else:
                await self._store(self.registers.add([replace(override, ended=ended)]))
        self._report("drain_ended", override.name, reason=ended)
        await self._put(OverridesChanged(frozenset({override.name.virtual_server})))

    def _report(self, event: str, name: RealServerName, **fields: str) -> None:
        self._log.info(
            event, virtual_server=name.virtual_server, real_server=name.real_server, **fields
        )

    async def _store(self, registers: Registers) -> None:
        """Store the overrides, then put them in force. Raises OSError."""
        content = serialize(registers, _now())
        await asyncio.to_thread(storage.store_durably, self._path, content)
        self._stored, self.registers = content, registers
        self._merge()

    def _merge(self) -> None:
        """Gather the overrides in force. Let ``run`` wait while time cannot change them."""
        self._current = put_over(self._document.layer.overrides, self.registers.overrides)
        if self._current or depends_on_clock(self.accepted_document):
            self._may_change_by_time.set()
        else:
            self._may_change_by_time.clear()

    def _read(self) -> StoredOverrides:
        """Return the content of the file. An unusable file is set aside. Raises OSError."""
        old_path = self._path.with_name(OLD_FILE)
        try:
            found = storage.read(self._path, StoredOverrides)
            if found is None and (old := storage.read(old_path, _OldFile)) is not None:
                found = StoredOverrides(old.version, old.written, old.orders)
                storage.store_durably(self._path, found)
                old_path.unlink()
        except storage.StateError as error:
            path = self._path if self._path.exists() else old_path
            aside = storage.set_aside(path)
            self._log.error("overrides_unusable", error=str(error), kept_as=str(aside))
            found = None
        return serialize(Registers(), _now()) if found is None else found


def _sharing(configuration: Configuration) -> str:
    """Return the name of the director if it shares its overrides, else nothing."""
    pair = configuration.pair
    is_shared = pair is not None and pair.overrides == "shared" and not configuration.observing
    return configuration.name if is_shared else ""


def _now() -> Moment:
    utc = time.time()  # noqa: TID251  # written to the file, which outlives the boot
    return Moment(storage.boot_id(), utc, monotonic())
