"""Plays what a pair of directors is for, with real processes, and judges every event.

Two ``hadirector run``, three web servers and a steady client. A real server dies and comes back,
the active director is killed and comes back, and hands over and takes back.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from hadirector.demo.loopback import loopback
from hadirector.demo.namespaces import namespaces, play_in_user_mode_linux
from hadirector.demo.processes import Processes, ProcessesError
from hadirector.demo.scenario import Demo, DemoError
from hadirector.demo.stage import Stage, StageError, api_socket
from hadirector.demo.timeline import Timeline
from hadirector.lab.uml import kernel_has_ipvs

INTERRUPTED_STATUS = 130
DIRECTORY_PREFIX = "hadirector-demo-"
SHORT = "/tmp"  # noqa: S108  # a socket's path has 107 bytes (unix(7)), which $TMPDIR may use up


def run(*, dataplane: str, keep: bool) -> int:
    """Play the demo; with ``keep`` everything goes on running after it, until Ctrl-C.

    Returns 0 if every promise was kept, 1 if not, 2 if it cannot be played, 130 if interrupted.
    """
    timeline = Timeline()
    outcome = 2
    try:
        if dataplane == "ipvs" and not kernel_has_ipvs():
            return _play_elsewhere(timeline, keep=keep)
        with (
            namespaces() if dataplane == "ipvs" else loopback() as stage,
            tempfile.TemporaryDirectory(prefix=DIRECTORY_PREFIX, dir=SHORT) as directory,
        ):
            outcome = 1
            outcome = asyncio.run(_perform(stage, Path(directory), timeline, keep=keep))
    except* (StageError, DemoError, ProcessesError) as faults:
        for fault in faults.exceptions:
            timeline.say(f"demo: {fault}")
    return outcome


def _play_elsewhere(timeline: Timeline, *, keep: bool) -> int:
    if keep:
        raise StageError("this kernel has no IPVS, and User-Mode Linux cannot be left running")
    timeline.say("this kernel has no IPVS: playing inside User-Mode Linux, which is slow")
    return play_in_user_mode_linux()


async def _perform(stage: Stage, directory: Path, timeline: Timeline, *, keep: bool) -> int:
    outcome = INTERRUPTED_STATUS
    _cancel_on_signals()
    ends: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    try:
        async with (
            Processes(directory, lambda name, status: ends.put_nowait((name, status))) as processes,
            asyncio.TaskGroup() as group,
        ):
            demo = Demo(stage, directory, processes, timeline)
            watching = group.create_task(_watch(processes, ends))
            reporting = group.create_task(demo.report_traffic())
            outcome = 0 if await demo.play() else 1
            reporting.cancel()
            if keep:
                timeline.say(_how_to_look(stage, directory))
                await asyncio.Event().wait()
            watching.cancel()
    except asyncio.CancelledError:
        timeline.say("everything has been ended")
    return outcome


def _cancel_on_signals() -> None:
    """Cancel the current task at the first signal; further ones do not disturb its leaving."""
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
    name, status = await ends.get()
    said = processes.last_lines(name)
    raise ProcessesError(f"{name} ended by itself with status {status}; it said:\n{said}")


def _how_to_look(stage: Stage, directory: Path) -> str:
    installed = Path(sys.executable).with_name("hadirector")
    command = str(installed) if installed.exists() else f"{sys.executable} -m hadirector"
    client = " ".join(stage.inside.get("client", []))
    ways = [
        f"{client} curl http://{stage.virtual_address}:{stage.port}/".lstrip(),
        f"{command} status --socket {api_socket(directory, 'lb1')}",
        f"{command} status --socket {api_socket(directory, 'lb2')}",
        f"{command} handover --socket {api_socket(directory, 'lb1')}    (--undo: take it back)",
        f"ls {directory}    (configurations and logs)",
    ]
    return "\n".join(
        [
            "everything is left running; look at it from another terminal:",
            *(f"  {way}" for way in ways),
            "Ctrl-C here ends it all and removes the directory",
        ]
    )
