"""What a director passes to the program it turns into: a child process that goes on meanwhile.

The process id stays the same over exec(2), so the child stays our child. Its end of the channel
stays open, and what it says in between waits in the socket.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import MutableMapping

import msgspec

from vrrp.model.report import State

VARIABLE = "HADIRECTOR_HANDOFF"


class Handoff(msgspec.Struct, frozen=True):
    """The running vrrp process: its id, the descriptor of our end of its channel, its states."""

    pid: int
    descriptor: int
    states: dict[str, State]


def publish(handoff: Handoff, environment: MutableMapping[str, str]) -> None:
    """Leave word for the program that is about to take our place."""
    os.set_inheritable(handoff.descriptor, True)
    environment[VARIABLE] = msgspec.json.encode(handoff).decode()


def take(environment: MutableMapping[str, str]) -> Handoff | None:
    """Read what was left for us, once; None when we were started in the ordinary way.

    What does not describe a living child of ours was not left by our predecessor, or comes too
    late.
    """
    text = environment.pop(VARIABLE, None)
    if text is None:
        return None
    try:
        handoff = msgspec.json.decode(text, type=Handoff)
        os.set_inheritable(handoff.descriptor, False)
        gone = os.waitid(os.P_PID, handoff.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except (msgspec.DecodeError, UnicodeError, OSError, OverflowError):
        return None
    if gone:
        os.close(handoff.descriptor)
        return None
    return handoff


class AdoptedProcess:
    """A child that another program, with our process id, has started.

    It offers what we use of asyncio.subprocess.Process.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)

    async def wait(self) -> int:
        """Wait for its end; returns its exit status, or minus the signal that ended it."""
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
        _, status = os.waitpid(self.pid, 0)  # it has ended: this does not wait
        self.returncode = os.waitstatus_to_exitcode(status)
        os.close(self._descriptor)

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
