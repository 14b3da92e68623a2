"""Starts the processes of a demo, records its events, and waits for states."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.demo.client import Sample
from hadirector.demo.environment import Environment, api_socket
from hadirector.demo.outcome import Event, Promise, evaluate_all
from hadirector.demo.processes import Processes, python
from hadirector.demo.timeline import Timeline
from hadirector.status.report import Status

POLL_SECONDS = 0.1
REPORTED_LEVELS = frozenset({"error", "critical"})


class ScenarioError(Exception):
    """The scenario cannot continue. The message has the expected state."""


class Stage:
    """The processes, events and requests of one run of a demo.

    ``on_event`` gets the name of a director and the fields of a line of its log, and returns
    whether it has reported the line.
    """

    def __init__(
        self,
        environment: Environment,
        directory: Path,
        processes: Processes,
        timeline: Timeline,
        on_event: Callable[[str, dict[str, str]], bool],
    ) -> None:
        self.environment = environment
        self.directory = directory
        self.processes = processes
        self.timeline = timeline
        self.samples: list[Sample] = []
        self.session_samples: list[Sample] = []
        self._on_event = on_event
        self._ready: set[str] = set()
        self._events: list[Event] = []
        self._evaluated = False

    def record(self, title: str, promise: Promise) -> None:
        """Begin an event: the following requests show its effect."""
        self._events.append(Event(title, time.monotonic(), promise))
        self.timeline.print_action(title)

    def conclude(self) -> bool:
        """Print the outcomes of all events. Return True if every promise was kept."""
        samples = sorted([*self.samples, *self.session_samples], key=lambda sample: sample.ended)
        outcomes = evaluate_all(self._events, time.monotonic(), samples)
        self._evaluated = True
        self.timeline.print_outcomes(outcomes)
        return all(outcome.kept for outcome in outcomes)

    # --- actions --------------------------------------------------------------------------------

    async def start_web(self, web: str) -> None:
        """Start a web server, and wait until it listens."""
        environment = self.environment
        address = environment.web_listens_on or environment.web_addresses[web]
        where = ["--address", address, "--port", str(environment.web_port), "--name", web]
        await self.start_listener(web, python("hadirector.demo.web", *where))

    async def start_listener(self, name: str, command: list[str]) -> None:
        """Start a program, and wait until it prints ``ready``."""
        self._ready.discard(name)

        def on_line(line: str) -> None:
            if line == "ready":
                self._ready.add(name)

        await self.start(name, command, on_line)
        await self.until(f"{name} ready", lambda: name in self._ready)

    async def start_director(self, director: str) -> None:
        """Start a director with its configuration."""
        file = self.directory / f"{director}.yaml"
        file.write_text(self.environment.configuration(director, self.directory), encoding="utf-8")
        await self.start(
            director,
            python("hadirector", "run", "-c", str(file)),
            lambda line: self._handle_log_line(director, line),
        )

    async def start_client(self, name: str, samples: list[Sample], *more: str) -> None:
        """Start a client of the virtual address, and collect its requests."""

        def on_line(line: str) -> None:
            if line.startswith("{") and not self._evaluated:
                samples.append(Sample(**json.loads(line)))

        timing = self.environment.timing
        arguments = {
            "--address": self.environment.virtual_address,
            "--port": str(self.environment.port),
            "--interval": f"{timing.request_interval * 1000:g}",
            "--timeout": f"{timing.request_timeout * 1000:g}",
        }
        flat = [word for pair in arguments.items() for word in pair]
        await self.start(name, python("hadirector.demo.client", *flat, *more), on_line)

    async def start(self, name: str, command: list[str], on_line: Callable[[str], None]) -> None:
        """Start a process on its host."""
        prefix = self.environment.prefixes.get(name, [])
        await self.processes.start(name, [*prefix, *command], on_line)

    async def run_command(self, director: str, *command: str) -> None:
        """Run a ``hadirector`` command for a director, as an operator does."""
        path = str(api_socket(self.directory, director))
        process = await asyncio.create_subprocess_exec(
            *python("hadirector", *command, "--socket", path), stdout=asyncio.subprocess.DEVNULL
        )
        if await process.wait() != 0:
            raise ScenarioError(f"{director} refused `hadirector {' '.join(command)}`")

    async def observe(self) -> None:
        """Let the client send requests for a time."""
        await asyncio.sleep(self.environment.timing.observation)

    # --- reports and states ---------------------------------------------------------------------

    def _handle_log_line(self, director: str, line: str) -> None:
        """Print state changes, changes of the table and errors from the log of a director."""
        try:
            fields = json.loads(line)
        except ValueError:
            return  # not a log line of the director; it is in the log file
        if self._on_event(director, fields):
            return
        event = fields.get("event")
        if event in {"table_changed", "table_repaired"} and "destination" in fields["operation"]:
            self.timeline.print_report(director, self.environment.shorten(fields["operation"]))
        elif fields.get("level") in REPORTED_LEVELS:
            rest = {key: fields[key] for key in fields if key not in {"level", "timestamp"}}
            self.timeline.print_report(director, json.dumps(rest), style="red")

    async def report_traffic(self, label: str, value: Callable[[], str]) -> None:
        """Print the answers and failures of the client once per second, with a labeled value."""
        seen = 0
        while True:
            await asyncio.sleep(1.0)
            recent, seen = self.samples[seen:], len(self.samples)
            if not recent:
                continue
            counts = Counter(sample.server for sample in recent)
            self.timeline.print_traffic(
                label,
                value(),
                {web: counts[web] for web in self.environment.web_addresses},
                sum(1 for sample in recent if sample.failure),
            )

    async def until_serving(self, director: str, webs: set[str]) -> None:
        """Wait until a director sends new connections to exactly these web servers."""
        expected = {
            f"{address}:{self.environment.web_port}"
            for web, address in self.environment.web_addresses.items()
            if web in webs
        }
        deadline = time.monotonic() + self.environment.timing.wait_max
        while await self._serving(director) != expected:
            if time.monotonic() > deadline:
                names = ", ".join(sorted(webs))
                raise ScenarioError(f"{director} does not send connections to exactly {names}")
            await asyncio.sleep(POLL_SECONDS)

    async def _serving(self, director: str) -> set[str]:
        path = str(api_socket(self.directory, director))
        try:
            answer = await asyncio.to_thread(request, path, "GET", "/v1/status")
        except ApiError:
            return set()
        status = msgspec.json.decode(answer, type=Status)
        return {
            real_server.address
            for server in status.virtual_servers
            for real_server in server.real_servers
            if real_server.actual_weight
        }

    async def until(self, state: str, condition: Callable[[], bool]) -> None:
        """Wait for a state. Raises ScenarioError if it is not reached in time."""
        deadline = time.monotonic() + self.environment.timing.wait_max
        while not condition():
            if time.monotonic() > deadline:
                seconds = self.environment.timing.wait_max
                raise ScenarioError(f"{state}: not reached within {seconds:g} s")
            await asyncio.sleep(POLL_SECONDS)
