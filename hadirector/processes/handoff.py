"""Hands the running vrrp process over to the program that replaces the director by exec(2).

exec(2) does not change the process id, so the vrrp process stays a child. The channel stays open,
and messages of the child wait in the socket.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import MutableMapping

import msgspec

from hadirector.processes import HANDOFF_VARIABLE
from vrrp.model.report import State


class Handoff(msgspec.Struct, frozen=True):
    """The description of the vrrp process: its id, its channel, and the states of its instances.

    The channel is the director's end, as a file descriptor. ``version`` is the version of the
    program that the vrrp process runs.
    """

    pid: int
    descriptor: int
    states: dict[str, State]
    version: str = ""


def publish(handoff: Handoff, environment: MutableMapping[str, str]) -> None:
    """Store the description in the environment of the next program."""
    os.set_inheritable(handoff.descriptor, True)
    environment[HANDOFF_VARIABLE] = msgspec.json.encode(handoff).decode()


def take(environment: MutableMapping[str, str]) -> Handoff | None:
    """Remove the description from the environment and return it; None after an ordinary start.

    Return None too if it does not describe a running child of this process.
    """
    text = environment.pop(HANDOFF_VARIABLE, None)
    if text is None:
        return None
    try:
        handoff = msgspec.json.decode(text, type=Handoff)
        os.set_inheritable(handoff.descriptor, False)
        ended = os.waitid(os.P_PID, handoff.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except (msgspec.DecodeError, UnicodeError, OSError, OverflowError):
        return None
    if ended:
        os.close(handoff.descriptor)
        return None
    return handoff


class AdoptedProcess:
    """A child process that an earlier program with this process id started.

    It has the attributes of asyncio.subprocess.Process that the supervisor uses.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)

    async def wait(self) -> int:
        """Wait for the end. Return the exit status, or the negative number of the signal."""
        if self.returncode is None:
            loop = asyncio.get_running_loop()
            ended = asyncio.Event()
            loop.add_reader(self._descriptor, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(self._descriptor)
            self._reap()
        assert self.returncode is not None
        return self.returncode

    def _reap(self) -> None:
        _, status = os.waitpid(self.pid, 0)  # does not block, because the process has ended
        self.returncode = os.waitstatus_to_exitcode(status)
        os.close(self._descriptor)

    def kill(self) -> None:
        """End the process with SIGKILL."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
