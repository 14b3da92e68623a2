"""Keeps what operators ordered for real servers, over reloads and restarts, until it is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final

import msgspec
import structlog
from msgspec.structs import replace

from hadirector.dataplane.base import DataplaneError, Held
from hadirector.dataplane.keeper import TableKeeper
from hadirector.model import Configuration, RealServer, VirtualServer
from hadirector.override import Action, Override, RealServerName, end_of_drain
from hadirector.state import Memory

OVERRIDES_MAX: Final = 10_000
"""Orders that are kept; one more is refused."""
PASS_SECONDS: Final = 1.0
"""How often it is looked whether an order is over."""


class OverridesChanged(msgspec.Struct, frozen=True):
    """Orders for real servers of these virtual servers were given, or are over."""

    virtual_servers: frozenset[str]


class Overrides:
    """Holds the orders in force. One for a server that is not configured is kept, and told of."""

    def __init__(
        self,
        configuration: Configuration,
        memory: Memory,
        keeper: TableKeeper,
        tell: Callable[[OverridesChanged], Awaitable[None]],
    ) -> None:
        self._configuration = configuration
        self._memory = memory
        self._keeper = keeper
        self._tell = tell
        self.current = {each.name: _shifted(each, -_epoch()) for each in memory.owned.overrides}
        self._log = structlog.get_logger()

    def configure(self, configuration: Configuration) -> None:
        """Follow another configuration."""
        self._configuration = configuration

    async def order(self, override: Override) -> None:
        """Keep an order, in the place of an older one. Raises OSError when it cannot be stored."""
        self._keep({**self.current, override.name: override})
        self._say("override_ordered", override.name, override.words)
        await self._tell(OverridesChanged(frozenset({override.name.virtual_server})))

    async def lift(self, name: RealServerName, event: str = "override_lifted") -> None:
        """Forget an order that is there. Raises OSError when that cannot be stored."""
        words = self.current[name].words
        self._keep({key: each for key, each in self.current.items() if key != name})
        self._say(event, name, words)
        await self._tell(OverridesChanged(frozenset({name.virtual_server})))

    def homeless(self) -> tuple[str, ...]:
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
        held = await self._keeper.read_counters()
        for server in self._configuration.virtual_servers:
            for real_server in server.real_servers:
                name = RealServerName(server.name, real_server.name)
                if name in draining:
                    await self._end_drain(draining[name], connections(server, real_server, held))

    async def _end_drain(self, override: Override, left: int | None) -> None:
        ended = None if left is None else end_of_drain(override, left, monotonic())
        if ended is None or self.current.get(override.name) is not override:
            return
        self._keep({**self.current, override.name: replace(override, ended=ended)})
        self._say("drain_ended", override.name, ended)
        await self._tell(OverridesChanged(frozenset({override.name.virtual_server})))

    def _say(self, event: str, name: RealServerName, words: str) -> None:
        self._log.info(
            event,
            virtual_server=name.virtual_server,
            real_server=name.real_server,
            words=words,
        )

    def _keep(self, overrides: Mapping[RealServerName, Override]) -> None:
        self._memory.remember_overrides(
            tuple(_shifted(each, _epoch()) for each in overrides.values())
        )
        self.current = dict(overrides)


def connections(server: VirtualServer, real_server: RealServer, held: Held) -> int | None:
    """Count what a real server still carries; None while it may still get new connections."""
    found = [held.get(key, {}).get(real_server.destination_key(key)) for key in server.keys]
    counters = [each for each in found if each is not None]
    if any(each.weight for each in counters):
        return None
    return sum(each.active + each.inactive for each in counters)


def _shifted(override: Override, seconds: float) -> Override:
    """Move the times of an order; in the file they are since the epoch, for another process."""
    return replace(
        override,
        expires_at=None if override.expires_at is None else override.expires_at + seconds,
        deadline=None if override.deadline is None else override.deadline + seconds,
    )


def _epoch() -> float:
    """What to add to monotonic time for the time since the epoch."""
    return time.time() - monotonic()  # noqa: TID251  # outlives the process, in the file
