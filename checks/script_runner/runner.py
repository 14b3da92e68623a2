"""Runs a script as an unprivileged user until it exits or reaches its deadline.

A script runs in its own session, with few environment variables, and in the directory ``/``. Its
standard input is empty, or a file in memory. At the deadline, if its caller is cancelled, or if
this process ends, it is killed with all its descendants. When the script exits, its descendants
are killed too, unless it may leave daemons. All output is read, so that the script never blocks,
but only the first 4 KiB are kept.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from checks.script_runner.client import server
from checks.script_runner.identity import UnknownAccountError, find_identity, is_own
from checks.script_runner.permission import RefusedError, find_executable
from checks.script_runner.request import (
    KILLING_SECONDS_MAX,
    MESSAGE_BYTES_MAX,
    Finished,
    Request,
)
from checks.script_runner.script import Ended, Script
from checks.script_runner.search_path import PATH

OUTPUT_BYTES_MAX: Final = 4096
GUARDIAN_SECONDS: Final = KILLING_SECONDS_MAX + 1.0
"""How long to wait for the end of a killed script. A script that is blocked on a disk may continue
to run."""

_READ_BYTES: Final = 65536
_ENVIRONMENT: Final = {"PATH": PATH, "LANG": "C.UTF-8"}
_NOTHING: Final[Mapping[str, str]] = {}


async def run(
    script: Script,
    *arguments: str,
    environment: Mapping[str, str] = _NOTHING,
    standard_input: bytes = b"",
) -> Ended:
    """Run a script with its configured arguments, followed by ``arguments``.

    ``environment`` contains variables in addition to PATH and LANG. The script reads
    ``standard_input`` at its own pace. A failure of the script is a result and never an exception.
    """
    try:
        executable = find_executable(script)
    except RefusedError as refusal:
        return Ended(None, str(refusal), started=False)
    output = _Output()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        try:
            with theirs, _file_in_memory(standard_input) as given:
                request = _request(script, executable, arguments, environment)
                server.submit(request, theirs.fileno(), output.write_end, *given)
            finished = await _receive(ours, script.timeout + GUARDIAN_SECONDS)
        except (OSError, UnknownAccountError) as error:  # the user has been removed
            finished = Finished(error=str(error))
        finally:
            text = output.finish()
    if finished.error:
        return Ended(None, f"{script.path} cannot be started: {finished.error}", started=False)
    exited = finished.status is not None and finished.status >= 0
    return Ended(finished.status if exited else None, _describe(finished, script), text)


@contextmanager
def _file_in_memory(content: bytes) -> Iterator[Sequence[int]]:
    """Return the descriptor of a file with this content; none without a content.

    A pipe would need a writer that waits for the script. Raises OSError.
    """
    if not content:
        yield ()
        return
    with open(os.memfd_create("input"), "r+b", buffering=0) as file:
        file.write(content)
        file.seek(0)
        yield (file.fileno(),)


def _request(
    script: Script, executable: Path, arguments: tuple[str, ...], environment: Mapping[str, str]
) -> Request:
    identity = find_identity(script)
    return Request(
        executable=str(executable),
        arguments=(script.path, *script.arguments, *arguments),
        environment={**environment, **_ENVIRONMENT},
        identity=None if is_own(identity, script) else identity,
        timeout=script.timeout,
        leaves_daemons=script.leaves_daemons,
    )


async def _receive(ours: socket.socket, seconds: float) -> Finished:
    """Return what the guardian sends; the script counts as killed after this time.

    When the socket is closed, the guardian kills the script.
    """
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    ours.setblocking(False)
    loop.add_reader(ours, _set_done, readable)
    try:
        async with asyncio.timeout(seconds):
            await readable
        data = ours.recv(MESSAGE_BYTES_MAX)
    except TimeoutError:
        return Finished()
    finally:
        loop.remove_reader(ours)
    if not data:
        return Finished(error="the process that runs the script has ended")
    return msgspec.msgpack.decode(data, type=Finished)


def _set_done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _describe(finished: Finished, script: Script) -> str:
    if finished.status is None:
        return f"killed after {script.timeout:g}s"
    if finished.status < 0:
        return f"ended by signal {-finished.status}"
    return f"exit status {finished.status}"


class _Output:
    """A pipe that is read while the script runs."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(self.write_end, True)
        self._kept = b""
        asyncio.get_running_loop().add_reader(self._read_end, self._read)

    def finish(self) -> str:
        """Close the pipe and return the output that has been kept."""
        self._read()
        asyncio.get_running_loop().remove_reader(self._read_end)
        os.close(self._read_end)
        os.close(self.write_end)
        return self._kept.decode(errors="replace").strip()

    def _read(self) -> None:
        with suppress(BlockingIOError):
            output = os.read(self._read_end, _READ_BYTES)
            self._kept += output[: OUTPUT_BYTES_MAX - len(self._kept)]
