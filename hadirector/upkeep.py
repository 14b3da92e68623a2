"""What a director keeps true in the kernel besides the table: at once, and again every 10 s."""

from __future__ import annotations

import asyncio

from hadirector.model import Configuration
from hadirector.state import Memory
from hadirector.sysctl_keeper import SysctlKeeper

PASS_SECONDS = 10.0


class Upkeep:
    """Keeps the sysctls."""

    def __init__(self, configuration: Configuration, memory: Memory) -> None:
        self.sysctls = SysctlKeeper(configuration, memory.owned.sysctls, memory.remember_sysctls)

    def start(self) -> None:
        """Make everything so, before anything is forwarded."""
        self.sysctls.make_so(repair=False)

    async def run(self) -> None:
        """Make passes until cancelled."""
        while True:
            await asyncio.sleep(PASS_SECONDS)
            self.sysctls.make_so(repair=True)

    def configure(self, configuration: Configuration) -> None:
        """Follow another configuration."""
        self.sysctls.configure(configuration)

    def withdraw(self) -> None:
        """Leave the kernel as it was found."""
        self.sysctls.restore()
