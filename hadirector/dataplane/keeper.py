"""Keeps the dataplane's table equal to the wanted one: read, diff, apply, at every change and
every 10 s. There is no other retry: what failed, or what somebody else changed, is met by the next
pass.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence

import structlog

from hadirector.dataplane.base import Dataplane, DataplaneError, Held, OperationFailure
from hadirector.model import ServiceKey, Table
from hadirector.reconcile import Operation, by_service, describe, diff, found, service_of

PASS_SECONDS = 10.0
LOGGED_OPERATIONS_MAX = 50
"""Lines that one pass may log of a kind; the rest is only counted, in one more."""


class TableKeeper:
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
        self.repaired = 0
        self._failing: dict[Operation, str] = {}
        self._dataplane = dataplane
        self._owned = frozenset(owned)
        self._remember = remember
        self._wanted: Table = {}
        self._changed: set[ServiceKey] = set()
        self._all_changed = True
        self._wake = asyncio.Event()
        self._in_use = asyncio.Lock()
        self._log = structlog.get_logger()

    @property
    def failing(self) -> dict[str, str]:
        """Every operation that did not take when it was last tried, with the error."""
        return {describe(operation): error for operation, error in self._failing.items()}

    @property
    def owned(self) -> frozenset[ServiceKey]:
        """The services that are ours."""
        return self._owned

    def want(self, table: Table, changed: Collection[ServiceKey] | None = None) -> None:
        """Take a new wanted table. ``changed`` limits the next pass to these services."""
        self._wanted = table
        self._changed.update(changed or ())
        self._all_changed |= changed is None
        self._wake.set()

    async def run(self) -> None:
        """Make passes until cancelled."""
        loop = asyncio.get_running_loop()
        next_full = loop.time()
        while True:
            full = self._all_changed or loop.time() >= next_full
            if full:
                next_full = loop.time() + PASS_SECONDS
            await self._pass(full)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(next_full):
                    await self._wake.wait()

    async def read(self) -> Table:
        """Read the whole table as it is now. Raises DataplaneError."""
        async with self._in_use:
            return await self._dataplane.read()

    async def read_counters(self) -> Held:
        """Read what every destination carries now. Raises DataplaneError."""
        async with self._in_use:
            return await self._dataplane.read_counters()

    async def withdraw(self) -> None:
        """Delete every service that is ours. Raises DataplaneError."""
        async with self._in_use:
            actual = await self._dataplane.read(self._owned)
            operations = diff(actual, {}, self._owned)
            failures = await self._dataplane.apply(operations)
            self._report(operations, failures, None, None)
            if not failures:
                self._own(frozenset())

    async def _pass(self, full: bool) -> None:
        changed, self._changed = frozenset(self._changed), set()
        expected = self._all_changed
        self._all_changed = False
        self._wake.clear()
        async with self._in_use:
            wanted = self._wanted
            try:
                if full:
                    await self._converge(wanted, None, repair=not expected and not changed)
                else:
                    part = {key: wanted[key] for key in changed if key in wanted}
                    await self._converge(part, changed, repair=False)
            except DataplaneError as error:
                self._log.error("table_pass_failed", error=str(error))
                self._all_changed = True

    async def _converge(
        self, wanted: Table, only: frozenset[ServiceKey] | None, *, repair: bool
    ) -> None:
        actual = await self._dataplane.read(only)
        if not self._own(self._owned | wanted.keys()):
            # What cannot be remembered as ours is not made; all else goes on.
            wanted = {key: entry for key, entry in wanted.items() if key in self._owned}
        owned = self._owned if only is None else self._owned & only
        operations = diff(actual, wanted, owned)
        if repair and operations:
            operations = await self._seen_twice(operations, wanted, owned)
        failures = await self._dataplane.apply(operations) if operations else []
        self._report(operations, failures, only, actual if repair else None)
        if only is None and not failures:
            self._own(frozenset(wanted))

    async def _seen_twice(
        self, operations: Sequence[Operation], wanted: Table, owned: frozenset[ServiceKey]
    ) -> list[Operation]:
        """Read again what differs, though nothing was changed here: a dump is not one moment.

        A service that now shows something else is left to the next pass, which follows at once.
        """
        before = by_service(operations)
        actual = await self._dataplane.read(before.keys())
        part = {key: wanted[key] for key in before if key in wanted}
        now = by_service(diff(actual, part, owned & before.keys()))
        unsteady = {key for key in before if now.get(key) != before[key]}
        if unsteady:
            self._log.info("table_unsteady", services=[str(key) for key in sorted(unsteady)])
            self._changed |= unsteady
            self._wake.set()
        return [each for key, several in now.items() if key not in unsteady for each in several]

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

    def _report(
        self,
        operations: Sequence[Operation],
        failures: Sequence[OperationFailure],
        only: frozenset[ServiceKey] | None,
        drifted: Table | None,
    ) -> None:
        """Count and log; ``drifted`` is what somebody else had made of the table."""
        errors = {failure.operation: failure.error for failure in failures}
        done = [each for each in operations if each not in errors]
        self.repaired += 0 if drifted is None else len(done)
        event = "table_changed" if drifted is None else "table_repaired"
        for each in done[:LOGGED_OPERATIONS_MAX]:
            was = {} if drifted is None else {"was": found(each, drifted)}
            self._log.info(event, operation=describe(each), **was)
        if (further := len(done) - LOGGED_OPERATIONS_MAX) > 0:
            self._log.info(event, further=further)
        new = [each for each, error in errors.items() if self._failing.get(each) != error]
        for each in new[:LOGGED_OPERATIONS_MAX]:
            self._log.error("table_change_failed", operation=describe(each), error=errors[each])
        if (further := len(new) - LOGGED_OPERATIONS_MAX) > 0:
            self._log.error("table_change_failed", further=further)
        if only is not None:  # what was not looked at fails as it did before
            errors |= {k: v for k, v in self._failing.items() if service_of(k) not in only}
        self._failing = errors
