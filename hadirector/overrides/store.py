"""Keeps what operators ordered for real servers, until it is over.

``orders.json`` in the state directory has it, over reloads, restarts and reboots. It is on the disk
before an order counts as given; a thread writes it, for a disk may take its time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Final

import msgspec
import structlog
from msgspec.structs import replace

from hadirector import storage
from hadirector.dataplane.dataplane import DataplaneError, TableCounters
from hadirector.dataplane.reconciler import TableReconciler
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.overrides.expiry import Moment, StoredOverrides, is_outdated, kept, restored
from hadirector.overrides.model import Action, Override, RealServerName, end_of_drain

FILE: Final = "orders.json"
OVERRIDES_MAX: Final = 10_000
"""Orders that are kept; one more is refused."""
PASS_SECONDS: Final = 1.0
"""How often it is looked whether an order is over."""


class OverridesChanged(msgspec.Struct, frozen=True):
    """Orders for real servers of these virtual servers were given, or are over."""

    virtual_servers: frozenset[str]


class OverrideStore:
    """Holds the orders in force. One for a server that is not configured is kept, and told of."""

    def __init__(
        self,
        configuration: Configuration,
        reconciler: TableReconciler,
        tell: Callable[[OverridesChanged], Awaitable[None]],
    ) -> None:
        self._configuration = configuration
        self._reconciler = reconciler
        self._tell = tell
        self._path = Path(configuration.state_directory) / FILE
        self._storing = asyncio.Lock()
        self._log = structlog.get_logger()
        self._kept = self._read()
        self.current = {each.name: each for each in restored(self._kept, _now())}

    def configure(self, configuration: Configuration) -> None:
        """Follow another configuration."""
        self._configuration = configuration

    async def order(self, override: Override) -> None:
        """Keep an order, in the place of an older one. Raises OSError when it cannot be stored."""
        async with self._storing:
            await self._keep({**self.current, override.name: override})
        self._say("override_set", override.name, override.words)
        await self._tell(OverridesChanged(frozenset({override.name.virtual_server})))

    async def lift(self, name: RealServerName, event: str = "override_removed") -> None:
        """Forget an order that is there. Raises OSError when that cannot be stored."""
        async with self._storing:
            if name not in self.current:
                return  # somebody else was faster
            words = self.current[name].words
            await self._keep({key: each for key, each in self.current.items() if key != name})
        self._say(event, name, words)
        await self._tell(OverridesChanged(frozenset({name.virtual_server})))

    def orphaned(self) -> tuple[str, ...]:
        """Name the orders for real servers that are not configured."""
        known = {
            RealServerName(server.name, each.name)
            for server in self._configuration.virtual_servers
            for each in server.real_servers
        }
        return tuple(
            f"{name} is not configured, but is {self.current[name].words}"
            for name in sorted(self.current.keys() - known)
        )

    async def run(self) -> None:
        """Look for what is over until cancelled."""
        while True:
            await asyncio.sleep(PASS_SECONDS)
            try:
                await self._follow_clock()
                await self._expire()
                await self._end_drains()
            except (OSError, DataplaneError) as error:
                self._log.error("overrides_not_ended", error=str(error))

    async def _expire(self) -> None:
        now = monotonic()
        for name, each in list(self.current.items()):
            if each.expired(now):
                await self.lift(name, "override_expired")

    async def _end_drains(self) -> None:
        draining = {
            name: each
            for name, each in self.current.items()
            if each.action is Action.DRAIN and not each.ended
        }
        if not draining:
            return
        held = await self._reconciler.read_counters()
        for server in self._configuration.virtual_servers:
            for real_server in server.real_servers:
                name = RealServerName(server.name, real_server.name)
                if name in draining:
                    await self._end_drain(draining[name], connections(server, real_server, held))

    async def _end_drain(self, override: Override, left: int | None) -> None:
        ended = None if left is None else end_of_drain(override, left, monotonic())
        if ended is None:
            return
        async with self._storing:
            if self.current.get(override.name) is not override:
                return
            await self._keep({**self.current, override.name: replace(override, ended=ended)})
        self._say("drain_ended", override.name, ended)
        await self._tell(OverridesChanged(frozenset({override.name.virtual_server})))

    def _say(self, event: str, name: RealServerName, words: str) -> None:
        self._log.info(
            event,
            virtual_server=name.virtual_server,
            real_server=name.real_server,
            words=words,
        )

    async def _keep(self, overrides: Mapping[RealServerName, Override]) -> None:
        """Store what is to be in force, and then have it in force. Raises OSError."""
        kept_orders = kept(overrides.values(), _now())
        await asyncio.to_thread(storage.store_durably, self._path, kept_orders)
        self._kept, self.current = kept_orders, dict(overrides)

    async def _follow_clock(self) -> None:
        """Write the times anew when the clock was set."""
        if is_outdated(self._kept, _now()):
            async with self._storing:
                await self._keep(self.current)

    def _read(self) -> StoredOverrides:
        """Read the file; one that is no good is left aside. Raises OSError when it cannot be."""
        try:
            found = storage.read(self._path, StoredOverrides)
        except storage.StateError as error:
            aside = storage.set_aside(self._path)
            self._log.error("overrides_unusable", error=str(error), kept_as=str(aside))
            found = None
        return kept((), _now()) if found is None else found


def connections(server: VirtualServer, real_server: RealServer, held: TableCounters) -> int | None:
    """Count what a real server still carries; None while it may still get new connections."""
    found = [held.get(key, {}).get(real_server.destination_key(key)) for key in server.keys]
    counters = [each for each in found if each is not None]
    if any(each.weight for each in counters):
        return None
    return sum(each.active + each.inactive for each in counters)


def _now() -> Moment:
    utc = time.time()  # noqa: TID251  # outlives the boot, in the file
    return Moment(storage.boot_id(), utc, monotonic())
