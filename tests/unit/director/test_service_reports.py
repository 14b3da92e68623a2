"""The watchdog of the service manager is fed only while the vrrp process answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

from hadirector.config.loader import load
from hadirector.dataplane.dry_run import DryRunDataplane
from hadirector.director.messages import Message
from hadirector.director.parts import Parts
from hadirector.director.service_reports import ServiceReports
from hadirector.events.recorder import Recorder
from hadirector.runtime.service_manager import ServiceManager

INSTANCE = (
    "vrrp: [{name: web, interface: lo, virtual_router_id: 51, virtual_addresses: [10.0.0.1]}]"
)
SERVICE = """\
virtual_servers:
  - {name: web, address: '10.0.0.1:80', scheduler: rr, forwarding: nat, check: none,
     real_servers: [{address: 10.0.0.2}]}
"""


async def drop(_: Message) -> None:
    """Stand for a director that does nothing."""


async def first_report(directory: Path, sections: str) -> list[str]:
    """Return the first message of a director whose processes have not been started."""
    file = directory / "hadirector.yaml"
    text = f"director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/run}}\n"
    file.write_text(text + sections)
    parts = Parts(load(file), DryRunDataplane(), Recorder(), drop)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(directory / "notify"))
        receiver.setblocking(False)
        reports = ServiceReports(ServiceManager(str(directory / "notify"), 30.0), parts)
        reporting = asyncio.create_task(reports.run())
        message = await asyncio.get_running_loop().sock_recv(receiver, 4096)
        reporting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reporting
    return message.decode().split("\n")


async def test_a_vrrp_process_that_does_not_answer_starves_the_watchdog(tmp_path: Path) -> None:
    assert await first_report(tmp_path, INSTANCE) == ["STATUS=the director is starting"]


async def test_a_director_without_instances_needs_no_vrrp_process(tmp_path: Path) -> None:
    report = await first_report(tmp_path, SERVICE)
    assert report == ["STATUS=the director is starting", "WATCHDOG=1"]
