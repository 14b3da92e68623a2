"""Real scripts end in time, with all their processes."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from checks.script_runner.client import server
from checks.script_runner.runner import run
from checks.script_runner.script import Ended, Script
from tests.waiting import eventually_async

US = pwd.getpwuid(os.getuid()).pw_name
Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a shell script that all users may read; return its path."""

    def write(text: str) -> str:
        file = tmp_path / "script"
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
        return str(file)

    return write


def ended_process(file: Path) -> bool:
    """Return whether the process whose number is in a file is gone, or a zombie."""
    stat = Path(f"/proc/{file.read_text().strip()}/stat")
    return not stat.exists() or ") Z " in stat.read_text()


async def test_the_exit_status_decides(write: Write) -> None:
    assert await run(Script(path=write("exit 0"), user=US)) == Ended(0, "exit status 0")
    assert await run(Script(path=write("echo no; exit 3"), user=US)) == Ended(
        3, "exit status 3", "no"
    )
    assert await run(Script(path=write("kill -9 $$"), user=US)) == Ended(None, "ended by signal 9")


async def test_no_shell_interprets_the_arguments(write: Write) -> None:
    """The script gets its own arguments first, our environment, empty input, and / as its
    directory.
    """
    path = write('printf "%s|" "$@" "$HOME" "$PWD"; cat')
    ended = await run(Script(path=path, arguments=("a b", "$HOME"), user=US, timeout=5.0), ";ls")
    assert ended.output == "a b|$HOME|;ls||/|"


async def test_a_script_is_killed_with_its_children_at_its_deadline(
    write: Write, tmp_path: Path
) -> None:
    path = write(f"sleep 60 & echo $! > {tmp_path}/child; trap '' TERM; wait; sleep 60")
    started = time.monotonic()
    ended = await run(Script(path=path, user=US, timeout=0.3))
    assert ended == Ended(None, "killed after 0.3s")
    assert time.monotonic() - started < 1.0
    await asyncio.sleep(0.1)
    assert ended_process(tmp_path / "child")


async def test_only_the_beginning_of_its_output_is_kept(write: Write) -> None:
    """A script that prints more than a pipe holds is not blocked."""
    ended = await run(
        Script(path=write("head -c 1000000 /dev/zero | tr '\\0' x"), user=US, timeout=5.0)
    )
    assert ended == Ended(0, "exit status 0", "x" * 4096)


async def test_a_process_that_the_script_leaves_running_delays_nothing(write: Write) -> None:
    """A notification may start a daemon that keeps the output open."""
    started = time.monotonic()
    assert (await run(Script(path=write("sleep 2 & exit 0"), user=US))).succeeded
    assert time.monotonic() - started < 1.0


async def test_a_script_is_killed_when_its_caller_is_cancelled(
    write: Write, tmp_path: Path
) -> None:
    path = write(f"echo $$ > {tmp_path}/pid; sleep 60")
    running = asyncio.create_task(run(Script(path=path, user=US, timeout=60.0)))
    await asyncio.sleep(0.5)
    assert not ended_process(tmp_path / "pid")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.sleep(0.1)
    assert ended_process(tmp_path / "pid")


def with_a_daemon(directory: Path, end: str) -> str:
    """Return a script that starts a daemon in a session of its own, and its last line."""
    daemon = directory / "daemon"
    return (
        f"setsid sh -c 'echo $$ > {daemon}; exec sleep 60' &\n"
        f"until [ -s {daemon} ]; do sleep 0.01; done\n{end}"
    )


@pytest.mark.parametrize(
    ("end", "succeeds"), [("exit 0", True), ("exit 1", False), ("sleep 60", False)]
)
async def test_a_script_is_ended_with_its_daemons(
    write: Write, tmp_path: Path, end: str, succeeds: bool
) -> None:
    """After its own end, and at its deadline."""
    path = write(with_a_daemon(tmp_path, end))
    ended = await run(Script(path=path, user=US, timeout=2.0))
    assert ended.succeeded is succeeds
    assert ended_process(tmp_path / "daemon")


