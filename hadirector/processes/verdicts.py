"""Sends verdicts to the director as fast as it reads them.

When thousands of targets change at once, the worker finds verdicts faster than the director handles
them. A verdict that cannot be sent at once waits. A later verdict of the same check replaces it, so
at most one verdict waits for each check. The memory is therefore bounded by the number of checks,
and the director receives the current states and not the history.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from checks.definition.result import Result, Verdict
from hadirector.processes.channel import Channel
from hadirector.processes.messages import ToChecks, VerdictChanged


class VerdictReports:
    """Sends the verdicts of one worker to the director. ``run`` sends the waiting verdicts."""

    def __init__(self, channel: Channel[ToChecks]) -> None:
        self._channel = channel
        self._waiting: OrderedDict[str, VerdictChanged] = OrderedDict()
        self._has_waiting = asyncio.Event()

    @property
    def are_waiting(self) -> bool:
        """Whether verdicts wait to be sent."""
        return bool(self._waiting)

    def report(self, identity: str, verdict: Verdict, result: Result) -> None:
        """Send a verdict now, or keep it until the director reads. This method never blocks."""
        message = VerdictChanged(identity, verdict, result)
        if self._channel.is_flushed and not self._waiting:
            self._channel.send(message)
        else:
            self._waiting[identity] = message
            self._has_waiting.set()

    async def run(self) -> None:
        """Send the waiting verdicts. The check whose verdict has waited longest comes first."""
        while True:
            await self._has_waiting.wait()
            await self._channel.wait_for_flush()
            while self._waiting and self._channel.is_flushed:
                self._channel.send(self._waiting.popitem(last=False)[1])
            if not self._waiting:
                self._has_waiting.clear()
