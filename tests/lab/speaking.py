"""A VRRP speaker in the test's own process, on a single host, and helpers to look at the kernel."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from hadirector.lab.topology import Host
from tests.waiting import TRUE, eventually_async
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.speaker import Speaker

SETTLE_SECONDS = 5.0

FIRST = InstanceConfiguration(
    name="first",
    interface="eth0",
    virtual_router_id=51,
    virtual_addresses=("10.99.0.100/32", "10.99.0.101/32"),
    advert_interval=0.2,
)
"""The interval is long: the event loop stalls for a moment when a test runs `ip`."""


def lifetimes(host: Host, device: str = "eth0") -> dict[str, int]:
    """Return the IPv4 addresses of a device that have a lifetime, with the seconds left."""
    shown = host.run("ip", "-4", "address", "show", "dev", device, "dynamic").stdout
    found = re.findall(r"inet (\S+) .*\n\s+valid_lft (\d+)sec", shown)
    return {address: int(seconds) for address, seconds in found}


async def settle(look: Callable[[], object], what: str = "", *, expected: object = TRUE) -> None:
    """Wait until the speaker has brought about the expected value, at most 5 s.

    The speaker continues to run while ``look`` runs a program: see ``eventually_async``.
    """
    await eventually_async(look, SETTLE_SECONDS, what, expected=expected, threaded=True)


async def change(host: Host, *lines: str) -> None:
    """Apply lines of `ip -batch` while the speaker runs."""
    await asyncio.to_thread(host.ip, *lines)


async def activate(speaker: Speaker, *instances: InstanceConfiguration) -> None:
    """Configure these instances only, and wait until all of them are ACTIVE."""
    await speaker.configure(instances)
    await settle(
        lambda: {each.state for each in speaker.statuses()}, "all ACTIVE", expected={State.ACTIVE}
    )
