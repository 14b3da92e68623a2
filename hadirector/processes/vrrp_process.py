"""The vrrp process: runs elections and addresses, isolated from all other work of the director.

It writes to no log, file or pipe. It sends reports over the channel. If the director does not read,
the latest reports wait (`hadirector.processes.vrrp_reports`). Every second it sends the status of
all instances and then collects garbage. Objects that existed after the start are excluded from the
collection.
"""

from __future__ import annotations

import asyncio
import gc
import hmac
import selectors
from collections.abc import Callable, Iterable

from hadirector.processes import realtime
from hadirector.processes.channel import Channel
from hadirector.processes.child import run_child
from hadirector.processes.memory import settle
from hadirector.processes.messages import (
    ConfigureVrrp,
    Heartbeat,
    ReportStatus,
    RequestHandover,
    Stop,
    ToVrrp,
    TrackedValues,
)
from hadirector.processes.realtime import RealtimeError
from hadirector.processes.vrrp_reports import VrrpReports
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import Notice, Report
from vrrp.speaker import Speaker

STATUS_SECONDS = 1.0
DIRECTOR_SILENCE_SECONDS = 30.0
LAST_READ_SECONDS = 0.1


async def serve(channel: Channel[ToVrrp]) -> None:
    """Run the instances that the director configures, and release the addresses at its end.

    If the channel ends, the director has ended: send priority 0, release the addresses and
    exit. If the director sends nothing for 30 s, it hangs: hand over, deliver the last reports,
    and exit. A director that recovers starts a new process.
    """
    reports = VrrpReports(channel)
    gc.disable()
    settle()
    sending = asyncio.create_task(reports.run())
    async with Speaker(reports.send, alone=True) as speaker:
        statuses = asyncio.create_task(_send_statuses(channel, speaker, reports.send))
        try:
            await _handle_messages(channel, speaker, reports.send)
        finally:
            statuses.cancel()
    await reports.deliver()
    sending.cancel()


async def _handle_messages(
    channel: Channel[ToVrrp], speaker: Speaker, report: Callable[[Report], None]
) -> None:
    in_realtime = False
    while True:
        try:
            message = await _receive(channel)
        except TimeoutError:
            await speaker.stop()
            return
        match message:
            case None:
                await speaker.release_now()
                return
            case ConfigureVrrp():
                if message.realtime != in_realtime:
                    in_realtime = message.realtime
                    _schedule(report, in_realtime=in_realtime)
                await _configure(speaker, message)
            case TrackedValues() | RequestHandover() | ReportStatus():
                _obey(speaker, message, report)
            case Stop():
                await speaker.stop(keep=message.keep)
                return
            case Heartbeat():
                pass


def _obey(
    speaker: Speaker,
    message: TrackedValues | RequestHandover | ReportStatus,
    report: Callable[[Report], None],
) -> None:
    match message:
        case TrackedValues():
            speaker.update_values(message.values)
        case RequestHandover():
            speaker.hand_over(message.instance, undo=message.undo)
        case ReportStatus():
            _report_status(speaker, message.instance, report)


async def _configure(speaker: Speaker, message: ConfigureVrrp) -> None:
    _load_authentication(message.instances)
    speaker.keep_static(message.static)
    if message.begun:
        await speaker.configure(
            message.instances, message.resume, message.yielding, message.tracked
        )
    settle()


async def _receive(channel: Channel[ToVrrp]) -> ToVrrp | None:
    """Wait for the next message of the director. Raises TimeoutError if it sends none.

    After the timeout, read once more: this process may have been suspended while messages arrived.
    """
    try:
        async with asyncio.timeout(DIRECTOR_SILENCE_SECONDS):
            return await channel.receive()
    except TimeoutError:
        async with asyncio.timeout(LAST_READ_SECONDS):
            return await channel.receive()


async def _send_statuses(
    channel: Channel[ToVrrp], speaker: Speaker, report: Callable[[Report], None]
) -> None:
    while True:
        await asyncio.sleep(STATUS_SECONDS)
        channel_is_silent = True
        for name in speaker.names():
            if _report_status(speaker, name, report):
                channel_is_silent = False
            await asyncio.sleep(0)  # with hundreds of instances, timers run in between
        if channel_is_silent:
            channel.send(Heartbeat(), droppable=True)
        gc.collect()


def _report_status(speaker: Speaker, name: str, report: Callable[[Report], None]) -> bool:
    """Report the status of an instance. Return whether the instance runs."""
    status = speaker.status(name)
    if status is not None:
        report(status)
    return status is not None


def _load_authentication(instances: Iterable[InstanceConfiguration]) -> None:
    """Import OpenSSL before an instance runs that needs it, because that takes 10 ms."""
    if any(instance.authentication or instance.version == 2 for instance in instances):
        hmac.digest(b"", b"", "sha256")  # the first use of a deferred module executes it


def _schedule(report: Callable[[Report], None], *, in_realtime: bool) -> None:
    """Change the scheduling; if the kernel refuses, report that and continue."""
    try:
        realtime.enter() if in_realtime else realtime.leave()
    except RealtimeError as error:
        report(Notice("error", "realtime_refused", {"error": str(error)}))


def main(descriptor: int) -> None:
    """Run this child process over its end of the channel."""
    run_child(descriptor, ToVrrp, serve, selectors.SelectSelector())
