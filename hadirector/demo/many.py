"""The scenario of several directors: one is killed, another one is drained, and both return."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hadirector.demo.environment import Environment
from hadirector.demo.outcome import Promise
from hadirector.demo.processes import Processes
from hadirector.demo.routes import Router
from hadirector.demo.stage import Stage
from hadirector.demo.timeline import Timeline

STEADY_SECONDS = 3.0
CONNECTIONS = 20
"""Open connections, on each of which the client sends requests."""
KILLED, DRAINED = "lb2", "lb3"


class ManyScenario:
    """One run of the demo of several directors."""

    def __init__(
        self,
        environment: Environment,
        directory: Path,
        processes: Processes,
        timeline: Timeline,
        router: Router,
    ) -> None:
        self._stage = Stage(environment, directory, processes, timeline, self._on_event)
        self._environment = environment
        self._router = router
        self._taking = list(environment.directors)

    async def run(self) -> bool:
        """Run the scenario and print the outcomes. Return True if every promise was kept."""
        await self._start_processes()
        self._stage.record("steady traffic", self._environment.timing.no_failure)
        await asyncio.sleep(STEADY_SECONDS)
        await self._kill_and_restart()
        await self._drain_and_restore()
        kept = self._stage.conclude()
        lost = sum(1 for sample in self._stage.session_samples if sample.failure)
        opened = f"{lost} of {CONNECTIONS} open connections were lost"
        self._stage.timeline.print_text(opened)
        return kept

    async def report_traffic(self) -> None:
        """Print the directors with connections and the client's answers once per second."""
        await self._stage.report_traffic("by ECMP", lambda: " ".join(self._taking))

    async def _start_processes(self) -> None:
        stage, names = self._stage, self._environment.directors
        title = f"start three web servers, {len(names)} directors, a router and a client"
        stage.timeline.print_action(title)
        for web in self._environment.web_addresses:
            await stage.start_web(web)
        for director in names:
            await stage.start_director(director)
        for director in names:
            await stage.until_serving(director, set(self._environment.web_addresses))
        await self._router.start(stage)
        await stage.start_client("client", stage.samples)
        pause = f"{self._environment.timing.session_interval * 1000:g}"
        more = ("--connections", str(CONNECTIONS), "--interval", pause)
        await stage.start_client("session", stage.session_samples, *more)
        await stage.until("answers from the virtual address", lambda: bool(stage.samples))
        answers = lambda: len(stage.session_samples) >= CONNECTIONS  # noqa: E731  # a condition
        await stage.until("answers on all open connections", answers)

    async def _kill_and_restart(self) -> None:
        stage = self._stage
        stage.record(f"{KILLED} killed", self._loss())
        await stage.processes.kill(KILLED)
        self._taking.remove(KILLED)
        await self._router.wait_for(stage, self._taking)
        await stage.observe()
        self._report_open()
        stage.record(f"{KILLED} returns", self._environment.timing.no_failure)
        await stage.start_director(KILLED)
        await stage.until_serving(KILLED, set(self._environment.web_addresses))
        await self._take_back(KILLED)

    async def _drain_and_restore(self) -> None:
        stage = self._stage
        stage.record(f"{DRAINED} drained", self._environment.timing.no_failure)
        await self._router.withdraw(stage, DRAINED)
        self._taking.remove(DRAINED)
        await self._router.wait_for(stage, self._taking)
        await stage.observe()
        self._report_open()
        stage.record(f"{DRAINED} returns", self._environment.timing.no_failure)
        await self._router.restore(stage, DRAINED)
        await self._take_back(DRAINED)

    async def _take_back(self, director: str) -> None:
        self._taking = sorted([*self._taking, director])
        await self._router.wait_for(self._stage, self._taking)
        await self._stage.observe()
        self._report_open()

    def _loss(self) -> Promise:
        """Return the promise for a killed director: with IPVS, its connections continue."""
        timing = self._environment.timing
        if self._environment.dataplane == "ipvs":
            return timing.no_failure
        formula = "request timeout; the dataplane userspace ends its open connections"
        return Promise(timing.request_timeout, formula)

    def _report_open(self) -> None:
        lost = sum(1 for sample in self._stage.session_samples if sample.failure)
        text = f"{CONNECTIONS - lost} of {CONNECTIONS} open connections continue"
        self._stage.timeline.print_report("client", text)

    def _on_event(self, director: str, fields: dict[str, str]) -> bool:
        """Report a change of the announcement."""
        if fields.get("event") != "announcement_changed":
            return False
        text = f"is {fields['role']} ({fields['reason']})"
        self._stage.timeline.print_report(director, text, style="bold green")
        return True
