"""Counts and logs what becomes of the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import structlog

from hadirector.dataplane.dataplane import OperationFailure
from hadirector.dataplane.reconcile import Operation, describe, describe_actual
from hadirector.model.ipvs import ServiceKey, Table

LOGGED_OPERATIONS_MAX = 50
"""Lines that one round may log of a kind; the rest is only counted, in one more."""


class TableLog:
    """What was done, what was repaired, and what fails.

    ``repaired`` counts the operations that undid what somebody else had done.
    """

    def __init__(self) -> None:
        self.repaired = 0
        self._failing: dict[ServiceKey, dict[Operation, str]] = {}
        self._logged: Counter[str] = Counter()
        self._log = structlog.get_logger()

    @property
    def failing(self) -> dict[str, str]:
        """Every operation that did not take when it was last tried, with the error."""
        return {
            describe(operation): error
            for errors in self._failing.values()
            for operation, error in errors.items()
        }

    def done(
        self,
        operations: Sequence[Operation],
        failures: Sequence[OperationFailure],
        drifted: Table | None = None,
    ) -> None:
        """Note the operations that took; ``drifted`` is what somebody else had made of it."""
        failed = {each.operation for each in failures}
        took = [each for each in operations if each not in failed]
        self.repaired += 0 if drifted is None else len(took)
        event = "table_changed" if drifted is None else "table_repaired"
        for each in self._to_log(event, took):
            was = {} if drifted is None else {"was": describe_actual(each, drifted)}
            self._log.info(event, operation=describe(each), **was)

    def failed(self, service: ServiceKey, failures: Sequence[OperationFailure]) -> None:
        """Note all that fails now of a service; what failed alike before is not logged again."""
        before = self._failing.pop(service, {})
        errors = {each.operation: each.error for each in failures}
        if errors:
            self._failing[service] = errors
        event = "table_change_failed"
        new = [each for each, error in errors.items() if before.get(each) != error]
        for each in self._to_log(event, new):
            self._log.error(event, operation=describe(each), error=errors[each])

    def end_round(self) -> None:
        """Tell how much was not logged one by one; the next round may log as much again."""
        for event, count in self._logged.items():
            if count > LOGGED_OPERATIONS_MAX:
                level = self._log.error if event == "table_change_failed" else self._log.info
                level(event, further=count - LOGGED_OPERATIONS_MAX)
        self._logged.clear()

    def _to_log(self, event: str, operations: Sequence[Operation]) -> Sequence[Operation]:
        room = max(0, LOGGED_OPERATIONS_MAX - self._logged[event])
        self._logged[event] += len(operations)
        return operations[:room]
