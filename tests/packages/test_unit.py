"""The installed director with the user and the capabilities of its systemd unit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hadirector.lab.topology import Host
from tests.packages.clean_root import CleanRoot
from tests.packages.running import PROGRAM, UNIT, VIRTUAL_ADDRESS, running
from tests.waiting import eventually

pytestmark = [pytest.mark.package, pytest.mark.timeout(900)]

EXPOSURE_MAX = 3.0

CONFIGURATION = """\
director: {name: lb1, dataplane: userspace, realtime: true}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    virtual_addresses: [192.168.122.22/24]
    track: [{script: /bin/true, interval: 500ms}]
    notify: [{script: /etc/hadirector/note, on: [active, stop]}]
virtual_servers:
  - {name: web, address: '192.168.122.22:80', scheduler: rr, forwarding: nat,
     check: {type: script, script: /bin/true, append: [], interval: 500ms},
     real_servers: [{address: '192.168.122.45:80'}]}
"""
NOTE = """\
#!/bin/sh
{ id -un; grep -E 'Cap(Prm|Eff|Amb)' /proc/self/status; } > /tmp/note
"""
NOTED = """\
nobody
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapAmb:\t0000000000000000
"""


def test_the_director_serves_without_being_root(
    root: CleanRoot, director: Host, tmp_path: Path
) -> None:
    """An instance, its scripts, a check, realtime, a port below 1024, and an orderly stop."""
    (root.path / "etc/hadirector/note").write_text(NOTE)
    (root.path / "etc/hadirector/note").chmod(0o755)
    log, note = tmp_path / "director.log", root.path / "tmp/note"
    with running(root, director, CONFIGURATION, log) as process:
        eventually(lambda: note.exists() and note.read_text(), 10.0, "the script", expected=NOTED)
        process.terminate()
        assert process.wait(20.0) == 0, log.read_text()
    assert not director.holds(VIRTUAL_ADDRESS)
    lines = log.read_text().splitlines()
    assert [line for line in lines if '"level": "error"' in line] == []


def test_the_unit_exposes_little(tmp_path: Path) -> None:
    """Systemd scores the unit from 0 to 10."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("@PROGRAM@", PROGRAM))
    done = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=yes",
            f"--threshold={EXPOSURE_MAX * 10:.0f}",
            unit,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_systemd_accepts_the_unit_of_the_wheel(tmp_path: Path) -> None:
    """With programs that exist."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("@PROGRAM@", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    # systemd also reads the other units of this machine, and warns of them.
    warnings = [line for line in done.stderr.splitlines() if not line.startswith("/lib/")]
    assert (done.returncode, warnings) == (0, [])
