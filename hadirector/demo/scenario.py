"""The scenario of the demo: what is done, what is waited for, and what everybody said."""

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
from hadirector.demo.judge import Event, Promise, judge_all
from hadirector.demo.processes import Processes, python
from hadirector.demo.stage import PRIORITIES, Stage, api_socket
from hadirector.demo.timeline import Timeline
from hadirector.status.report import Status
from vrrp.model.report import State

POLL_SECONDS = 0.1
STEADY_SECONDS = 3.0
LOUD_LEVELS = frozenset({"error", "critical"})


class DemoError(Exception):
    """The scenario cannot go on. The message says what did not come about."""


class Demo:
    """One performance: who is there, what they said, what the client saw."""

    def __init__(
        self, stage: Stage, directory: Path, processes: Processes, timeline: Timeline
    ) -> None:
        self._stage = stage
        self._directory = directory
        self._processes = processes
        self._timeline = timeline
        self._ready: set[str] = set()
        self._states = dict.fromkeys(PRIORITIES, "not running")
        self._events: list[Event] = []
        self._samples: list[Sample] = []
        self._held: list[Sample] = []
        self._judged = False

    async def play(self) -> bool:
        """Play the scenario and print the table. True if every promise was kept."""
        await self._set_up()
        await self._steady()
        await self._real_server_dies_and_returns()
        await self._director_dies_and_returns()
        await self._director_hands_over_and_takes_back()
        samples = sorted([*self._samples, *self._held], key=lambda sample: sample.ended)
        judgements = judge_all(self._events, time.monotonic(), samples)
        self._judged = True
        self._timeline.table(judgements)
        return all(judgement.kept for judgement in judgements)

    # --- scenes ---------------------------------------------------------------------------------

    async def _set_up(self) -> None:
        self._timeline.act("start three web servers, two directors and a client")
        for web in self._stage.web_addresses:
            await self._start_web(web)
        for director in PRIORITIES:
            await self._start_director(director)
        everyone = set(self._stage.web_addresses)
        await self._until("lb1 ACTIVE and lb2 BACKUP", lambda: self._roles("lb1", "lb2"))
        for director in PRIORITIES:
            await self._until_serving(director, everyone)
        await self._start_client("client", self._samples)
        await self._until("answers from the virtual address", lambda: bool(self._samples))

    async def _steady(self) -> None:
        self._happens("steady traffic", self._stage.timing.nothing)
        await asyncio.sleep(STEADY_SECONDS)

    async def _real_server_dies_and_returns(self) -> None:
        everyone = set(self._stage.web_addresses)
        self._happens("web2 killed", self._stage.timing.server_death)
        await self._processes.kill("web2")
        for director in PRIORITIES:
            await self._until_serving(director, everyone - {"web2"})
        await asyncio.sleep(self._stage.timing.settle)
        self._happens("web2 back", self._stage.timing.nothing)
        await self._start_web("web2")
        for director in PRIORITIES:
            await self._until_serving(director, everyone)
        await asyncio.sleep(self._stage.timing.settle)

    async def _director_dies_and_returns(self) -> None:
        self._happens("lb1 killed", self._stage.timing.director_crash)
        await self._processes.kill("lb1")
        self._states["lb1"] = "killed"
        await self._until("lb2 ACTIVE", lambda: self._states["lb2"] == State.ACTIVE)
        await asyncio.sleep(self._stage.timing.settle)
        self._happens("lb1 back", self._stage.timing.nothing)
        await self._start_director("lb1")
        await self._until("lb1 ACTIVE again", lambda: self._roles("lb1", "lb2"))
        await asyncio.sleep(self._stage.timing.settle)

    async def _director_hands_over_and_takes_back(self) -> None:
        await self._start_client("held", self._held, "--one-connection")
        await self._until("a connection through lb1", lambda: bool(self._held))
        self._happens("handover to lb2", self._stage.timing.nothing)
        await self._order("lb1", "handover")
        await self._until("lb2 ACTIVE", lambda: self._roles("lb2", "lb1"))
        since = len(self._held)
        await asyncio.sleep(self._stage.timing.settle)
        answers = sum(1 for sample in self._held[since:] if sample.server)
        self._timeline.fact("client", f"{answers} answers on the connection begun before")
        self._happens("handover undone", self._stage.timing.nothing)
        await self._order("lb1", "handover", "--undo")
        await self._until("lb1 ACTIVE again", lambda: self._roles("lb1", "lb2"))
        await asyncio.sleep(self._stage.timing.settle)
        await self._processes.stop("held")

    # --- acts -----------------------------------------------------------------------------------

    def _happens(self, title: str, promise: Promise) -> None:
        self._events.append(Event(title, time.monotonic(), promise))
        self._timeline.act(title)

    async def _start_web(self, web: str) -> None:
        self._ready.discard(web)

        def heard(line: str) -> None:
            if line == "ready":
                self._ready.add(web)

        address = self._stage.web_listens_on or self._stage.web_addresses[web]
        where = ["--address", address, "--port", str(self._stage.web_port), "--name", web]
        await self._start(web, python("hadirector.demo.web", *where), heard)
        await self._until(f"{web} ready", lambda: web in self._ready)

    async def _start_director(self, director: str) -> None:
        file = self._directory / f"{director}.yaml"
        file.write_text(self._stage.configuration(director, self._directory), encoding="utf-8")
        self._states[director] = "starting"
        await self._start(
            director,
            python("hadirector", "run", "-c", str(file)),
            lambda line: self._director_said(director, line),
        )

    async def _start_client(self, name: str, samples: list[Sample], *more: str) -> None:
        def heard(line: str) -> None:
            if line.startswith("{") and not self._judged:
                samples.append(Sample(**json.loads(line)))

        timing = self._stage.timing
        arguments = {
            "--address": self._stage.virtual_address,
            "--port": str(self._stage.port),
            "--interval": f"{timing.request_interval * 1000:g}",
            "--timeout": f"{timing.request_patience * 1000:g}",
        }
        flat = [word for pair in arguments.items() for word in pair]
        await self._start(name, python("hadirector.demo.client", *flat, *more), heard)

    async def _start(self, name: str, command: list[str], heard: Callable[[str], None]) -> None:
        await self._processes.start(name, [*self._stage.inside.get(name, []), *command], heard)

    async def _order(self, director: str, *command: str) -> None:
        """Give an order with the ``hadirector`` command, as an operator would."""
        path = str(api_socket(self._directory, director))
        process = await asyncio.create_subprocess_exec(
            *python("hadirector", *command, "--socket", path), stdout=asyncio.subprocess.DEVNULL
        )
        if await process.wait() != 0:
            raise DemoError(f"hadirector {' '.join(command)} was refused by {director}")

    # --- facts ----------------------------------------------------------------------------------

    def _director_said(self, director: str, line: str) -> None:
        """Pass on what a reader of the timeline wants to know of a director's log."""
        try:
            fields = json.loads(line)
        except ValueError:
            return  # a line that is not ours; the log file has it
        event = fields.get("event")
        if event == "vrrp_state_changed":
            self._states[director] = fields["state"]
            self._timeline.fact(
                director, f"is {fields['state']} ({fields['reason']})", style="bold green"
            )
        elif event in {"table_changed", "table_repaired"} and "destination" in fields["operation"]:
            self._timeline.fact(director, self._stage.in_names(fields["operation"]))
        elif fields.get("level") in LOUD_LEVELS:
            said = {key: fields[key] for key in fields if key not in {"level", "timestamp"}}
            self._timeline.fact(director, json.dumps(said), style="red")

    async def report_traffic(self) -> None:
        """Print once a second what the client saw."""
        seen = 0
        while True:
            await asyncio.sleep(1.0)
            recent, seen = self._samples[seen:], len(self._samples)
            if not recent:
                continue
            counts = Counter(sample.server for sample in recent)
            active = [name for name, state in self._states.items() if state == State.ACTIVE]
            self._timeline.traffic(
                " and ".join(active) or "nobody",
                {web: counts[web] for web in self._stage.web_addresses},
                sum(1 for sample in recent if sample.failure),
            )

    def _roles(self, active: str, backup: str) -> bool:
        return self._states[active] == State.ACTIVE and self._states[backup] == State.BACKUP

    async def _until_serving(self, director: str, webs: set[str]) -> None:
        """Wait until a director sends new connections to exactly these."""
        expected = {
            f"{address}:{self._stage.web_port}"
            for web, address in self._stage.web_addresses.items()
            if web in webs
        }
        deadline = time.monotonic() + self._stage.timing.patience
        while await self._serving(director) != expected:
            if time.monotonic() > deadline:
                raise DemoError(f"{director} does not serve {', '.join(sorted(webs))}")
            await asyncio.sleep(POLL_SECONDS)

    async def _serving(self, director: str) -> set[str]:
        path = str(api_socket(self._directory, director))
        try:
            answer = await asyncio.to_thread(request, path, "GET", "/v1/status")
        except ApiError:
            return set()
        status = msgspec.json.decode(answer, type=Status)
        return {
            each.address
            for server in status.virtual_servers
            for each in server.real_servers
            if each.actual_weight
        }

    async def _until(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._stage.timing.patience
        while not condition():
            if time.monotonic() > deadline:
                raise DemoError(f"{what}: not after {self._stage.timing.patience:g} s")
            await asyncio.sleep(POLL_SECONDS)
