"""Counts the processes of patterns in a thread, because a read of /proc may hang.

With the process connector of the kernel, the thread waits for events. Without it, the thread reads
/proc once a second. In the meantime, it notices the end of a matching process by a pidfd.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from typing import Final, NamedTuple

from hadirector.runtime import signals
from vrrp.model.tracked_process import ProcessPattern
from vrrp.tracking.process import read_process, read_processes
from vrrp.tracking.process_connector import ConnectorError, OverrunError, ProcessConnector
from vrrp.tracking.process_table import Patterns, ProcessTable

POLL_SECONDS: Final = 1.0
BATCH_SECONDS: Final = 0.003
"""Events within this time are handled together, so that a host which starts many programs does not
wake the director for each of them."""
RESCAN_SECONDS: Final = 1.0
"""The least time between two scans that follow an overrun."""
PIDFDS_MAX: Final = 64
"""Most processes whose end is noticed by a pidfd. The end of others is noticed by the next scan."""


class Report(NamedTuple):
    """The number of processes of each pattern.

    ``polling`` is the reason for which the kernel reports no events, or None. ``error`` is the
    reason for which /proc could not be read; then the counts are empty.
    """

    counts: Mapping[ProcessPattern, int]
    polling: str | None = None
    error: str | None = None


class ProcessCounter:
    """Counts the processes of patterns until `close`.

    The thread reports each change, and the exception if it crashes.
    """

    def __init__(
        self, patterns: Iterable[ProcessPattern], report: Callable[[Report | Exception], None]
    ) -> None:
        self._patterns = Patterns(patterns)
        self._table = ProcessTable(self._patterns)
        self._report = report
        self._last: Report | None = None
        self._polling: str | None = None
        self._closed = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="processes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread. It may go on for a moment, and its reports must be ignored."""
        os.eventfd_write(self._closed, 1)

    def _run(self) -> None:
        signals.block()
        try:
            while not self._try_to_count():
                if self._wait(POLL_SECONDS):
                    break
        except Exception as error:  # noqa: BLE001  # the loop raises it
            self._report(error)
        else:
            os.close(self._closed)

    def _try_to_count(self) -> bool:
        """Count until `close`. Return False if /proc cannot be read."""
        try:
            self._count()
        except OSError as error:
            self._publish(Report({}, self._polling, error.strerror))
            return False
        return True

    def _count(self) -> None:
        """Count until `close`. Raises OSError if /proc cannot be read."""
        self._scan()  # an instance waits for the first counts
        with ExitStack() as stack:
            try:
                connector = ProcessConnector()
            except ConnectorError as error:
                self._polling = str(error)
                self._poll()
                return
            stack.callback(connector.close)
            self._polling = None
            self._follow(connector)

    def _follow(self, connector: ProcessConnector) -> None:
        """Scan once, and then apply the events of the kernel."""
        self._scan()
        scanned = 0.0
        while not self._wait(None, connector.fileno()):
            time.sleep(BATCH_SECONDS)
            try:
                for pid in self._table.apply(connector.receive()):
                    self._table.update(pid, read_process(pid, self._patterns))
                self._publish_counts()
            except OverrunError:
                # Under a storm of events, a scan would soon be followed by the next overrun.
                if self._wait(max(0.0, scanned + RESCAN_SECONDS - time.monotonic())):
                    return
                connector.discard()
                self._scan()
                scanned = time.monotonic()

    def _poll(self) -> None:
        """Scan once a second."""
        while True:
            due = time.monotonic() + POLL_SECONDS
            self._scan()
            with ExitStack() as stack:
                ends = {}
                for pid in list(self._table.pids)[:PIDFDS_MAX]:
                    with suppress(OSError):  # the process has ended
                        ends[os.pidfd_open(pid)] = pid
                for descriptor in ends:
                    stack.callback(os.close, descriptor)
                if self._wait_for_ends(ends, due):
                    return

    def _wait_for_ends(self, ends: dict[int, int], due: float) -> bool:
        """Remove the processes that end until ``due``. Return whether `close` was called."""
        while (left := due - time.monotonic()) > 0:
            waiting = _poller((self._closed, *ends))
            ready = [descriptor for descriptor, _ in waiting.poll(left * 1000)]
            if self._closed in ready:
                return True
            for descriptor in ready:
                # The descriptor stays readable, so it is not waited for again.
                self._table.update(ends.pop(descriptor), None)
            self._publish_counts()
        return self._wait(0.0)

    def _wait(self, seconds: float | None, *descriptors: int) -> bool:
        """Wait until a descriptor is readable. Return whether `close` was called."""
        waiting = _poller((self._closed, *descriptors))
        ready = waiting.poll(None if seconds is None else seconds * 1000)
        return any(descriptor == self._closed for descriptor, _ in ready)

    def _scan(self) -> None:
        self._table.replace(read_processes(self._patterns))
        self._publish_counts()

    def _publish_counts(self) -> None:
        self._publish(Report(self._table.counts(), self._polling))

    def _publish(self, report: Report) -> None:
        if report != self._last:
            self._last = report
            self._report(report)


def _poller(descriptors: Iterable[int]) -> select.poll:
    waiting = select.poll()
    for descriptor in descriptors:
        waiting.register(descriptor, select.POLLIN)
    return waiting
