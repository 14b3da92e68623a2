"""Other users of the host cannot run code as the director, lock it out or misuse its files."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import eventually

pytestmark = pytest.mark.netns

MODULE = "from pathlib import Path; Path(__file__).with_name('executed').touch()\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "director.yaml"
    made.write_text(
        f"director: {{name: lb1, dataplane: userspace, runtime_directory: {tmp_path}/run,"
        f" state_directory: {tmp_path}/state}}\napi: {{unix: {tmp_path}/api.sock}}\n"
        "virtual_servers:\n"
        "  - {name: web, address: 127.0.31.1:8031, scheduler: rr, forwarding: nat,"
        " check: {type: tcp}, real_servers: [{address: 127.0.31.2:8032}]}\n"
    )
    return made


def run(file: Path, where: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a director, as its installed command does, until it exits or its API answers."""
    command = [str(Path(sys.executable).with_name("hadirector")), "run", "-c", str(file)]
    socket = file.with_name("api.sock")
    with subprocess.Popen(
        command, cwd=where, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as director:
        eventually(lambda: socket.exists() or director.poll() is not None, 20.0, "the API")
        director.terminate()
        _, errors = director.communicate(timeout=20)
    return subprocess.CompletedProcess(command, director.returncode, "", errors)


def test_modules_in_the_current_directory_are_not_executed(file: Path, tmp_path: Path) -> None:
    """Root may start a director in a directory where another user has left files."""
    trap = tmp_path / "trap"
    trap.mkdir()
    for name in ("hadirector.py", "msgspec.py", "checks.py", "vrrp.py", "yaml.py"):
        (trap / name).write_text(MODULE)
    director = run(file, trap)
    assert director.returncode == 0, director.stderr
    assert not (trap / "executed").exists()


def test_the_lock_is_closed_to_other_users(file: Path, tmp_path: Path) -> None:
    """flock(2) needs only a readable descriptor. The mode of an older lock is mended."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/lock").touch(0o644)
    assert run(file).returncode == 0
    assert (tmp_path / "run/lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("key", ["run", "state"])
def test_a_directory_that_others_may_write_to_is_refused(
    file: Path, tmp_path: Path, key: str
) -> None:
    directory = tmp_path / key
    directory.mkdir()
    directory.chmod(0o777)
    director = run(file)
    assert director.returncode == 2
    assert (
        f"{directory}: users other than its owner may write to it (mode 0777) (expected a directory"
        " that only this user may write to)"
    ) in director.stderr


def test_a_directory_of_another_user_is_refused(file: Path, tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    os.chown(directory, 65534, 65534)
    director = run(file)
    assert director.returncode == 2
    assert f"{directory}: it belongs to the user id 65534" in director.stderr


@pytest.mark.parametrize(
    "name", ["{directory}/chosen", "../..{directory}/chosen", "kernel/hostname"]
)
def test_a_stop_writes_only_sysctls_of_hadirector(file: Path, tmp_path: Path, name: str) -> None:
    """A file of another user names a parameter, its value now and the former value."""
    (tmp_path / "chosen").write_text("ours\n")
    (tmp_path / "run").mkdir()
    owned = {
        "version": 1,
        "sysctls": {name.format(directory=tmp_path): {"was": "x", "ours": "ours"}},
    }
    (tmp_path / "run/owned.json").write_text(json.dumps(owned))
    director = run(file)
    assert director.returncode == 0
    assert (tmp_path / "chosen").read_text() == "ours\n"
    assert "state_file_unusable" in director.stderr
    assert (tmp_path / "run/owned.unusable").exists()


def check(file: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("hadirector")), "check-config", str(file)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def write_keyed(tmp_path: Path) -> tuple[Path, Path]:
    """Write a configuration with a key; return it and the file of the key in its own directory."""
    key = tmp_path / "keys/key"
    key.parent.mkdir()
    key.write_text("a key that has thirty-two letters")
    key.chmod(0o600)
    file = tmp_path / "keyed.yaml"
    file.write_text(
        "vrrp: [{name: a, interface: lo, virtual_router_id: 1, virtual_addresses: [192.0.2.1/32],"
        f" auth_hmac: {{send_key: 1, keys: [{{id: 1, file: {key}}}]}}}}]\n"
    )
    return file, key


@pytest.mark.parametrize("place", ["owner", "directory", "link"])
def test_a_key_file_that_another_user_can_replace_is_refused(tmp_path: Path, place: str) -> None:
    file, key = write_keyed(tmp_path)
    assert check(file).returncode == 0
    fault = f"{key} belongs to the user 65534"
    if place == "owner":
        os.chown(key, 65534, -1)
    elif place == "directory":
        key.parent.chmod(0o777)
        fault = f"{key.parent} is writable by other users"
    else:
        key.rename(tmp_path / "other")
        key.symlink_to(tmp_path / "other")
        os.lchown(key, 65534, -1)
    checked = check(file)
    assert checked.returncode == 1
    assert f"a key file that no other user can replace; {fault})" in checked.stderr


def test_a_configuration_that_others_may_write_to_causes_a_warning(file: Path) -> None:
    assert "configuration_exposed" not in run(file).stderr
    file.chmod(0o666)
    exposure = f"{file}: {file} is writable by other users, who could change the configuration"
    director = run(file)
    assert "configuration_exposed" in director.stderr
    assert exposure in director.stderr
    assert f"note: {exposure}" in check(file).stderr


def test_a_process_that_holds_keys_leaves_no_core_file(file: Path) -> None:
    """Neither in a file nor through the program in core_pattern, whatever the limit was."""
    command = [str(Path(sys.executable).with_name("hadirector")), "run", "-c", str(file)]
    socket = file.with_name("api.sock")
    unlimited = f'ulimit -c unlimited; cd {file.parent}; exec "$@"'
    # A shell ignores SIGQUIT in programs that it starts in the background, such as these tests.
    default = ["env", "--default-signal=QUIT"]
    with subprocess.Popen(
        [*default, "sh", "-c", unlimited, "sh", *command], stderr=subprocess.DEVNULL
    ) as director:
        eventually(socket.exists, 20.0, "the API")
        listed = Path(f"/proc/{director.pid}/task/{director.pid}/children")
        eventually(lambda: listed.read_text() != "", 20.0, "the checks process")
        children = listed.read_text().split()
        limits = [Path(f"/proc/{pid}/limits").read_text() for pid in (director.pid, *children)]
        director.send_signal(signal.SIGQUIT)
        exited = os.P_PID, director.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            eventually(lambda: os.waitid(*exited), 20.0, "the end by SIGQUIT")
            result = os.waitid(*exited)
        finally:
            director.kill()
    assert result is not None
    assert len(limits) > 1
    assert all(re.search(r"Max core file size +1 ", each) for each in limits)
    assert (result.si_code, result.si_status) == (os.CLD_KILLED, signal.SIGQUIT)  # not CLD_DUMPED
