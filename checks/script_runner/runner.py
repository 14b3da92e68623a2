"""Runs a script as an unprivileged user until it exits or reaches its deadline.

A script runs in its own session, with a small environment, without standard input, and in the
directory ``/``. At the deadline, or if its caller is cancelled, its whole process group is killed.
All output is read, so that the script never blocks, but only the first 4 KiB are kept.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from checks.script_runner.permission import RefusedError, find_executable
from checks.script_runner.script import Ended, Script

OUTPUT_BYTES_MAX: Final = 4096
KILLED_SECONDS: Final = 1.0
"""Seconds to wait for a killed script. A script that is blocked on a disk may continue to run."""

_READ_BYTES: Final = 65536
_ENVIRONMENT: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}


async def run(script: Script, *arguments: str) -> Ended:
    """Run a script with its own arguments and then these. The script cannot cause an exception."""
    try:
        executable = find_executable(script)
    except RefusedError as refusal:
        return Ended(False, str(refusal), started=False)
    output = _Output()
    try:
        process = await _start(script, executable, arguments, output.write_end)
    except (OSError, subprocess.SubprocessError) as error:
        output.finish()
        return Ended(False, f"{script.path} cannot be started: {error}", started=False)
    try:
        reason = await _wait_for_end(process, script)
    finally:
        text = output.finish()
    return Ended(process.returncode == 0, reason, text)


async def _start(
    script: Script, executable: Path, arguments: tuple[str, ...], output: int
) -> asyncio.subprocess.Process:
    user = pwd.getpwnam(script.user)
    change = user.pw_uid != os.geteuid()
    return await asyncio.create_subprocess_exec(
        script.path,
        *script.arguments,
        *arguments,
        executable=executable,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        env=_ENVIRONMENT,
        start_new_session=True,
        user=user.pw_uid if change else None,
        group=user.pw_gid if change else None,
        extra_groups=os.getgrouplist(script.user, user.pw_gid) if change else None,
    )


async def _wait_for_end(process: asyncio.subprocess.Process, script: Script) -> str:
    """Wait for the end of a process, kill it at its deadline, and return how it ended."""
    try:
        async with asyncio.timeout(script.timeout):
            status = await process.wait()
    except TimeoutError:
        _kill(process)
        with suppress(TimeoutError):
            async with asyncio.timeout(KILLED_SECONDS):
                await process.wait()
        return f"killed after {script.timeout:g}s"
    except asyncio.CancelledError:
        _kill(process)
        raise
    return f"exit status {status}" if status >= 0 else f"ended by signal {-status}"


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


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
