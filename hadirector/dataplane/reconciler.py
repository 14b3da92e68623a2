"""Keeps the dataplane's table equal to the wanted one.

What is wanted anew is compared with what the table was last known to hold, and applied without
reading it. Every 10 s all of it is read and compared with that: what differs somebody else has
changed, and it is repaired. There is no other retry: what failed is met by the next pass.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Mapping

import msgspec
import structlog

from hadirector.dataplane.dataplane import (
    Dataplane,
    DataplaneError,
    OperationFailure,
    Pool,
    TableCounters,
    read_all_counters,
    read_table,
)
from hadirector.dataplane.reconcile import diff, outcome
from hadirector.dataplane.slices import Slices
from hadirector.dataplane.table_log import TableLog
from hadirector.model.ipvs import Service, ServiceEntry, ServiceKey, Table

PASS_SECONDS = 10.0
UNSTEADY_SECONDS = 1.0
"""What two readings show differently is read again so soon."""


class _Known(msgspec.Struct, frozen=True, gc=False):
    """A service as it was last read or written, None if not there.

    The fingerprint is of its pool, from the reading that showed it; 0 where there was none.
    """

    entry: ServiceEntry | None
    fingerprint: int = 0


class TableReconciler:
    """Holds the wanted table and makes the dataplane follow.

    ``remember`` is called with all the services that are ours before the first operation on a new
    one, and again when one has been withdrawn; it has stored them when it returns.
    """

    def __init__(
        self,
        dataplane: Dataplane,
        owned: Collection[ServiceKey],
        remember: Callable[[frozenset[ServiceKey]], None],
    ) -> None:
        self._dataplane = dataplane
        self._owned = frozenset(owned)
        self._remember = remember
        self._wanted: Table = {}
        self._known: dict[ServiceKey, _Known] = {}
        self._changed: dict[ServiceKey, None] = {}  # in the order in which they came
        self._wake = asyncio.Event()
        self._records = TableLog()
        self._log = structlog.get_logger()

    @property
    def failing(self) -> dict[str, str]:
        """Every operation that did not take when it was last tried, with the error."""
        return self._records.failing

    @property
    def repaired(self) -> int:
        """How many operations undid what somebody else had done."""
        return self._records.repaired

    @property
    def owned(self) -> frozenset[ServiceKey]:
        """The services that are ours."""
        return self._owned

    def want(self, table: Table, changed: Collection[ServiceKey] | None = None) -> None:
        """Take a new wanted table. ``changed`` names the services that may differ in it."""
        self._wanted = table
        if changed is None:
            changed = self._concerned()
        self._changed.update(dict.fromkeys(changed))
        self._wake.set()

    async def run(self) -> None:
        """Follow changes and make passes until cancelled."""
        loop = asyncio.get_running_loop()
        next_pass = loop.time()
        while True:
            self._wake.clear()
            due = loop.time() >= next_pass
            if due:
                next_pass = loop.time() + PASS_SECONDS
            try:
                await self._follow()
                if due and not await self._pass():
                    next_pass = loop.time() + min(PASS_SECONDS, UNSTEADY_SECONDS)
                self._forget_withdrawn()
            except DataplaneError as error:
                self._log.error("table_pass_failed", error=str(error))
            self._records.end_round()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_pass):
                    await self._wake.wait()

    async def adopt(self) -> Table:
        """Read the whole table before the first pass, and go on from that.

        Raises DataplaneError.
        """
        table = {}
        for key, service in (await self._dataplane.read_services()).items():
            known = await self._read(key, service)
            assert known.entry is not None, "it is there"
            table[key] = known.entry
            if key in self._owned:
                self._known[key] = known
        return table

    async def read(self) -> Table:
        """Read the whole table as it is now. Raises DataplaneError."""
        return await read_table(self._dataplane)

    async def read_counters(self) -> TableCounters:
        """Read what every destination carries now. Raises DataplaneError."""
        return await read_all_counters(self._dataplane)

    async def withdraw(self) -> None:
        """Delete every service that is ours. Raises DataplaneError."""
        services = await self._dataplane.read_services(self._owned)
        actual = {key: ServiceEntry(each, {}) for key, each in services.items()}
        operations = diff(actual, {}, self._owned)
        failures = await self._dataplane.apply(operations)
        self._records.done(operations, failures)
        self._records.end_round()
        if not failures:
            self._own(frozenset())

    # --- following what is wanted ---------------------------------------------------------------

    async def _follow(self) -> None:
        """Make the changed services as they are wanted. Raises DataplaneError."""
        new = [key for key in self._changed if key in self._wanted and key not in self._owned]
        if new:
            self._own(self._owned.union(new))
        slices = Slices()
        while self._changed:
            await slices.pause()
            key = next(iter(self._changed))
            del self._changed[key]
            try:
                await self._converge(key)
            except DataplaneError:
                self._changed[key] = None
                raise

    async def _converge(self, key: ServiceKey) -> None:
        """Make a service as it is wanted; read it only if it is not known, or no longer as known.

        Raises DataplaneError.
        """
        if key not in self._owned:
            return  # what cannot be remembered as ours is not made
        mistaken = key in self._known
        if mistaken and not await self._apply(key):
            return
        services = await self._dataplane.read_services([key])
        self._known[key] = await self._read(key, services.get(key))
        self._records.failed(key, await self._apply(key, repair=mistaken))

    async def _apply(self, key: ServiceKey, *, repair: bool = False) -> list[OperationFailure]:
        """Apply what makes a service as it is wanted from what it is known to be."""
        held, wanted = self._known[key].entry, self._wanted.get(key)
        if held is wanted:
            return []
        operations = diff(_table(key, held), _table(key, wanted), (key,))
        if not operations:
            return []
        failures = await self._dataplane.apply(operations)
        self._records.done(operations, failures, _table(key, held) if repair else None)
        if failures:
            del self._known[key]
        else:
            self._known[key] = _Known(outcome(held, operations, wanted))
        return failures

    # --- looking at what is there ---------------------------------------------------------------

    async def _pass(self) -> bool:
        """Look at all that is ours, and repair it; False if some of it would not keep still.

        Services that change meanwhile come first. Raises DataplaneError.
        """
        # What could not be remembered as ours may be by now.
        self._changed.update(dict.fromkeys(key for key in self._wanted if key not in self._owned))
        await self._follow()
        before = dict(self._known)
        services = await self._dataplane.read_services()
        steady = True
        slices = Slices()
        for key in self._concerned():
            await slices.pause()
            if self._changed:
                await self._follow()
            if self._known.get(key) is before.get(key):  # else it was written since
                steady &= await self._look_at(key, services.get(key))
        return steady

    async def _look_at(self, key: ServiceKey, service: Service | None) -> bool:
        """Repair a service if it differs from what is known of it; False if it keeps changing.

        A dump is not one moment: what surprises is read again. Raises DataplaneError.
        """
        if key not in self._owned:
            return True
        known = self._known.get(key)
        now = await self._read(key, service, known)
        surprising = known is not None and _differ(key, known, now)
        if surprising:
            services = await self._dataplane.read_services([key])
            if _differ(key, now, await self._read(key, services.get(key))):
                self._log.info("table_unsteady", service=str(key))
                return False
        elif known is not None:
            now = _Known(known.entry, now.fingerprint)
        self._known[key] = now
        self._records.failed(key, await self._apply(key, repair=surprising))
        return True

    async def _read(
        self, key: ServiceKey, service: Service | None, known: _Known | None = None
    ) -> _Known:
        """Read the pool of a service that has just been read, unless it is as it was known."""
        if service is None:
            return _Known(None)
        entry = None if known is None else known.entry
        fingerprint = 0 if known is None else known.fingerprint
        pool = await self._dataplane.read_pool(key, fingerprint)
        if pool is None:
            assert known is not None, "a pool without a fingerprint is told"
            assert entry is not None, "only what is there has a fingerprint"
            if service == entry.service:
                return known
            pool = Pool(entry.destinations, fingerprint)
        return _Known(ServiceEntry(service, pool.destinations), pool.fingerprint)

    # --- what is ours ---------------------------------------------------------------------------

    def _concerned(self) -> list[ServiceKey]:
        """Name the services that are wanted, and those that are to be withdrawn after them."""
        return [*self._wanted, *sorted(self._owned - self._wanted.keys())]

    def _forget_withdrawn(self) -> None:
        """Let go of services that are ours, not wanted and known to be gone."""
        gone = [
            key
            for key in self._owned - self._wanted.keys()
            if key in self._known and self._known[key].entry is None
        ]
        if gone and self._own(self._owned.difference(gone)):
            for key in gone:
                del self._known[key]
                self._records.failed(key, ())

    def _own(self, services: frozenset[ServiceKey]) -> bool:
        """Have these services remembered as ours; False when they could not be."""
        if services == self._owned:
            return True
        try:
            self._remember(services)
        except OSError as error:
            self._log.error("owned_services_not_stored", error=str(error))
            return False
        self._owned = services
        return True


def _table(key: ServiceKey, entry: ServiceEntry | None) -> Mapping[ServiceKey, ServiceEntry]:
    return {} if entry is None else {key: entry}


def _differ(key: ServiceKey, one: _Known, other: _Known) -> bool:
    return one is not other and bool(diff(_table(key, one.entry), _table(key, other.entry), (key,)))