async def test_a_notification_may_start_a_daemon(write: Write, tmp_path: Path) -> None:
    path = write(with_a_daemon(tmp_path, "exit 0"))
    script = Script(path=path, user=US, timeout=5.0, leaves_daemons=True)
    assert await run(script) == Ended(0, "exit status 0")
    await asyncio.sleep(0.1)
    assert not ended_process(tmp_path / "daemon")
    os.kill(int((tmp_path / "daemon").read_text()), signal.SIGKILL)


async def test_a_killed_script_server_ends_its_scripts_and_is_started_again(
    write: Write, tmp_path: Path
) -> None:
    path = write(f"echo $$ > {tmp_path}/pid\n" + with_a_daemon(tmp_path, "sleep 60"))
    running = asyncio.create_task(run(Script(path=path, user=US, timeout=60.0)))
    await eventually_async((tmp_path / "daemon").exists, 5.0)
    await asyncio.sleep(0.1)
    os.kill(server.pid, signal.SIGKILL)
    ended = await running
    assert not ended.succeeded
    for name in ("pid", "daemon"):
        await eventually_async(lambda: ended_process(tmp_path / name), 2.0, name)  # noqa: B023
    assert (await run(Script(path=write("exit 0"), user=US, timeout=5.0))).succeeded


async def test_a_file_that_is_not_a_program_is_named(tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text("#!/no/such/interpreter\n")
    file.chmod(0o755)
    ended = await run(Script(path=str(file), user=US))
    assert ended.reason.startswith(f"{file} cannot be started: ")


@pytest.mark.netns
async def test_a_script_runs_as_the_given_user(write: Write, tmp_path: Path) -> None:
    """Without any other group, and without capabilities."""
    for each in (tmp_path, *tmp_path.parents[:-2]):
        each.chmod(0o755)
    path = write("id -un; id -Gn; grep CapEff /proc/self/status")
    ended = await run(Script(path=path, user="nobody", timeout=5.0))
    assert ended.output.split() == ["nobody", "nogroup", "CapEff:", "0000000000000000"]


@pytest.mark.netns
async def test_a_link_of_another_user_is_not_followed(write: Write, tmp_path: Path) -> None:
    """The user swaps the link between a script of root and its own script, all the time."""
    good = write("echo good")
    outside = tmp_path / "outside"
    outside.mkdir()
    evil = outside / "evil"
    evil.write_text("#!/bin/sh\necho evil\n")
    evil.chmod(0o755)
    link = outside / "link"
    link.symlink_to(good)
    os.chown(evil, 65534, 65534)
    os.lchown(link, 65534, 65534)
    os.chown(outside, 65534, 65534)
    swapping = threading.Event()

    def swap() -> None:
        target = str(evil)
        while not swapping.is_set():
            new = outside / "new"
            new.symlink_to(target)
            os.lchown(new, 65534, 65534)
            new.rename(link)
            target = good if target == str(evil) else str(evil)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        script = Script(path=str(link), user="root", timeout=5.0)
        ended = [await run(script) for _ in range(300)]
    finally:
        swapping.set()
        thread.join()
    assert {each.output for each in ended} == {""}
    assert {each.reason for each in ended} == {
        f"{outside} belongs to the user 65534: another user could replace the script"
    }


async def test_a_script_reads_its_input_and_ends_without_reading_it(write: Write) -> None:
    """More than a pipe holds, and a script that leaves it unread blocks nothing."""
    text = b"line\n" * 100_000
    script = Script(path=write("wc -c"), user=US, timeout=10)
    assert (await run(script, standard_input=text)).output == "500000"
    assert (await run(script)).output == "0"
    unread = Script(path=write("exit 3"), user=US, timeout=10)
    assert (await run(unread, standard_input=text)).status == 3
