"""Runs a script: as an unprivileged user, to its end or its deadline, whatever it prints.

A script runs in a session of its own with a small environment, nothing to read, and ``/`` as its
directory. At its deadline, or when nobody waits for it any more, its whole process group is killed.
What it prints is read, so that it is never held up, but only 4 KiB are kept.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import stat
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from checks.script_runner.script import Ended, Script

OUTPUT_BYTES_MAX: Final = 4096
KILLED_SECONDS: Final = 1.0
"""How long a killed script is waited for; one that waits for a disk is left behind."""

_READ_BYTES: Final = 65536
_ENVIRONMENT: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}


async def run(script: Script, *arguments: str) -> Ended:
    """Run a script with these arguments after its own. Never raises for what the script does."""
    refused = refusal(script)
    if refused is not None:
        return Ended(False, refused, started=False)
    output = _Output()
    try:
        process = await _start(script, arguments, output.write_end)
    except (OSError, subprocess.SubprocessError) as error:
        output.finish()
        return Ended(False, f"{script.path} cannot be started: {error}", started=False)
    try:
        reason = await _see_end(process, script)
    finally:
        printed = output.finish()
    return Ended(process.returncode == 0, reason, printed)


def refusal(script: Script) -> str | None:
    """Say why a script must not be run; None when it may.

    Whoever can change the file, or put another in its place, would run it with our rights over
    the election: so it and every directory above it belong to root, to us or to its user, and
    nobody else may write to them. A sticky directory such as /tmp protects what is in it.
    """
    try:
        user = pwd.getpwnam(script.user)
        path = Path(script.path).resolve(strict=True)
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or not found.st_mode & 0o111:
            return f"{script.path} is not an executable file"
        trusted = {0, os.geteuid(), user.pw_uid}
        for each in (path, *path.parents):
            refused = _untrusted(each, each.stat(), trusted)
            if refused is not None:
                return refused
    except KeyError:
        return f"{script.path} cannot be run as {script.user}: there is no such user"
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        return f"{script.path} cannot be run: {getattr(error, 'strerror', None) or error}"
    if os.geteuid() not in (0, user.pw_uid):
        return f"{script.path} cannot be run as {script.user}: we are not root"
    return None


def _untrusted(path: Path, found: os.stat_result, trusted: set[int]) -> str | None:
    if found.st_uid not in trusted:
        return f"{path} belongs to the user {found.st_uid}, who could change what is run"
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    by_group = found.st_mode & stat.S_IWGRP and found.st_gid != 0
    if not sticky and (by_group or found.st_mode & stat.S_IWOTH):
        return f"{path} is writable by others, who could change what is run"
    return None


async def _start(
    script: Script, arguments: tuple[str, ...], output: int
) -> asyncio.subprocess.Process:
    user = pwd.getpwnam(script.user)
    change = user.pw_uid != os.geteuid()
    return await asyncio.create_subprocess_exec(
        script.path,
        *script.arguments,
        *arguments,
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


async def _see_end(process: asyncio.subprocess.Process, script: Script) -> str:
    """Wait for the end, or make it; says how it was."""
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
    """A pipe that is read as long as the script runs."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(self.write_end, True)
        self._kept = b""
        asyncio.get_running_loop().add_reader(self._read_end, self._take)

    def finish(self) -> str:
        """Close both ends; what was kept."""
        self._take()
        asyncio.get_running_loop().remove_reader(self._read_end)
        os.close(self._read_end)
        os.close(self.write_end)
        return self._kept.decode(errors="replace").strip()

    def _take(self) -> None:
        with suppress(BlockingIOError):
            read = os.read(self._read_end, _READ_BYTES)
            self._kept += read[: OUTPUT_BYTES_MAX - len(self._kept)]
