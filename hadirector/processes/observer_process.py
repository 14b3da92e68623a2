"""The observer process: reports what VRRP routers advertise. It runs instead of the vrrp process.

It sends nothing and holds no address. It exits when its channel ends.
"""

from __future__ import annotations

import asyncio
import selectors

from hadirector.processes.channel import Channel
from hadirector.processes.child import run_child, send_heartbeats
from hadirector.processes.messages import (
    ConfigureVrrp,
    Heartbeat,
    ReportStatus,
    RequestHandover,
    Stop,
    ToVrrp,
    TrackedValues,
)
from hadirector.processes.vrrp_reports import VrrpReports
from vrrp.observation.observer import Observer


async def serve(channel: Channel[ToVrrp]) -> None:
    """Observe the instances that the director configures, until it sends ``Stop`` or exits."""
    reports = VrrpReports(channel)
    with Observer(reports.send) as observer:
        tasks = [
            asyncio.create_task(work)
            for work in (reports.run(), observer.run(), send_heartbeats(channel))
        ]
        try:
            await _handle_messages(channel, observer)
        finally:
            for task in tasks:
                task.cancel()


async def _handle_messages(channel: Channel[ToVrrp], observer: Observer) -> None:
    while True:
        match await channel.receive():
            case None | Stop():
                return
            case ConfigureVrrp() as message:
                observer.configure(message.instances)
            case TrackedValues() | RequestHandover() | ReportStatus() | Heartbeat():
                pass


def main(descriptor: int) -> None:
    """Run this child process over its end of the channel."""
    run_child(descriptor, ToVrrp, serve, selectors.SelectSelector())
