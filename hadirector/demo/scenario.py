"""The scenario of the demo: performs actions, waits for states, and collects reports."""

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
from hadirector.demo.environment import PRIORITIES, Environment, api_socket
from hadirector.demo.outcome import Event, Promise, evaluate_all
from hadirector.demo.processes import Processes, python
from hadirector.demo.timeline import Timeline
from hadirector.status.report import Status
from vrrp.model.report import State

POLL_SECONDS = 0.1
STEADY_SECONDS = 3.0
REPORTED_LEVELS = frozenset({"error", "critical"})


class ScenarioError(Exception):
    """The scenario cannot continue. The message has the expected state."""


class Scenario:
    """One run of the demo: its processes, directors' states, events, and the client's requests."""

    def __init__(
        self, environment: Environment, directory: Path, processes: Processes, timeline: Timeline
    ) -> None:
        self._environment = environment
        self._directory = directory
        self._processes = processes
        self._timeline = timeline
        self._ready: set[str] = set()
        self._states = dict.fromkeys(PRIORITIES, "not running")
        self._events: list[Event] = []
        self._samples: list[Sample] = []
        self._session_samples: list[Sample] = []
        self._evaluated = False

    async def run(self) -> bool:
        """Run the scenario and print the outcomes. Return True if every promise was kept."""
        await self._start_processes()
        await self._observe_steady_traffic()
        await self._kill_and_restart_real_server()
        await self._kill_and_restart_director()
        await self._hand_over_and_take_back()
        samples = sorted([*self._samples, *self._session_samples], key=lambda sample: sample.ended)
        outcomes = evaluate_all(self._events, time.monotonic(), samples)
        self._evaluated = True
        self._timeline.print_outcomes(outcomes)
        return all(outcome.kept for outcome in outcomes)

    # --- parts ----------------------------------------------------------------------------------

    async def _start_processes(self) -> None:
        self._timeline.print_action("start three web servers, two directors and a client")
        for web in self._environment.web_addresses:
            await self._start_web(web)
        for director in PRIORITIES:
            await self._start_director(director)
        all_webs = set(self._environment.web_addresses)
        await self._until("lb1 ACTIVE and lb2 BACKUP", lambda: self._roles("lb1", "lb2"))
        for director in PRIORITIES:
            await self._until_serving(director, all_webs)
        await self._start_client("client", self._samples)
        await self._until("answers from the virtual address", lambda: bool(self._samples))

    async def _observe_steady_traffic(self) -> None:
        self._record("steady traffic", self._environment.timing.no_failure)
        await asyncio.sleep(STEADY_SECONDS)

    async def _kill_and_restart_real_server(self) -> None:
        all_webs = set(self._environment.web_addresses)
        self._record("web2 killed", self._environment.timing.server_death)
        await self._processes.kill("web2")
        for director in PRIORITIES:
            await self._until_serving(director, all_webs - {"web2"})
        await asyncio.sleep(self._environment.timing.observation)
        self._record("web2 restarted", self._environment.timing.no_failure)
        await self._start_web("web2")
        for director in PRIORITIES:
            await self._until_serving(director, all_webs)
        await asyncio.sleep(self._environment.timing.observation)

    async def _kill_and_restart_director(self) -> None:
        self._record("lb1 killed", self._environment.timing.director_crash)
        await self._processes.kill("lb1")
        self._states["lb1"] = "killed"
        await self._until("lb2 ACTIVE", lambda: self._states["lb2"] == State.ACTIVE)
        await asyncio.sleep(self._environment.timing.observation)
        self._record("lb1 restarted", self._environment.timing.no_failure)
        await self._start_director("lb1")
        await self._until("lb1 ACTIVE again", lambda: self._roles("lb1", "lb2"))
        await asyncio.sleep(self._environment.timing.observation)

    async def _hand_over_and_take_back(self) -> None:
        await self._start_client("session", self._session_samples, "--one-connection")
        await self._until("answers on a long-lived connection", lambda: bool(self._session_samples))
        self._record("handover to lb2", self._environment.timing.no_failure)
        await self._run_command("lb1", "handover")
        await self._until("lb2 ACTIVE", lambda: self._roles("lb2", "lb1"))
        since = len(self._session_samples)
        await asyncio.sleep(self._environment.timing.observation)
        answers = sum(1 for sample in self._session_samples[since:] if sample.server)
        self._timeline.print_report("client", f"{answers} answers on the existing connection")
        self._record("handover undone", self._environment.timing.no_failure)
        await self._run_command("lb1", "handover", "--undo")
        await self._until("lb1 ACTIVE again", lambda: self._roles("lb1", "lb2"))
        await asyncio.sleep(self._environment.timing.observation)
        await self._processes.stop("session")

    # --- actions --------------------------------------------------------------------------------

    def _record(self, title: str, promise: Promise) -> None:
        self._events.append(Event(title, time.monotonic(), promise))
        self._timeline.print_action(title)

    async def _start_web(self, web: str) -> None:
        self._ready.discard(web)

        def on_line(line: str) -> None:
            if line == "ready":
                self._ready.add(web)

        address = self._environment.web_listens_on or self._environment.web_addresses[web]
        where = ["--address", address, "--port", str(self._environment.web_port), "--name", web]
        await self._start(web, python("hadirector.demo.web", *where), on_line)
        await self._until(f"{web} ready", lambda: web in self._ready)

    async def _start_director(self, director: str) -> None:
        file = self._directory / f"{director}.yaml"
        file.write_text(
            self._environment.configuration(director, self._directory), encoding="utf-8"
        )
        self._states[director] = "starting"
        await self._start(
            director,
            python("hadirector", "run", "-c", str(file)),
            lambda line: self._handle_log_line(director, line),
        )

    async def _start_client(self, name: str, samples: list[Sample], *more: str) -> None:
        def on_line(line: str) -> None:
            if line.startswith("{") and not self._evaluated:
                samples.append(Sample(**json.loads(line)))

        timing = self._environment.timing
        arguments = {
            "--address": self._environment.virtual_address,
            "--port": str(self._environment.port),
            "--interval": f"{timing.request_interval * 1000:g}",
            "--timeout": f"{timing.request_timeout * 1000:g}",
        }
        flat = [word for pair in arguments.items() for word in pair]
        await self._start(name, python("hadirector.demo.client", *flat, *more), on_line)

    async def _start(self, name: str, command: list[str], on_line: Callable[[str], None]) -> None:
        await self._processes.start(
            name, [*self._environment.prefixes.get(name, []), *command], on_line
        )

    async def _run_command(self, director: str, *command: str) -> None:
        """Run a ``hadirector`` command for a director, as an operator does."""
        path = str(api_socket(self._directory, director))
        process = await asyncio.create_subprocess_exec(
            *python("hadirector", *command, "--socket", path), stdout=asyncio.subprocess.DEVNULL
        )
        if await process.wait() != 0:
            raise ScenarioError(f"{director} refused `hadirector {' '.join(command)}`")

    # --- reports and states ---------------------------------------------------------------------

    def _handle_log_line(self, director: str, line: str) -> None:
        """Print state changes, changes of the table and errors from the log of a director."""
        try:
            fields = json.loads(line)
        except ValueError:
            return  # not a log line of the director; it is in the log file
        event = fields.get("event")
        if event == "vrrp_state_changed":
            self._states[director] = fields["state"]
            self._timeline.print_report(
                director, f"is {fields['state']} ({fields['reason']})", style="bold green"
            )
        elif event in {"table_changed", "table_repaired"} and "destination" in fields["operation"]:
            self._timeline.print_report(director, self._environment.shorten(fields["operation"]))
        elif fields.get("level") in REPORTED_LEVELS:
            rest = {key: fields[key] for key in fields if key not in {"level", "timestamp"}}
            self._timeline.print_report(director, json.dumps(rest), style="red")

    async def report_traffic(self) -> None:
        """Print the answers and failures of the client once per second."""
        seen = 0
        while True:
            await asyncio.sleep(1.0)
            recent, seen = self._samples[seen:], len(self._samples)
            if not recent:
                continue
            counts = Counter(sample.server for sample in recent)
            active = [name for name, state in self._states.items() if state == State.ACTIVE]
            self._timeline.print_traffic(
                " and ".join(active) or "none",
                {web: counts[web] for web in self._environment.web_addresses},
                sum(1 for sample in recent if sample.failure),
            )

    def _roles(self, active: str, backup: str) -> bool:
        return self._states[active] == State.ACTIVE and self._states[backup] == State.BACKUP

    async def _until_serving(self, director: str, webs: set[str]) -> None:
        """Wait until a director sends new connections to exactly these web servers."""
        expected = {
            f"{address}:{self._environment.web_port}"
            for web, address in self._environment.web_addresses.items()
            if web in webs
        }
        deadline = time.monotonic() + self._environment.timing.wait_max
        while await self._serving(director) != expected:
            if time.monotonic() > deadline:
                names = ", ".join(sorted(webs))
                raise ScenarioError(f"{director} does not send connections to exactly {names}")
            await asyncio.sleep(POLL_SECONDS)

    async def _serving(self, director: str) -> set[str]:
        path = str(api_socket(self._directory, director))
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

    async def _until(self, state: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._environment.timing.wait_max
        while not condition():
            if time.monotonic() > deadline:
                seconds = self._environment.timing.wait_max
                raise ScenarioError(f"{state}: not reached within {seconds:g} s")
            await asyncio.sleep(POLL_SECONDS)
