"""Tracked files and processes of a host, and the scripts that may run."""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path

import pytest

from checks.script_runner.permission import find_executable, find_fault
from checks.script_runner.script import Script
from vrrp.model.tracked_process import ProcessPattern
from vrrp.tracking.file import FileError, read_number
from vrrp.tracking.process import read_processes
from vrrp.tracking.process_table import Identity, Patterns

US = pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize(
    ("content", "number"),
    [("7\n", 7), (" -12 ", -12), ("+3", 3), ("0", 0), ("123456789", 123456789)],
)
def test_a_file_holds_a_number(tmp_path: Path, content: str, number: int) -> None:
    file = tmp_path / "load"
    file.write_text(content)
    assert read_number(str(file)) == number


def test_a_missing_file_is_0(tmp_path: Path) -> None:
    assert read_number(str(tmp_path / "load")) == 0


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"x", b"1 2", b"1.5", b"1234567890", b"1" + b" " * 99, b"\xff\xfe"]
)
def test_a_file_without_a_number_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "load"
    file.write_bytes(content)
    with pytest.raises(FileError, match=r"load: got .*, expected a whole number"):
        read_number(str(file))


def test_a_directory_and_a_pipe_do_not_block(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Is a directory"):
        read_number(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="got ''"):
        read_number(str(tmp_path / "pipe"))


def write_process(proc: Path, pid: str, stat: str, command_line: bytes = b"") -> None:
    (proc / pid).mkdir()
    (proc / pid / "stat").write_text(stat)
    (proc / pid / "cmdline").write_bytes(command_line)


def test_processes_are_found_by_their_names(tmp_path: Path) -> None:
    """A name may have any character. A zombie does not run. A command line is read if needed."""
    write_process(tmp_path, "1", "1 (init) S 0", b"/sbin/init\0")
    write_process(tmp_path, "7", "7 (a) b (c) R 1", b"a\0-x\0")
    write_process(tmp_path, "8", "8 (gone) Z 1")
    write_process(tmp_path, "self", "9 (me) R 1")
    (tmp_path / "10").mkdir()  # has just ended
    names = ["init", "gone", "me", "x"]
    patterns = Patterns(
        [
            *(ProcessPattern(name=name) for name in names),
            ProcessPattern(name="a) b (c", arguments=("-x",)),
        ]
    )
    assert read_processes(patterns, tmp_path) == {
        1: Identity(b"init"),
        7: Identity(b"a) b (c", b"a\0-x\0"),
    }


def test_a_process_is_not_gone_because_this_process_lacks_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a flood of connections would lower the priority."""
    write_process(tmp_path, "1", "1 (init) S 0")

    def refuse(*_: object) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("vrrp.tracking.process._read", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        read_processes(Patterns([ProcessPattern(name="init")]), tmp_path)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "script"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_a_script_that_only_we_can_change_may_run(script: Path) -> None:
    assert find_fault(Script(path=str(script), user=US)) is None


def test_a_script_that_others_can_change_is_refused(script: Path) -> None:
    """By the mode of the script or of a directory above it."""
    script.chmod(0o757)
    reason = "is writable by other users: another user could replace the script"
    assert find_fault(Script(path=str(script), user=US)) == f"{script} {reason}"
    script.chmod(0o755)
    script.parent.chmod(0o777)
    assert find_fault(Script(path=str(script), user=US)) == f"{script.parent} {reason}"


def test_a_link_is_judged_by_its_target(script: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(script)
    script.chmod(0o757)
    assert find_fault(Script(path=str(link), user=US)) == (
        f"{script} is writable by other users: another user could replace the script"
    )


def test_every_link_on_the_way_is_judged(script: Path, tmp_path: Path) -> None:
    """Also a link to a link, and a directory above the second one."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "second").symlink_to(script)
    first = tmp_path / "first"
    first.symlink_to("other/../other/second")
    assert find_executable(Script(path=str(first), user=US)) == script
    other.chmod(0o777)
    assert find_fault(Script(path=str(first), user=US)) == (
        f"{other} is writable by other users: another user could replace the script"
    )


def test_files_that_are_not_scripts_are_refused(script: Path, tmp_path: Path) -> None:
    script.chmod(0o644)
    assert find_fault(Script(path=str(script), user=US)) == f"{script} is not an executable file"
    assert (
        find_fault(Script(path=str(tmp_path), user=US)) == f"{tmp_path} is not an executable file"
    )
    missing = tmp_path / "missing"
    assert find_fault(Script(path=str(missing), user=US)) == (
        f"{missing} cannot run: No such file or directory"
    )
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert str(find_fault(Script(path=str(loop), user=US))).startswith(f"{loop} cannot run: ")
    assert find_fault(Script(path=str(script), user="no-such-user")) == (
        f"{script} cannot run as no-such-user: this host has no such user"
    )
