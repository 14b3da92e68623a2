"""Sends the reports of the vrrp process to the director, and loses no change of a state.

If the director does not read, reports wait: the latest transition and the latest status of each
instance, and a limited number of notices. The memory is therefore bounded, and a director that
continues after a pause receives the current state of each instance.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from time import monotonic
from typing import Final

from msgspec.structs import replace

from hadirector.processes.channel import Channel
from hadirector.processes.messages import ToVrrp
from vrrp.model.report import InstanceStatus, Notice, Report, Transition

NOTICES_MAX: Final = 256
"""Notices that wait for the director. The oldest notice is dropped first."""


class VrrpReports:
    """The reports that wait for the director. ``run`` sends them.

    ``dropped`` is the number of notices that were dropped.
    """

    def __init__(self, channel: Channel[ToVrrp]) -> None:
        self.dropped = 0
        self._channel = channel
        self._transitions: OrderedDict[str, Transition] = OrderedDict()
        self._statuses: OrderedDict[str, InstanceStatus] = OrderedDict()
        self._notices: deque[Notice] = deque()
        self._has_waiting = asyncio.Event()
        self._delivered = asyncio.Event()
        self._delivered.set()

    def send(self, report: Report) -> None:
        """Send a report now, or keep it until the director reads. This method never blocks."""
        if not isinstance(report, Notice):
            report = replace(report, sent_at=monotonic())
        if self._channel.is_flushed and not self._has_waiting.is_set():
            self._channel.send(report)
        else:
            self._keep(report)
            self._has_waiting.set()
        if not self._channel.is_flushed:
            self._delivered.clear()
            self._has_waiting.set()

    async def run(self) -> None:
        """Send the waiting reports until cancelled: transitions first, statuses last."""
        while True:
            await self._has_waiting.wait()
            await self._channel.wait_for_flush()
            while self._channel.is_flushed and (report := self._take()) is not None:
                self._channel.send(report)
            if self._channel.is_flushed:
                self._has_waiting.clear()
                self._delivered.set()

    async def deliver(self) -> None:
        """Wait until every report was sent, or until the director has ended.

        There is no time limit: the director must receive the report of a handover, because
        it could otherwise resume an instance that was handed over.
        """
        await self._delivered.wait()

    def _keep(self, report: Report) -> None:
        match report:
            case Transition():
                self._transitions[report.instance] = report
                self._transitions.move_to_end(report.instance)
                self._statuses.pop(report.instance, None)  # it has the state before
            case InstanceStatus():
                self._statuses[report.instance] = report
            case Notice():
                if len(self._notices) >= NOTICES_MAX:
                    self._notices.popleft()
                    self.dropped += 1
                self._notices.append(report)

    def _take(self) -> Report | None:
        """Remove and return the next waiting report."""
        if self._transitions:
            return self._transitions.popitem(last=False)[1]
        if self._notices:
            return self._notices.popleft()
        return self._statuses.popitem(last=False)[1] if self._statuses else None
