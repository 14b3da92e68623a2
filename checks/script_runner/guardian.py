"""Runs one script, and kills it together with all its descendants. Each script has a guardian.

The guardian is a process between the script server and the script. It is a subreaper (prctl(2)): a
descendant whose parent has ended becomes its child, even a daemon in a session of its own. The
guardian kills the script at the deadline, when the caller cancels the run, and when the script
server has exited. It measures the deadline itself, because the caller may be killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from types import FrameType
from typing import Final

import msgspec

from checks.script_runner.request import KILLING_SECONDS_MAX, Finished, Request

_KILLING_PAUSE: Final = 0.002
_NOT_EXECUTED: Final = 127
# linux/prctl.h
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_CAP_AMBIENT = 1, 36, 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class _OrphanedError(Exception):
    """The script server has died."""


def guard(request: Request, caller: socket.socket, standard: Sequence[int], server: int) -> None:
    """Run a script to its end, and send the caller a `Finished`.

    The script writes to the first descriptor in ``standard``, and reads the second one. Without a
    second one, its input is empty. ``server`` is the process id of the parent.
    """
    signal.signal(signal.SIGTERM, _abort)
    finished, script = Finished(), None
    with contextlib.suppress(_OrphanedError):
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        _die_with_parent(signal.SIGTERM, server)
        try:
            script = _start(request, standard)
            for number in standard:
                os.close(number)
            finished = Finished(_wait(script, caller, request.timeout))
        except OSError as error:
            finished = Finished(error=str(error))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if script is not None and finished.status is None:  # not reaped, so the number is still its own
        with contextlib.suppress(ProcessLookupError):
            os.killpg(script, signal.SIGKILL)
    if finished.status is None or not request.leaves_daemons:
        end_descendants()
    with contextlib.suppress(OSError):  # the caller has given up
        caller.send(msgspec.msgpack.encode(finished))


def end_descendants() -> None:
    """Kill all descendants of this process, and wait for their end.

    A killed process leaves its children to this process, which kills them in the next round.
    """
    deadline = time.monotonic() + KILLING_SECONDS_MAX
    while time.monotonic() < deadline:
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_KILLING_PAUSE)


def _abort(_signal: int, _frame: FrameType | None) -> None:
    raise _OrphanedError


def _die_with_parent(number: signal.Signals, parent: int) -> None:
    """Get this signal when the parent dies. Raises _OrphanedError if it has died already."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        raise _OrphanedError


def _start(request: Request, standard: Sequence[int]) -> int:
    """Start the script and return its process id. Raises OSError if it cannot be executed."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    guardian = os.getpid()
    script = os.fork()
    if script == 0:
        try:
            _execute(request, standard, guardian)
        except OSError as error:
            os.write(writing, str(error.errno or 0).encode())
        finally:
            os._exit(_NOT_EXECUTED)
    os.close(writing)
    failure = os.read(reading, 16)
    os.close(reading)
    if failure:
        os.waitpid(script, 0)
        raise OSError(int(failure), os.strerror(int(failure)))
    return script


def _execute(request: Request, standard: Sequence[int], guardian: int) -> None:
    """Replace this process by the script, in a session of its own. Raises OSError.

    A script that does not run as root has no capabilities.
    """
    os.setsid()
    if request.identity is not None:
        os.setgroups(request.identity.groups)
        os.setgid(request.identity.group)
        os.setuid(request.identity.user)
    # A change from one ordinary user to another keeps the ambient capabilities (capabilities(7)).
    _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    _die_with_parent(signal.SIGKILL, guardian)  # a change of the user would undo this
    os.chdir("/")
    output, *given = standard
    os.dup2(given[0] if given else os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    # No shell is needed: the arguments are separate.
    os.execve(request.executable, request.arguments, request.environment)  # noqa: S606


def _wait(script: int, caller: socket.socket, timeout: float) -> int | None:
    """Return the exit status; None at the deadline, or if the caller has closed its end."""
    deadline = time.monotonic() + timeout
    process = os.pidfd_open(script)
    poll = select.poll()
    poll.register(process, select.POLLIN)
    poll.register(caller, select.POLLIN)
    try:
        while (left := deadline - time.monotonic()) > 0:
            ready = dict(poll.poll(left * 1000 + 1))
            if process in ready:
                return os.waitstatus_to_exitcode(os.waitpid(script, 0)[1])
            if ready:
                return None
        return None
    finally:
        os.close(process)


def _children() -> list[int]:
    """Return the process ids of the children of this process (proc(5))."""
    try:
        with open("/proc/thread-self/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:  # the kernel lacks CONFIG_PROC_CHILDREN
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and _is_child(name)]


def _is_child(process: str) -> bool:
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1]) == os.getpid()
    except OSError:
        return False
