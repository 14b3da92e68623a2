"""Counts and logs the operations on the IPVS table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import structlog

from hadirector.dataplane.dataplane import OperationFailure
from hadirector.dataplane.reconcile import Operation, describe, describe_actual
from hadirector.model.ipvs import ServiceKey, Table

LOGGED_OPERATIONS_MAX = 50
"""The maximum number of lines for one event in a round. One more line has the number of operations
that were not logged."""


class TableLog:
    """Logs completed operations, repairs and failures.

    ``repaired`` counts the operations that reverted changes by other programs. While
    ``observing``, no operation is applied, and each operation shows a difference between the
    wanted and the actual table.
    """

    def __init__(self, *, observing: bool = False) -> None:
        self._failure_event = "table_difference_found" if observing else "table_change_failed"
        self.repaired = 0
        self._failing: dict[ServiceKey, dict[Operation, str]] = {}
        self._logged: Counter[str] = Counter()
        self._log = structlog.get_logger()

    @property
    def failing(self) -> dict[str, str]:
        """Every operation that failed at its last attempt, with the error."""
        return {
            describe(operation): error
            for errors in self._failing.values()
            for operation, error in errors.items()
        }

    def failing_operations(self, service: ServiceKey) -> Collection[Operation]:
        """Return the operations on a service that failed at their last attempt."""
        return self._failing.get(service, {}).keys()

    def record_operations(
        self,
        operations: Sequence[Operation],
        failures: Sequence[OperationFailure],
        drifted: Table | None = None,
    ) -> None:
        """Log the operations that succeeded.

        For a repair, ``drifted`` is the table that another program had changed.
        """
        failed = {failure.operation for failure in failures}
        completed = [operation for operation in operations if operation not in failed]
        self.repaired += 0 if drifted is None else len(completed)
        event = "table_changed" if drifted is None else "table_repaired"
        log = self._log.info if drifted is None else self._log.warning
        for operation in self._to_log(event, completed):
            was = {} if drifted is None else {"was": describe_actual(operation, drifted)}
            log(event, operation=describe(operation), **was)

    def record_failures(self, service: ServiceKey, failures: Sequence[OperationFailure]) -> None:
        """Replace the failures of a service. A failure with the same error is not logged again."""
        before = self._failing.pop(service, {})
        errors = {failure.operation: failure.error for failure in failures}
        if errors:
            self._failing[service] = errors
        event = self._failure_event
        new = [operation for operation, error in errors.items() if before.get(operation) != error]
        for operation in self._to_log(event, new):
            self._log.error(event, operation=describe(operation), error=errors[operation])

    def end_round(self) -> None:
        """Log how many operations were not logged, and begin to count again."""
        logs = {self._failure_event: self._log.error, "table_repaired": self._log.warning}
        for event, count in self._logged.items():
            if count > LOGGED_OPERATIONS_MAX:
                log = logs.get(event, self._log.info)
                log(event, operations_not_logged=count - LOGGED_OPERATIONS_MAX)
        self._logged.clear()

    def _to_log(self, event: str, operations: Sequence[Operation]) -> Sequence[Operation]:
        room = max(0, LOGGED_OPERATIONS_MAX - self._logged[event])
        self._logged[event] += len(operations)
        return operations[:room]
