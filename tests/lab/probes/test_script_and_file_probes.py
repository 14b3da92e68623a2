"""The probes that use this host only: scripts and files."""

import os
from pathlib import Path
from typing import Literal

import pytest

from checks.definition.options import FileProbe, ScriptProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import SHORT, ask, time_for

USER = "root" if os.geteuid() == 0 else "nobody"


def script(folder: Path, text: str, mode: int = 0o755) -> ScriptProbe:
    path = folder / "script"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)
    return ScriptProbe(script=str(path), user=USER)


def statement(folder: Path, text: str) -> ScriptProbe:
    made = script(folder, text)
    return ScriptProbe(script=made.script, user=USER, statement=True)


pytestmark = pytest.mark.netns  # a script that belongs to root runs as root


async def test_a_script_gets_the_target_and_its_status_decides(tmp_path: Path) -> None:
    options = script(tmp_path, 'echo "$@"; test "$2" = 80')
    options = ScriptProbe(script=options.script, user=USER, arguments=("a b",))
    passed = await ask(80, script(tmp_path, 'echo "$@"; test "$2" = 80'), "::1")
    failed = await ask(81, options)
    assert (passed.reason, passed.detail) == (Reason.PASSED, "exit status 0: ::1 80")
    assert (failed.reason, failed.detail) == (Reason.DOWN, "exit status 1: a b 127.0.0.1 81")
    assert passed.weight is None


@pytest.mark.parametrize(
    ("arguments", "append", "printed"),
    [
        ((), (), "0:"),
        (("-w", "5"), (), "2: -w 5"),
        (("http://{address}:{port}/{path}", "{port}"), (), "2: http://::1:80/{path} 80"),
        (("a",), ("port", "address"), "3: a 80 ::1"),
    ],
)
async def test_a_script_gets_exactly_the_arguments_of_its_check(
    tmp_path: Path,
    arguments: tuple[str, ...],
    append: tuple[Literal["address", "port"], ...],
    printed: str,
) -> None:
    made = script(tmp_path, 'echo "$#: $*"')
    options = ScriptProbe(script=made.script, user=USER, arguments=arguments, append=append)
    result = await ask(80, options, "::1")
    assert (result.reason, result.detail) == (Reason.PASSED, f"exit status 0: {printed}")


@pytest.mark.parametrize(
    ("text", "reason", "detail", "weight"),
    [
        ("true", Reason.PASSED, "exit status 0", None),
        ("exit 1", Reason.DOWN, "exit status 1", None),
        ("exit 2", Reason.PASSED, "exit status 2", 0),
        ("echo busy; exit 52", Reason.PASSED, "exit status 52: busy", 50),
        ("exit 255", Reason.PASSED, "exit status 255", 253),
        ("kill -9 $$", Reason.DOWN, "ended by signal 9", None),
    ],
)
async def test_the_exit_status_of_a_script_may_be_a_weight(
    tmp_path: Path, text: str, reason: Reason, detail: str, weight: int | None
) -> None:
    made = script(tmp_path, text)
    options = ScriptProbe(script=made.script, user=USER, exit_weight=True)
    result = await ask(80, options)
    assert (result.reason, result.detail, result.weight) == (reason, detail, weight)


@pytest.mark.parametrize(
    ("text", "reason", "detail", "weight"),
    [
        ("echo 30%; echo more", Reason.PASSED, "the script reports 30%", 30),
        ("echo maint", Reason.DOWN, "the script reports maint", None),
        ("echo hello", Reason.PROTOCOL, "not an agent's statement: hello", None),
        ("true", Reason.PROTOCOL, "not an agent's statement: nothing", None),
        ("echo 30%; exit 3", Reason.DOWN, "exit status 3: 30%", None),
        ("kill -9 $$", Reason.DOWN, "ended by signal 9", None),
    ],
)
async def test_a_script_may_make_a_statement(
    tmp_path: Path, text: str, reason: Reason, detail: str, weight: int | None
) -> None:
    result = await ask(80, statement(tmp_path, text), timeout=time_for(reason))
    assert (result.reason, result.detail, result.weight) == (reason, detail, weight)


async def test_a_script_is_killed_at_the_deadline_with_its_children(tmp_path: Path) -> None:
    marker = tmp_path / "survived"
    options = script(tmp_path, f"(sleep 0.6; touch {marker}) & sleep 0.6; touch {marker}")
    result = await ask(80, options, timeout=SHORT)
    assert result.reason is Reason.TIMEOUT
    assert result.detail == "no answer within 0.3 s while running the script"
    assert result.duration < 1.5
    await ask(80, script(tmp_path, "sleep 0.2"), timeout=SHORT)
    await ask(80, script(tmp_path, "sleep 0.25"), timeout=SHORT)
    assert not marker.exists()


async def test_only_the_beginning_of_the_output_is_kept(tmp_path: Path) -> None:
    result = await ask(80, script(tmp_path, "head -c 5000000 /dev/zero | tr '\\0' x; exit 1"))
    assert result.reason is Reason.DOWN, result
    assert len(result.detail) == 200


async def test_a_script_that_must_not_run_is_a_local_error(tmp_path: Path) -> None:
    """A missing script, and a script that other users could change."""
    writable = script(tmp_path, "true", 0o777)
    for options in (ScriptProbe(script=str(tmp_path / "missing"), user=USER), writable):
        result = await ask(80, options)
        assert result.reason is Reason.LOCAL_ERROR
        assert str(options.script) in result.detail


@pytest.mark.parametrize(
    ("text", "expect", "reason", "detail", "weight"),
    [
        (b"", None, Reason.PASSED, "PATH exists", None),
        (b"\n", None, Reason.PASSED, "PATH exists", None),
        (b"50%\n", None, Reason.PASSED, "PATH reports 50%", 50),
        (b"drain\n", None, Reason.PASSED, "PATH reports drain", 0),
        (b"maint # until monday\n", None, Reason.DOWN, "PATH reports maint # until monday", None),
        (b"hello\n", None, Reason.PROTOCOL, "not an agent's statement: hello", None),
        (b"state: ok", "ok$", Reason.PASSED, "PATH matches", None),
        (b"\xff", "ok$", Reason.DOWN, "PATH of 1 bytes does not match /ok$/", None),
        (b"x" * 65536 + b"ok", "ok$", Reason.DOWN, "PATH of 65536 bytes does not match", None),
        (None, None, Reason.DOWN, "PATH does not exist", None),
    ],
)
async def test_a_file_is_evaluated(  # noqa: PLR0917 - pytest gives names
    tmp_path: Path,
    text: bytes | None,
    expect: str | None,
    reason: Reason,
    detail: str,
    weight: int | None,
) -> None:
    path = tmp_path / "f"
    if text is not None:
        path.write_bytes(text)
    result = await ask(0, FileProbe(file=str(path), expect=expect), timeout=time_for(reason))
    assert (result.reason, result.weight) == (reason, weight), result
    assert result.detail.startswith(detail.replace("PATH", str(path))), result


async def test_an_unreadable_file_is_a_local_error(tmp_path: Path) -> None:
    """The probe does not wait for the writer of a pipe."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        result = await ask(0, FileProbe(file=str(path)))
        assert result.reason is Reason.LOCAL_ERROR
        assert result.detail == f"{path} is not a regular file"
