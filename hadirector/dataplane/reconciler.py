"""Makes the table of the dataplane equal to the wanted table, and keeps it equal.

A change of the wanted table is compared with the last known state of the table, and applied without
reading the table. Every 10 s a pass reads the whole table and compares it with the known state. A
difference was caused by another program, and is repaired. Operations that failed are repeated by
the next pass only.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping

import msgspec
import structlog

from hadirector.dataplane.condition import TableCondition
from hadirector.dataplane.dataplane import (
    Dataplane,
    DataplaneError,
    OperationFailure,
    Pool,
    TableCounters,
    read_all_counters,
    read_table,
)
from hadirector.dataplane.reconcile import AddService, diff, outcome
from hadirector.dataplane.slices import Slices
from hadirector.dataplane.table_log import TableLog
from hadirector.model.ipvs import Service, ServiceEntry, ServiceKey, Table

PASS_SECONDS = 10.0
UNSTEADY_SECONDS = 1.0
"""If two readings of a service differ, the next pass begins after this time."""


class _Known(msgspec.Struct, frozen=True, gc=False):
    """A service as it was last read or written; None if it does not exist.

    ``fingerprint`` is that of its pool when it was read, or 0.
    """

    entry: ServiceEntry | None
    fingerprint: int = 0


async def _report_nothing(_condition: TableCondition) -> None:
    """Ignore the condition of the table."""


class TableReconciler:
    """Makes the table of a dataplane equal to the wanted table.

    ``remember`` stores the owned services. It is called before the first operation on a new
    service, and after a service was deleted. ``report`` receives the condition of the table
    after each change or pass.
    """

    def __init__(
        self,
        dataplane: Dataplane,
        owned: Collection[ServiceKey],
        remember: Callable[[frozenset[ServiceKey]], None],
        report: Callable[[TableCondition], Awaitable[None]] = _report_nothing,
        *,
        observing: bool = False,
    ) -> None:
        self._dataplane = dataplane
        self._owned = frozenset(owned)
        self._remember = remember
        self._report = report
        self._settled = False
        self._wanted: Table = {}
        self._known: dict[ServiceKey, _Known] = {}
        self._changed: dict[ServiceKey, None] = {}  # in the order of their first change
        self._wake = asyncio.Event()
        self._table_log = TableLog(observing=observing)
        self._log = structlog.get_logger()

    @property
    def failing(self) -> dict[str, str]:
        """Every operation that failed at its last attempt, with the error."""
        return self._table_log.failing

    @property
    def repaired(self) -> int:
        """The number of operations that reverted changes by other programs."""
        return self._table_log.repaired

    @property
    def settled(self) -> bool:
        """Whether all operations for the current wanted table were tried, even if some failed."""
        return self._settled and not self._changed

    @property
    def owned(self) -> frozenset[ServiceKey]:
        """The services that the director created or adopted."""
        return self._owned

    def known_entry(self, key: ServiceKey) -> ServiceEntry | None:
        """Return a service as it was last read or written; None if it is missing or not known."""
        known = self._known.get(key)
        return None if known is None else known.entry

    def want(self, table: Table, changed: Collection[ServiceKey] | None = None) -> None:
        """Set the wanted table.

        ``changed`` are the services that may differ; None stands for all.
        """
        self._wanted = table
        if changed is None:
            changed = self._relevant_services()
        self._changed.update(dict.fromkeys(changed))
        self._wake.set()

    async def run(self) -> None:
        """Apply changes at once and make a pass every 10 s, until cancelled."""
        loop = asyncio.get_running_loop()
        next_pass = loop.time()
        while True:
            self._wake.clear()
            due = loop.time() >= next_pass
            if due:
                next_pass = loop.time() + PASS_SECONDS
            self._settled, unreadable = False, ""
            try:
                await self._apply_changes()
                if due and not await self._pass():
                    next_pass = loop.time() + min(PASS_SECONDS, UNSTEADY_SECONDS)
                self._disown_absent_services()
                self._settled = True
            except DataplaneError as error:
                unreadable = str(error)
                self._log.error("table_pass_failed", error=unreadable)
            self._table_log.end_round()
            await self._report(self._condition(unreadable))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_pass):
                    await self._wake.wait()

    async def adopt(self) -> Table:
        """Read the whole table before the first pass, and use it as the known state.

        Raises DataplaneError.
        """
        table = {}
        for key, service in (await self._dataplane.read_services()).items():
            known = await self._read(key, service)
            assert known.entry is not None, "a service that was read exists"
            table[key] = known.entry
            if key in self._owned:
                self._known[key] = known
        return table

    async def read(self) -> Table:
        """Read the whole table at this moment. Raises DataplaneError."""
        return await read_table(self._dataplane)

    async def read_counters(self, keys: Collection[ServiceKey] | None = None) -> TableCounters:
        """Read the counters of these services, or of all. Raises DataplaneError."""
        return await read_all_counters(self._dataplane, keys)

    async def withdraw(self) -> None:
        """Delete all owned services. Raises DataplaneError."""
        services = await self._dataplane.read_services(self._owned)
        actual = {key: ServiceEntry(service, {}) for key, service in services.items()}
        operations = diff(actual, {}, self._owned)
        failures = await self._dataplane.apply(operations)
        self._table_log.record_operations(operations, failures)
        self._table_log.end_round()
        if not failures:
            self._own(frozenset())

    def _condition(self, unreadable: str) -> TableCondition:
        failing = self.failing
        error = unreadable or next(
            (f"{operation}: {error}" for operation, error in failing.items()), ""
        )
        present = len(self._wanted)
        if error:  # only then a service may be missing
            present = sum(self._exists(key) for key in self._wanted)
        return TableCondition(len(failing), error, len(self._wanted), present)

    def _exists(self, key: ServiceKey) -> bool:
        """Return whether a service exists. With failures, its known state is not up to date."""
        failing = self._table_log.failing_operations(key)
        known = self._known.get(key)
        if known is None:
            return bool(failing) and not any(isinstance(each, AddService) for each in failing)
        return known.entry is not None

    # --- changes of the wanted table ------------------------------------------------------------

    async def _apply_changes(self) -> None:
        """Reconcile the changed services. Raises DataplaneError."""
        new = [key for key in self._changed if key in self._wanted and key not in self._owned]
        if new:
            self._own(self._owned.union(new))
        slices = Slices()
        while self._changed:
            await slices.pause()
            key = next(iter(self._changed))
            del self._changed[key]
            try:
                await self._reconcile(key)
            except DataplaneError:
                self._changed[key] = None
                raise

    async def _reconcile(self, key: ServiceKey) -> None:
        """Reconcile a service.

        It is read first if its state is unknown. It is read again if operations failed, because the
        known state may be wrong. Raises DataplaneError.
        """
        was_known = key in self._known
        if was_known and not await self._apply(key):
            return
        services = await self._dataplane.read_services([key])
        self._known[key] = await self._read(key, services.get(key))
        self._table_log.record_failures(key, await self._apply(key, repair=was_known))

    async def _apply(self, key: ServiceKey, *, repair: bool = False) -> list[OperationFailure]:
        """Apply the operations that turn the known state of a service into the wanted state."""
        actual, wanted = self._known[key].entry, self._wanted.get(key)
        if actual is wanted:
            return []
        operations = diff(_table(key, actual), _table(key, wanted), (key,))
        if not operations:
            return []
        failures = await self._dataplane.apply(operations)
        self._table_log.record_operations(
            operations, failures, _table(key, actual) if repair else None
        )
        if failures:
            del self._known[key]
        else:
            self._known[key] = _Known(outcome(actual, operations, wanted))
        return failures

    # --- passes ---------------------------------------------------------------------------------

    async def _pass(self) -> bool:
        """Compare and repair all owned services; return False if a service is unsteady.

        Services that change during the pass come first. Raises DataplaneError.
        """
        await self._apply_changes()
        before = dict(self._known)
        services = await self._dataplane.read_services()
        steady = True
        slices = Slices()
        for key in self._relevant_services():
            await slices.pause()
            if self._changed:
                await self._apply_changes()
            if self._known.get(key) is before.get(key):  # or else it was written after this read
                steady &= await self._compare(key, services.get(key))
        return steady

    async def _compare(self, key: ServiceKey, service: Service | None) -> bool:
        """Repair a service if it differs from the known state; return False if it is unsteady.

        A dump does not show a single moment, so a service that differs is read again. It is
        unsteady if the two readings differ. Raises DataplaneError.
        """
        known = self._known.get(key)
        now = await self._read(key, service, known)
        changed = known is not None and _differ(key, known, now)
        if changed:
            services = await self._dataplane.read_services([key])
            if _differ(key, now, await self._read(key, services.get(key))):
                self._log.info("table_unsteady", service=str(key))
                return False
        elif known is not None:
            now = _Known(known.entry, now.fingerprint)
        self._known[key] = now
        self._table_log.record_failures(key, await self._apply(key, repair=changed))
        return True

    async def _read(
        self, key: ServiceKey, service: Service | None, known: _Known | None = None
    ) -> _Known:
        """Read the pool of a service, unless its fingerprint shows the known state."""
        if service is None:
            return _Known(None)
        entry = None if known is None else known.entry
        fingerprint = 0 if known is None else known.fingerprint
        pool = await self._dataplane.read_pool(key, fingerprint)
        if pool is None:
            assert known is not None, "a read without a fingerprint returns a pool"
            assert entry is not None, "only a service that exists has a fingerprint"
            if service == entry.service:
                return known
            pool = Pool(entry.destinations, fingerprint)
        return _Known(ServiceEntry(service, pool.destinations), pool.fingerprint)

    # --- ownership ------------------------------------------------------------------------------

    def _relevant_services(self) -> list[ServiceKey]:
        """Return the wanted services, and after them the owned services that must be deleted."""
        return [*self._wanted, *sorted(self._owned - self._wanted.keys())]

    def _disown_absent_services(self) -> None:
        """Give up the ownership of services that are not wanted and are known to be deleted."""
        gone = [
            key
            for key in self._owned - self._wanted.keys()
            if key in self._known and self._known[key].entry is None
        ]
        if gone:
            self._own(self._owned.difference(gone))
            for key in gone:
                del self._known[key]
                self._table_log.record_failures(key, ())

    def _own(self, services: frozenset[ServiceKey]) -> None:
        """Store these services as owned."""
        self._remember(services)
        self._owned = services


def _table(key: ServiceKey, entry: ServiceEntry | None) -> Mapping[ServiceKey, ServiceEntry]:
    return {} if entry is None else {key: entry}


def _differ(key: ServiceKey, one: _Known, other: _Known) -> bool:
    return one is not other and bool(diff(_table(key, one.entry), _table(key, other.entry), (key,)))
