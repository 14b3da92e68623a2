"""A speaker of one's own on a lone host, driven by its calls, and what the kernel holds then."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from hadirector.lab.topology import Host
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.speaker import Speaker

FIRST = InstanceConfiguration(
    name="first",
    interface="eth0",
    virtual_router_id=51,
    virtual_addresses=("10.99.0.100/32", "10.99.0.101/32"),
    advert_interval=0.2,
)
"""Its interval is long enough for a loop that waits for an `ip` now and then not to stall."""


def lifetimes(host: Host, device: str = "eth0") -> dict[str, int]:
    """The IPv4 addresses of a device that have a lifetime, with its seconds."""
    shown = host.run("ip", "-4", "address", "show", "dev", device, "dynamic").stdout
    found = re.findall(r"inet (\S+) .*\n\s+valid_lft (\d+)sec", shown)
    return {address: int(seconds) for address, seconds in found}


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, 5 s at most. The speaker goes on while it is asked."""
    async with asyncio.timeout(5):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  (it has no event)
            await asyncio.sleep(0.01)


async def change(host: Host, *lines: str) -> None:
    """Apply lines of `ip -batch` while the speaker goes on."""
    await asyncio.to_thread(host.ip, *lines)


async def activate(speaker: Speaker, *instances: InstanceConfiguration) -> None:
    """Run these instances alone, and wait until all of them are ACTIVE."""
    await speaker.configure(instances)
    await eventually(lambda: all(each.state is State.ACTIVE for each in speaker.statuses()))
