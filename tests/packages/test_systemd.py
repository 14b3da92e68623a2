"""The installed unit runs under a real systemd, with its journal, credentials and sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host
from tests.packages.booted_root import BootedRoot, boot
from tests.packages.clean_root import CleanRoot
from tests.packages.running import VIRTUAL_ADDRESS
from tests.waiting import eventually

pytestmark = [pytest.mark.package, pytest.mark.timeout(900)]

CONFIGURATION = """\
director: {name: lb1, dataplane: userspace, realtime: true}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    virtual_addresses: [192.168.122.22/24]
    auth_hmac: {send_key: 7, keys: [{id: 7, file: vrrp.key}]}
    track: [{script: /bin/true, interval: 500ms}]
virtual_servers:
  - {name: web, address: '192.168.122.22:80', scheduler: rr, forwarding: nat,
     check: {type: script, script: /bin/true, append: [], interval: 500ms},
     real_servers: [{address: '192.168.122.45:80'}]}
"""
DROP_IN = "[Service]\nLoadCredential=vrrp.key:/etc/hadirector/key\n"


@pytest.fixture
def system(root: CleanRoot, director: Host, tmp_path: Path) -> Iterator[BootedRoot]:
    (root.path / "etc/hadirector/hadirector.yaml").write_text(CONFIGURATION)
    (root.path / "etc/hadirector/key").write_text("k" * 32)
    (root.path / "etc/hadirector/key").chmod(0o600)
    drop_in = root.path / "etc/systemd/system/hadirector.service.d/credentials.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(DROP_IN)
    try:
        with boot(root, director, tmp_path / "boot.log") as made:
            yield made
    finally:
        drop_in.unlink()
        drop_in.parent.rmdir()


def property_of(system: BootedRoot, name: str) -> str:
    return system.run(
        "systemctl", "show", "--value", f"--property={name}", "hadirector"
    ).stdout.strip()


def wait_for_the_status_line(system: BootedRoot) -> None:
    eventually(
        lambda: "ACTIVE for web" in property_of(system, "StatusText"), 30.0, "the status line"
    )


def entries(system: BootedRoot, *matches: str) -> list[dict[str, str]]:
    shown = system.run("journalctl", "--output=json", *matches).stdout
    return [json.loads(line) for line in shown.splitlines()]


def test_the_unit_runs(root: CleanRoot, system: BootedRoot, director: Host) -> None:
    """A start, the journal, a refused reload, a crash and a stop."""
    started = system.run("systemctl", "start", "hadirector")
    log = system.run("journalctl", "--unit=hadirector", "--no-pager").stdout
    assert started.returncode == 0, log
    eventually(lambda: director.holds(VIRTUAL_ADDRESS), 20.0, "ACTIVE")
    assert property_of(system, "User") == "hadirector"
    wait_for_the_status_line(system)
    [*_, entry] = entries(system, "HADIRECTOR_EVENT=vrrp_state_changed", "HADIRECTOR_OBJECT=web")
    assert entry["_SYSTEMD_UNIT"] == "hadirector.service"
    assert entry["SYSLOG_IDENTIFIER"] == "hadirector"
    assert entry["PRIORITY"] == "6"
    assert entries(system, f"MESSAGE_ID={entry['MESSAGE_ID']}")[-1] == entry

    configuration = root.path / "etc/hadirector/hadirector.yaml"
    configuration.write_text(CONFIGURATION.replace("interface:", "interfaces:"))
    assert system.run("systemctl", "reload", "hadirector").returncode != 0
    refused = system.run("journalctl", "--unit=hadirector", "--no-pager").stdout
    assert 'unknown key "interfaces"' in refused
    configuration.write_text(CONFIGURATION)
    assert system.run("systemctl", "reload", "hadirector").returncode == 0

    first = property_of(system, "MainPID")
    assert system.run("systemctl", "kill", "-s", "KILL", "hadirector").returncode == 0
    eventually(lambda: property_of(system, "MainPID") not in (first, "0"), 30.0, "another start")
    # The address has outlived the killed process. Systemd has emptied the status line.
    wait_for_the_status_line(system)
    assert director.holds(VIRTUAL_ADDRESS)

    assert system.run("systemctl", "stop", "hadirector").returncode == 0
    assert not director.holds(VIRTUAL_ADDRESS)
    assert property_of(system, "Result") == "success"
