"""Runs the demo with real processes, and checks its promises.

The processes of a pair are two `hadirector run`, three web servers and a client with steady
requests. A real server is killed and restarted. The ACTIVE director is killed and restarted. Then
it hands over and takes the addresses back. Several directors have a router in front of them.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hadirector.demo.environment import Environment, UnavailableError, api_socket
from hadirector.demo.loopback import loopback
from hadirector.demo.many import ManyScenario
from hadirector.demo.many_hosts import many_hosts, missing_for_bird
from hadirector.demo.namespaces import namespaces, run_in_user_mode_linux
from hadirector.demo.processes import Processes, ProcessesError
from hadirector.demo.routes import Router, StandIn
from hadirector.demo.scenario import Scenario
from hadirector.demo.stage import ScenarioError
from hadirector.demo.timeline import Timeline
from hadirector.lab.uml import kernel_has_ipvs

INTERRUPTED_STATUS = 130
PAIR = 2
DIRECTORY_PREFIX = "hadirector-demo-"
PARENT = "/tmp"  # noqa: S108  # $TMPDIR may be too long for the path of a socket (107 bytes, unix(7))


def run(*, dataplane: str | None, keep: bool, directors: int = PAIR) -> int:
    """Run the demo. With ``keep``, the processes continue after it until Ctrl-C.

    Without a ``dataplane``, several directors use IPVS and BIRD if this machine can run them.
    Return 0 if every promise was kept, 1 if not, 2 if the demo cannot run on this machine, and
    130 after an interruption.
    """
    timeline = Timeline()
    outcome = 2
    try:
        missing = missing_for_bird() if directors != PAIR else ""
        dataplane = _dataplane(dataplane, directors, missing)
        if dataplane == "ipvs" and not kernel_has_ipvs():
            return _run_in_user_mode_linux(timeline, directors, keep=keep)
        if directors != PAIR and dataplane == "userspace":
            timeline.print_text(_stand_in(missing))
        with (
            _place(dataplane, directors) as (environment, router),
            tempfile.TemporaryDirectory(prefix=DIRECTORY_PREFIX, dir=PARENT) as directory,
        ):
            outcome = 1
            outcome = asyncio.run(_run(environment, router, Path(directory), timeline, keep=keep))
    except* (UnavailableError, ScenarioError, ProcessesError) as faults:
        for fault in faults.exceptions:
            timeline.print_text(f"demo: {fault}")
    return outcome


def _dataplane(wanted: str | None, directors: int, missing: str) -> str:
    """Return the dataplane. ``missing`` is what several directors with IPVS lack."""
    if wanted is None:
        return "userspace" if directors == PAIR or missing else "ipvs"
    if wanted == "ipvs" and missing:
        raise UnavailableError(f"several directors with IPVS need {missing}")
    return wanted


@contextmanager
def _place(dataplane: str, directors: int) -> Iterator[tuple[Environment, Router | None]]:
    """Return the environment, and the router that several directors have in front of them."""
    if dataplane == "userspace":
        with loopback(directors) as environment:
            yield environment, None if directors == PAIR else StandIn()
    elif directors == PAIR:
        with namespaces() as environment:
            yield environment, None
    else:
        with many_hosts(directors) as (environment, router):
            yield environment, router


def _stand_in(missing: str) -> str:
    reason = f" BIRD is not used: this needs {missing}." if missing else ""
    return (
        f"no router: a program on 127.0.0.100 divides the connections in its place.{reason}\n"
        "The dataplane userspace relays connections itself: the open connections of a killed"
        " director end. With IPVS, open connections continue."
    )


def _run_in_user_mode_linux(timeline: Timeline, directors: int, *, keep: bool) -> int:
    if keep:
        raise UnavailableError(
            "this kernel has no IPVS, and --keep does not work with User-Mode Linux"
        )
    timeline.print_text("this kernel has no IPVS: the demo runs in User-Mode Linux, which is slow")
    return run_in_user_mode_linux(directors)


async def _run(
    environment: Environment,
    router: Router | None,
    directory: Path,
    timeline: Timeline,
    *,
    keep: bool,
) -> int:
    outcome = INTERRUPTED_STATUS
    _cancel_on_signals()
    ends: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    try:
        async with (
            Processes(directory, lambda name, status: ends.put_nowait((name, status))) as processes,
            asyncio.TaskGroup() as group,
        ):
            scenario = (
                Scenario(environment, directory, processes, timeline)
                if router is None
                else ManyScenario(environment, directory, processes, timeline, router)
            )
            watching = group.create_task(_watch(processes, ends))
            reporting = group.create_task(scenario.report_traffic())
            outcome = 0 if await scenario.run() else 1
            reporting.cancel()
            if keep:
                timeline.print_text(_instructions(environment, directory))
                await asyncio.Event().wait()
            timeline.print_text(_next_steps())
            watching.cancel()
    except asyncio.CancelledError:
        timeline.print_text("all processes have been ended")
    return outcome


def _cancel_on_signals() -> None:
    """Cancel the current task at the first signal, and ignore signals after that."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def cancel() -> None:
        for number in signals:
            loop.add_signal_handler(number, lambda: None)
        task.cancel()

    for number in signals:
        loop.add_signal_handler(number, cancel)


async def _watch(processes: Processes, ends: asyncio.Queue[tuple[str, int]]) -> None:
    """Raise ProcessesError when a process ends that the demo did not end."""
    name, status = await ends.get()
    output = processes.last_lines(name)
    raise ProcessesError(f"{name} ended unexpectedly with status {status}; its output:\n{output}")


def _instructions(environment: Environment, directory: Path) -> str:
    """Return the commands with which a user can examine the running demo."""
    command = _own_command()
    client = " ".join(environment.prefixes.get("client", []))
    commands = [
        f"{client} curl http://{environment.virtual_address}:{environment.port}/".lstrip(),
        f"{command} status --socket {api_socket(directory, 'lb1')}",
        f"{command} status --socket {api_socket(directory, 'lb2')}",
        *_handover(environment, f"{command} handover --socket {api_socket(directory, 'lb1')}"),
        f"ls {directory}    (configurations and logs)",
    ]
    return "\n".join(
        [
            "all processes continue to run; use these commands in another terminal:",
            *(f"  {line}" for line in commands),
            "Ctrl-C here ends the processes and removes the directory",
        ]
    )


def _handover(environment: Environment, command: str) -> list[str]:
    """Return the commands of a handover, which a director without an announcement does not have."""
    if environment.service_addresses:
        return []
    group = " web" if len(environment.directors) != PAIR else ""
    return [f"{command}{group}    (--undo: take it back)"]


def _next_steps() -> str:
    """Return what a user can try after the demo."""
    command = _own_command()
    steps = {
        f"{command} demo --keep": "leave all of it running, and look at it",
        f"{command} check-config FILE": "check a configuration, also a keepalived.conf",
        f"{command} convert FILE": "print a keepalived.conf in the native form",
        "docs/tutorial.md": "from nothing to a pair of directors in 15 minutes",
    }
    width = max(map(len, steps))
    return "\n".join(["try next:", *(f"  {step:{width}}  {what}" for step, what in steps.items())])


def _own_command() -> str:
    """Return the command hadirector of this installation, relative to the current directory."""
    installed = Path(sys.executable).with_name("hadirector")
    if not installed.exists():
        return f"{sys.executable} -m hadirector"
    here = Path.cwd()
    return str(installed.relative_to(here) if installed.is_relative_to(here) else installed)
