"""The scenario of a pair: performs actions, and waits for states."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hadirector.demo.environment import Environment
from hadirector.demo.processes import Processes
from hadirector.demo.stage import Stage
from hadirector.demo.timeline import Timeline
from vrrp.model.report import State

STEADY_SECONDS = 3.0


class Scenario:
    """One run of the demo of a pair, with the states of its directors."""

    def __init__(
        self, environment: Environment, directory: Path, processes: Processes, timeline: Timeline
    ) -> None:
        self._stage = Stage(environment, directory, processes, timeline, self._on_event)
        self._environment = environment
        self._states = dict.fromkeys(environment.directors, "not running")

    async def run(self) -> bool:
        """Run the scenario and print the outcomes. Return True if every promise was kept."""
        await self._start_processes()
        await self._observe_steady_traffic()
        await self._kill_and_restart_real_server()
        await self._kill_and_restart_director()
        await self._hand_over_and_take_back()
        return self._stage.conclude()

    async def report_traffic(self) -> None:
        """Print the ACTIVE director and the client's answers once per second."""
        await self._stage.report_traffic("ACTIVE", self._active)

    def _active(self) -> str:
        active = [name for name, state in self._states.items() if state == State.ACTIVE]
        return " and ".join(active) or "none"

    # --- parts ----------------------------------------------------------------------------------

    async def _start_processes(self) -> None:
        stage = self._stage
        stage.timeline.print_action("start three web servers, two directors and a client")
        for web in self._environment.web_addresses:
            await stage.start_web(web)
        for director in self._environment.directors:
            await self._start_director(director)
        all_webs = set(self._environment.web_addresses)
        await stage.until("lb1 ACTIVE and lb2 BACKUP", lambda: self._roles("lb1", "lb2"))
        for director in self._environment.directors:
            await stage.until_serving(director, all_webs)
        await stage.start_client("client", stage.samples)
        await stage.until("answers from the virtual address", lambda: bool(stage.samples))

    async def _observe_steady_traffic(self) -> None:
        self._stage.record("steady traffic", self._environment.timing.no_failure)
        await asyncio.sleep(STEADY_SECONDS)

    async def _kill_and_restart_real_server(self) -> None:
        stage, timing = self._stage, self._environment.timing
        all_webs = set(self._environment.web_addresses)
        stage.record("web2 killed", timing.server_death)
        await stage.processes.kill("web2")
        for director in self._environment.directors:
            await stage.until_serving(director, all_webs - {"web2"})
        await stage.observe()
        stage.record("web2 restarted", timing.no_failure)
        await stage.start_web("web2")
        for director in self._environment.directors:
            await stage.until_serving(director, all_webs)
        await stage.observe()

    async def _kill_and_restart_director(self) -> None:
        stage, timing = self._stage, self._environment.timing
        stage.record("lb1 killed", timing.director_crash)
        await stage.processes.kill("lb1")
        self._states["lb1"] = "killed"
        await stage.until("lb2 ACTIVE", lambda: self._states["lb2"] == State.ACTIVE)
        await stage.observe()
        stage.record("lb1 restarted", timing.no_failure)
        await self._start_director("lb1")
        await stage.until("lb1 ACTIVE again", lambda: self._roles("lb1", "lb2"))
        await stage.observe()

    async def _hand_over_and_take_back(self) -> None:
        stage, timing = self._stage, self._environment.timing
        await stage.start_client("session", stage.session_samples, "--connections", "1")
        await stage.until("answers on a long-lived connection", lambda: bool(stage.session_samples))
        stage.record("handover to lb2", timing.no_failure)
        await stage.run_command("lb1", "handover")
        await stage.until("lb2 ACTIVE", lambda: self._roles("lb2", "lb1"))
        since = len(stage.session_samples)
        await stage.observe()
        answers = sum(1 for sample in stage.session_samples[since:] if sample.server)
        stage.timeline.print_report("client", f"{answers} answers on the existing connection")
        stage.record("handover undone", timing.no_failure)
        await stage.run_command("lb1", "handover", "--undo")
        await stage.until("lb1 ACTIVE again", lambda: self._roles("lb1", "lb2"))
        await stage.observe()
        await stage.processes.stop("session")

    # --- states ---------------------------------------------------------------------------------

    async def _start_director(self, director: str) -> None:
        self._states[director] = "starting"
        await self._stage.start_director(director)

    def _on_event(self, director: str, fields: dict[str, str]) -> bool:
        """Note and report a change of the VRRP state."""
        if fields.get("event") != "vrrp_state_changed":
            return False
        self._states[director] = fields["state"]
        text = f"is {fields['state']} ({fields['reason']})"
        self._stage.timeline.print_report(director, text, style="bold green")
        return True

    def _roles(self, active: str, backup: str) -> bool:
        return self._states[active] == State.ACTIVE and self._states[backup] == State.BACKUP
