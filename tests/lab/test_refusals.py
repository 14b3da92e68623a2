"""A configuration that cannot work is refused before any change, with a remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFIGURATION = """
director: {{name: lb1, dataplane: {dataplane}, runtime_directory: {runtime}}}
vrrp:
  - name: web
    interface: {interface}
    virtual_router_id: 51
    virtual_addresses: [192.0.2.10]
virtual_servers:
  - name: web
    address: 192.0.2.10:80
    scheduler: {scheduler}
    forwarding: nat
    real_servers:
      - {{address: 192.0.2.45:80}}
"""


class Attempt:
    """One attempt to run a director that must not start."""

    def __init__(self, directory: Path, prefix: tuple[str, ...] = (), **settings: str) -> None:
        self.runtime = directory / "run"
        values = {"dataplane": "ipvs", "interface": "lo", "scheduler": "rr", **settings}
        file = directory / "hadirector.yaml"
        file.write_text(CONFIGURATION.format(runtime=self.runtime, **values))
        done = subprocess.run(
            [*prefix, sys.executable, "-m", "hadirector", "run", "-c", str(file)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.status = done.returncode
        self.said = done.stderr


def without_capabilities() -> tuple[str, ...]:
    """Return a command prefix that drops CAP_NET_ADMIN and CAP_NET_RAW, also for root."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    assert setpriv, "setpriv is missing (Debian package util-linux)"
    return (setpriv, "--bounding-set=-net_admin,-net_raw")


def test_missing_capabilities_are_named_with_what_they_are_for(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, without_capabilities())
    assert attempt.status == 2
    assert (
        "CAP_NET_ADMIN is missing: it is needed to program IPVS and to add virtual addresses"
        in attempt.said
    )
    assert (
        "CAP_NET_RAW is missing: it is needed to send and receive IP protocol 112"
        " and to announce virtual addresses" in attempt.said
    )
    assert not attempt.runtime.exists()


def test_every_fault_of_a_file_is_reported_at_its_place(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, scheduler="zz", interface="an-interface-name-too-long")
    assert attempt.status == 2
    lines = attempt.said.splitlines()
    assert any(f"{tmp_path}/hadirector.yaml:5:16: " in line for line in lines)
    assert any(f"{tmp_path}/hadirector.yaml:11:16: " in line for line in lines)
    assert not attempt.runtime.exists()


@pytest.mark.parametrize(
    ("mode", "fault"), [(0o777, "is writable by other users"), (None, "No such")]
)
def test_a_script_that_must_not_be_run_is_refused_at_its_place(
    tmp_path: Path, mode: int | None, fault: str
) -> None:
    """Also a script of a check within a check, and by ``check-config`` if root runs it."""
    script = tmp_path / "script"
    if mode is not None:
        script.write_text("#!/bin/sh\n")
        script.chmod(mode)
    file = tmp_path / "hadirector.yaml"
    file.write_text(
        f"director: {{dataplane: dry-run, runtime_directory: {tmp_path}/run}}\n"
        "virtual_servers:\n"
        "  - address: 192.0.2.10:80\n"
        "    check:\n"
        "      type: all\n"
        "      checks:\n"
        "        - {type: tcp}\n"
        f"        - {{type: script, script: {script}}}\n"
        "    real_servers: [{address: 192.0.2.45}]\n"
    )
    started, judged = (
        subprocess.run(
            [sys.executable, "-m", "hadirector", *command, str(file)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        for command in (("run", "-c"), ("check-config",))
    )
    assert started.returncode == 2
    assert f"{file}:8:34: {script}" in started.stderr
    assert fault in started.stderr
    is_root = os.geteuid() == 0  # for other users the file is good: their director runs elsewhere
    assert judged.returncode == (1 if is_root else 0)
    assert (f"{file}:8:34: {script}" in judged.stderr) is is_root


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hadirector", "run", "-c", str(tmp_path / "none.yaml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"{tmp_path}/none.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.ipvs
def test_a_missing_scheduler_is_named_with_its_module(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path, scheduler="twos")
    assert attempt.status == 2
    assert "ip_vs_twos" in attempt.said
    assert not attempt.runtime.exists()
