"""The router in front of several directors: BIRD in a namespace, or a stand-in on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Protocol

from hadirector.demo.processes import python
from hadirector.demo.stage import POLL_SECONDS, ScenarioError, Stage


class Router(Protocol):
    """Divides the connections of the client between directors."""

    async def start(self, stage: Stage) -> None:
        """Start it, when all directors run."""

    async def withdraw(self, stage: Stage, director: str) -> None:
        """Let a director that runs get no connections."""

    async def restore(self, stage: Stage, director: str) -> None:
        """Let it get connections again."""

    async def wait_for(self, stage: Stage, directors: Sequence[str]) -> None:
        """Wait until exactly these directors get connections."""


class StandIn:
    """A program that relays each connection to a director. It tries another one if one refuses.

    Its file names the directors that get connections.
    """

    async def start(self, stage: Stage) -> None:
        """Start the program."""
        environment = stage.environment
        await self.wait_for(stage, environment.directors)
        where = ["--address", environment.virtual_address, "--port", str(environment.port)]
        file = str(stage.directory / "directors")
        command = python("hadirector.demo.divider", *where, "--directors", file)
        await stage.start_listener("router", command)

    async def withdraw(self, stage: Stage, director: str) -> None:
        """Do nothing: without a router there is no announcement to withdraw."""

    async def restore(self, stage: Stage, director: str) -> None:
        """Do nothing."""

    async def wait_for(self, stage: Stage, directors: Sequence[str]) -> None:
        """Write the file, which the program reads for each connection."""
        addresses = [stage.environment.service_addresses[name] for name in directors]
        file = stage.directory / "directors.new"
        file.write_text("\n".join(addresses), encoding="ascii")
        file.rename(stage.directory / "directors")


class BirdRouter:
    """BIRD on the router and on each director. ``files`` has the text of each, by the host."""

    def __init__(self, files: dict[str, str], addresses: dict[str, str]) -> None:
        self._files = files
        self._names = {address: name for name, address in addresses.items()}

    async def start(self, stage: Stage) -> None:
        """Start all engines, and wait until the router has a route to each director."""
        for host, text in self._files.items():
            file = stage.directory / f"bird-{host}.conf"
            file.write_text(text, encoding="ascii")
            socket = ["-s", str(stage.directory / f"bird-{host}.ctl")]
            await stage.start(
                f"bird-{host}",
                ["bird", "-f", "-c", str(file), *socket, "-P", str(file.with_suffix(".pid"))],
                lambda _line: None,
            )
        await self.wait_for(stage, stage.environment.directors)

    async def withdraw(self, stage: Stage, director: str) -> None:
        """Let an operator hand the group over."""
        await stage.run_command(director, "handover", "web")

    async def restore(self, stage: Stage, director: str) -> None:
        """Undo the handover."""
        await stage.run_command(director, "handover", "--undo", "web")

    async def wait_for(self, stage: Stage, directors: Sequence[str]) -> None:
        """Wait until the route of the router leads to these directors."""
        deadline = time.monotonic() + stage.environment.timing.wait_max
        while await self._next_hops(stage) != set(directors):
            if time.monotonic() > deadline:
                names = ", ".join(directors)
                raise ScenarioError(f"the route of the router does not lead to {names}")
            await asyncio.sleep(POLL_SECONDS)

    async def _next_hops(self, stage: Stage) -> set[str]:
        show = ["ip", "-json", "route", "show", f"{stage.environment.virtual_address}/32"]
        process = await asyncio.create_subprocess_exec(
            *stage.environment.prefixes["router"], *show, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        return {
            self._names[hop["gateway"]]
            for route in json.loads(output or "[]")
            for hop in route.get("nexthops", [route])
            if "gateway" in hop
        }
