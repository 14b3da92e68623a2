"""The installed director with the user and the capabilities of its systemd unit."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.packages.clean_root import CleanRoot
from tests.waiting import eventually

pytestmark = [pytest.mark.package, pytest.mark.timeout(900)]

UNIT = Path(__file__).parents[2] / "packaging/debian/hadirector.service"
VIRTUAL_ADDRESS = "192.168.122.22"
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


def service() -> configparser.SectionProxy:
    """Return the settings of the unit."""
    unit = configparser.RawConfigParser(strict=False, allow_no_value=True)
    setattr(unit, "optionxform", str)  # noqa: B010  # the names keep their case
    unit.read(UNIT)
    return unit["Service"]


def privileges() -> list[str]:
    """Return the command that gives another command the privileges of the unit (setpriv(1))."""
    names = service()["AmbientCapabilities"].split()
    assert names == service()["CapabilityBoundingSet"].split()
    wanted = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in names)
    return [
        "setpriv",
        "--reuid=hadirector",
        "--regid=hadirector",
        "--clear-groups",
        "--no-new-privs",
        f"--inh-caps=-all,{wanted}",
        f"--ambient-caps=-all,{wanted}",
        f"--bounding-set=-all,{wanted}",
    ]


@pytest.fixture
def director() -> Iterator[Host]:
    """A host with an interface, and nothing else."""
    with Network() as network:
        yield network.host("director", "192.168.122.30/24")


def configure(root: CleanRoot) -> None:
    """Write a configuration, and make the directories that systemd would make."""
    directory = root.path / "etc/hadirector"
    (directory / "hadirector.yaml").write_text(CONFIGURATION)
    (directory / "note").write_text(NOTE)
    (directory / "note").chmod(0o755)
    for name in ("run/hadirector", "var/lib/hadirector"):
        (root.path / name).mkdir(exist_ok=True)
    owned = ("/etc/hadirector", "/run/hadirector", "/var/lib/hadirector")
    assert root.run("chown", "-R", "hadirector:hadirector", *owned).returncode == 0


def start(root: CleanRoot, director: Host, log: Path) -> subprocess.Popen[str]:
    """Start the command of the unit, in the root and in the network of the host."""
    command = shlex.split(service()["ExecStart"].replace("\\\n", " "))
    enter = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
    arguments = ["unshare", "--mount", "sh", "-c", enter, str(root.path), *privileges(), *command]
    with log.open("w") as output:
        return director.start(*arguments, output=output)


def test_the_director_serves_without_being_root(
    root: CleanRoot, director: Host, tmp_path: Path
) -> None:
    """An instance, its scripts, a check, realtime, a port below 1024, and an orderly stop."""
    configure(root)
    log = tmp_path / "director.log"
    process = start(root, director, log)
    note = root.path / "tmp/note"
    try:
        eventually(lambda: director.holds(VIRTUAL_ADDRESS), 30.0, "ACTIVE")
        eventually(lambda: note.exists() and note.read_text(), 10.0, "the script", expected=NOTED)
        process.terminate()
        assert process.wait(20.0) == 0, log.read_text()
    finally:
        director.stop(process)
        shutil.rmtree(root.path / "var/lib/hadirector")
    assert not director.holds(VIRTUAL_ADDRESS)
    lines = log.read_text().splitlines()
    assert [line for line in lines if '"level": "error"' in line] == []


def test_the_unit_exposes_little() -> None:
    """Systemd scores the unit from 0 to 10."""
    done = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=yes",
            f"--threshold={EXPOSURE_MAX * 10:.0f}",
            UNIT,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]
