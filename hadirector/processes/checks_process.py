"""The checks process (a worker): runs probes and reports changed verdicts.

Garbage is collected once per second. With thousands of probes per second, Python's own trigger, the
number of new objects, would cost several percent more CPU time.
"""

from __future__ import annotations

import asyncio
import gc
from time import monotonic

from checks.io.attention import Attention, AttentiveSelector
from checks.scheduling.checker import Checker
from hadirector.processes.channel import Channel
from hadirector.processes.child import run_child
from hadirector.processes.memory import settle
from hadirector.processes.messages import (
    CheckStatistics,
    ConfigureChecks,
    Heartbeat,
    HintTargets,
    Stop,
    ToChecks,
)
from hadirector.processes.suspicions import SuspicionReports
from hadirector.processes.verdicts import VerdictReports
from hadirector.runtime.descriptors import raise_limit

STATISTICS_SECONDS = 1.0

FILES_MAX = 24576
"""The limit of file descriptors: enough for 8192 probes and as many idle connections."""


async def serve(channel: Channel[ToChecks], attention: Attention) -> None:
    """Run the checks that the director configures, until it sends ``Stop`` or exits."""
    gc.disable()
    third = min(raise_limit(FILES_MAX), FILES_MAX) // 3
    reports, suspicions = VerdictReports(channel), SuspicionReports(channel)
    checker = Checker(
        reports.report,
        probes_at_once_max=third,
        idle_connections_max=third,
        attention=attention,
        report_suspicion=suspicions.report,
    )
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(checker.run(), name="checker"),
            group.create_task(reports.run(), name="verdicts"),
            group.create_task(_send_statistics(channel, checker, reports), name="statistics"),
        ]
        await _handle_messages(channel, checker, suspicions)
        for task in tasks:
            task.cancel()


async def _handle_messages(
    channel: Channel[ToChecks], checker: Checker, suspicions: SuspicionReports
) -> None:
    while (message := await channel.receive()) is not None:
        match message:
            case ConfigureChecks():
                suspicions.wanted = message.suspicions
                checker.configure(message.checks, message.verdicts, message.weights, message.limits)
                settle()
            case HintTargets():
                for check in message.checks:
                    checker.hint(check)
            case Stop():
                return
            case Heartbeat():
                pass


async def _send_statistics(
    channel: Channel[ToChecks], checker: Checker, reports: VerdictReports
) -> None:
    started = monotonic()
    while True:
        await asyncio.sleep(STATISTICS_SECONDS)
        if reports.are_waiting:
            continue  # a result must not overtake the verdict that an older result caused
        latest = checker.take_latest()
        statistics = CheckStatistics(
            checker.probes,
            checker.delayed_probes,
            latest,
            checker.lateness.snapshot(),
            checker.hints,
            checker.idle_connections,
            dict(checker.discarded),
            checker.unattended,
            monotonic() - started,
        )
        if not channel.send(statistics, droppable=True):
            checker.put_back(latest)
        gc.collect()


def main(descriptor: int) -> None:
    """Run this child process over its end of the channel."""
    attention = Attention()
    run_child(
        descriptor,
        ToChecks,
        lambda channel: serve(channel, attention),
        AttentiveSelector(attention),
    )
