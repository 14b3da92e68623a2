"""Runs the demo of a pair of directors with real processes, and checks its promises.

The processes are two `hadirector run`, three web servers and a client with steady requests. A real
server is killed and restarted. The ACTIVE director is killed and restarted. Then it hands over and
takes the addresses back.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from hadirector.demo.environment import Environment, UnavailableError, api_socket
from hadirector.demo.loopback import loopback
from hadirector.demo.namespaces import namespaces, run_in_user_mode_linux
from hadirector.demo.processes import Processes, ProcessesError
from hadirector.demo.scenario import Scenario, ScenarioError
from hadirector.demo.timeline import Timeline
from hadirector.lab.uml import kernel_has_ipvs

INTERRUPTED_STATUS = 130
DIRECTORY_PREFIX = "hadirector-demo-"
PARENT = "/tmp"  # noqa: S108  # $TMPDIR may be too long for the path of a socket (107 bytes, unix(7))


def run(*, dataplane: str, keep: bool) -> int:
    """Run the demo. With ``keep``, the processes continue after it until Ctrl-C.

    Return 0 if every promise was kept, 1 if not, 2 if the demo cannot run on this machine, and
    130 after an interruption.
    """
    timeline = Timeline()
    outcome = 2
    try:
        if dataplane == "ipvs" and not kernel_has_ipvs():
            return _run_in_user_mode_linux(timeline, keep=keep)
        with (
            namespaces() if dataplane == "ipvs" else loopback() as environment,
            tempfile.TemporaryDirectory(prefix=DIRECTORY_PREFIX, dir=PARENT) as directory,
        ):
            outcome = 1
            outcome = asyncio.run(_run(environment, Path(directory), timeline, keep=keep))
    except* (UnavailableError, ScenarioError, ProcessesError) as faults:
        for fault in faults.exceptions:
            timeline.print_text(f"demo: {fault}")
    return outcome


def _run_in_user_mode_linux(timeline: Timeline, *, keep: bool) -> int:
    if keep:
        raise UnavailableError(
            "this kernel has no IPVS, and --keep does not work with User-Mode Linux"
        )
    timeline.print_text("this kernel has no IPVS: the demo runs in User-Mode Linux, which is slow")
    return run_in_user_mode_linux()


async def _run(environment: Environment, directory: Path, timeline: Timeline, *, keep: bool) -> int:
    outcome = INTERRUPTED_STATUS
    _cancel_on_signals()
    ends: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    try:
        async with (
            Processes(directory, lambda name, status: ends.put_nowait((name, status))) as processes,
            asyncio.TaskGroup() as group,
        ):
            scenario = Scenario(environment, directory, processes, timeline)
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
        f"{command} handover --socket {api_socket(directory, 'lb1')}    (--undo: take it back)",
        f"ls {directory}    (configurations and logs)",
    ]
    return "\n".join(
        [
            "all processes continue to run; use these commands in another terminal:",
            *(f"  {line}" for line in commands),
            "Ctrl-C here ends the processes and removes the directory",
        ]
    )


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
