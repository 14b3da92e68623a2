"""Which handoffs of an earlier program a director accepts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from hadirector.processes import HANDOFF_VARIABLE, channel
from hadirector.processes.handoff import Handoff, take
from hadirector.processes.messages import Heartbeat, Stop
from hadirector.processes.supervisor import Child
from vrrp.model.report import State


@pytest.fixture
def descriptor() -> int:
    """A descriptor that `take` may close."""
    return os.open(os.devnull, os.O_RDONLY)


def test_after_an_ordinary_start_there_is_no_handoff() -> None:
    assert take({"PATH": "/bin"}) is None


@pytest.mark.parametrize(
    "text", ["", "{", "{}", '{"pid": "x", "descriptor": 0, "states": {}}', '{"pid": "\udcff"}']
)
def test_an_invalid_handoff_is_removed_from_the_environment(text: str) -> None:
    environment = {HANDOFF_VARIABLE: text}
    assert take(environment) is None
    assert environment == {}


def test_a_process_that_is_not_our_child_is_not_adopted(descriptor: int) -> None:
    """The variable may come from the environment of a user."""
    text = f'{{"pid": 1, "descriptor": {descriptor}, "states": {{}}}}'
    assert take({HANDOFF_VARIABLE: text}) is None


def test_a_handoff_needs_an_open_descriptor() -> None:
    text = f'{{"pid": {os.getpid()}, "descriptor": 1000000, "states": {{}}}}'
    assert take({HANDOFF_VARIABLE: text}) is None


def test_a_child_that_has_ended_is_not_adopted(descriptor: int) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    text = f'{{"pid": {child}, "descriptor": {descriptor}, "states": {{"web": "ACTIVE"}}}}'
    assert take({HANDOFF_VARIABLE: text}) is None
    os.waitpid(child, 0)


@pytest.fixture
def running() -> Iterator[subprocess.Popen[bytes]]:
    """A child process that runs."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


async def test_an_adopted_process_has_the_version_of_the_program_that_it_still_runs(
    running: subprocess.Popen[bytes],
) -> None:
    """So the status of the new program can say that the process is outdated."""

    async def ignore(_message: object) -> None:
        pass

    child: Child[Heartbeat] = Child("vrrp", "not started here", Heartbeat, ignore)
    ours, theirs = channel.pair()
    with theirs:
        child.adopt(Handoff(running.pid, ours.detach(), {"web": State.ACTIVE}, "0.0.9"))
        assert (child.pid, child.version) == (running.pid, "0.0.9")
        handed_on = child.hand_off({"web": State.ACTIVE})
        assert handed_on is not None
        assert handed_on.version == "0.0.9"
        os.close(handed_on.descriptor)
        running.kill()
        running.wait()
    child.stop(Stop())
    await child.run()
