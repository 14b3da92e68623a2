"""Notify scripts of pools, real servers and instances run as real processes."""

from __future__ import annotations

import grp
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.loopback import RunningDirector, free_ports
from tests.waiting import eventually

# A script that belongs to root runs as root, and only root may choose another group.
pytestmark = pytest.mark.netns

CONFIGURATION = """\
director: {{dataplane: dry-run, runtime_directory: {directory}/run, state_directory: {directory}}}
api: {{unix: {directory}/run/api.sock}}
vrrp:
  - name: role
    interface: lo
    virtual_router_id: 51
    transport: udp
    unicast: {{source: 127.0.0.1, peers: [127.0.0.2], port: {port}}}
    advert_interval: 100ms
    virtual_addresses: [127.0.0.50/32]
    notify:
      - {{shell: "echo role-any $1 $2 $3 $4 >> {said}", user: root}}
      - {{script: {script}, arguments: [role-active], user: root, group: {group}, on: [active],
          tell: nothing}}
virtual_servers:
  - name: web
    address: 127.0.0.1:1
    check: {{type: file, file: {verdict}, interval: 50ms, rise: 1, fall: 1}}
    notify:
      - {{script: {script}, arguments: [pool], user: root, on: [quorum_up, quorum_down],
          on_stop: down}}
    real_servers:
      - address: 127.0.0.2
        notify:
          - {{script: {script}, arguments: [server], user: root, tell: nothing, on_stop: down}}
"""
# The arguments, the state, the pool, the weight and the group of the process.
SCRIPT = """\
#!/bin/sh
echo "$*|$HADIRECTOR_STATE|$HADIRECTOR_POOL|$HADIRECTOR_WEIGHT|$(id -g)" >> {said}
"""
GROUP = grp.getgrnam("nogroup")


FLAPPING = """\
director: {{dataplane: dry-run, runtime_directory: {directory}/run, state_directory: {directory}}}
api: {{unix: {directory}/run/api.sock}}
vrrp:
  - name: role
    interface: lo
    virtual_router_id: 51
    transport: udp
    unicast: {{source: 127.0.0.1, peers: [127.0.0.2], port: {port}}}
    advert_interval: 100ms
    virtual_addresses: [127.0.0.50/32]
    track: [{{pool: web}}]
    notify:
      - {{script: {script}, arguments: [first], user: root}}
      - {{script: {script}, arguments: [second], user: root}}
virtual_servers:
  - name: web
    address: 127.0.0.1:1
    check: {{type: file, file: {verdict}, interval: 50ms, rise: 1, fall: 1}}
    real_servers: [{{address: 127.0.0.2}}]
"""
# `mkdir` fails if another script of the instance has not ended.
SLOW_SCRIPT = """\
#!/bin/sh
mkdir {said}.lock || echo overlap >> {said}
echo "$1 $HADIRECTOR_STATE begins" >> {said}
sleep 0.05
echo "$1 $HADIRECTOR_STATE ends" >> {said}
rmdir {said}.lock
"""
NAMES = {"ACTIVE": "MASTER", "BACKUP": "BACKUP", "INITIALIZE": "FAULT"}


class Lab:
    """A director with scripts that write what they were told into a file."""

    def __init__(
        self, directory: Path, configuration: str = CONFIGURATION, text: str = SCRIPT
    ) -> None:
        self.said_file = directory / "said"
        self.verdict = directory / "verdict"
        self.verdict.write_text("up")
        script = directory / "script"
        script.write_text(text.format(said=self.said_file))
        script.chmod(0o755)
        self.said_file.write_text("")
        self.said_file.chmod(0o666)
        [port] = free_ports(1)
        place = directory / "director"
        self.director = RunningDirector(
            place,
            configuration.format(
                directory=place,
                said=self.said_file,
                script=script,
                verdict=self.verdict,
                port=port,
                group=GROUP.gr_name,
            ),
        )

    def said(self) -> list[str]:
        return self.said_file.read_text().splitlines()

    def about(self, first: str) -> list[str]:
        return [line for line in self.said() if line.startswith(first)]

    def stop(self) -> None:
        self.director.process.send_signal(signal.SIGTERM)
        self.director.process.wait(20.0)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    yield made
    made.director.end()


def test_pools_and_real_servers_tell_each_state_once_and_their_end(lab: Lab) -> None:
    root = os.getegid()
    up = f"server|UP|web|1|{root}"
    eventually(lambda: lab.about("server"), 20.0, "the first state", expected=[up])
    pool_up = f"pool POOL web QUORUM_UP 1|QUORUM_UP|web|1|{root}"
    eventually(lambda: lab.about("pool"), 10.0, "the quorum", expected=[pool_up])

    lab.verdict.write_text("down")
    down = f"server|DOWN|web|0|{root}"
    pool_down = f"pool POOL web QUORUM_DOWN 0|QUORUM_DOWN|web|0|{root}"
    eventually(lambda: lab.about("pool"), 10.0, "no quorum", expected=[pool_up, pool_down])
    eventually(lambda: lab.about("server"), 10.0, "down", expected=[up, down])
    lab.verdict.write_text("up")
    eventually(lambda: len(lab.about("pool")), 10.0, "the quorum again", expected=3)
    eventually(lambda: len(lab.about("server")), 10.0, "up again", expected=3)

    lab.stop()
    # At the stop, the weight is the last one.
    pool_end = f"pool POOL web QUORUM_DOWN 1|QUORUM_DOWN|web|1|{root}"
    assert lab.about("pool") == [pool_up, pool_down, pool_up, pool_end]
    assert lab.about("server") == [up, down, up, f"server|DOWN|web|1|{root}"]


def test_a_restart_tells_only_what_has_changed(lab: Lab) -> None:
    eventually(lambda: len(lab.about("server")), 20.0, "the first state", expected=1)
    eventually(lambda: len(lab.about("pool")), 20.0, "the quorum", expected=1)
    snapshot = lab.director.directory / "run" / "snapshot.json"
    eventually(lambda: "quorum_up" in snapshot.read_text(), 10.0, "the stored states")
    lab.director.kill_itself()
    lab.director.start_again()
    eventually(lab.director.is_active, 20.0, "the second start")
    lab.verdict.write_text("down")
    eventually(lambda: len(lab.about("pool")), 10.0, "no quorum", expected=2)
    assert [line.split("|")[1] for line in lab.about("server")] == ["UP", "DOWN"]
    assert [line.split("|")[1] for line in lab.about("pool")] == ["QUORUM_UP", "QUORUM_DOWN"]


def test_an_instance_has_scripts_for_chosen_states_with_a_group_and_a_shell(lab: Lab) -> None:
    eventually(lambda: lab.about("role-active"), 20.0, "the script for active")
    assert lab.about("role-active") == [f"role-active|MASTER|||{GROUP.gr_gid}"]
    eventually(lambda: lab.about("role-any"), 10.0, "the script for every state")
    assert lab.about("role-any")[-1] == "role-any INSTANCE role MASTER 100"
    lab.stop()
    assert lab.about("role-any")[-1] == "role-any INSTANCE role STOP 100"
    assert len(lab.about("role-active")) == 1


def test_the_scripts_of_a_flapping_instance_run_in_order_and_one_at_a_time(tmp_path: Path) -> None:
    """The instance has a fault while its pool is down. No state is lost and none is repeated."""
    lab = Lab(tmp_path, FLAPPING, SLOW_SCRIPT)
    try:
        eventually(lab.director.is_active, 20.0, "the first state")
        for cycle in range(8):
            lab.verdict.write_text("down")
            time.sleep(0.15 + 0.05 * (cycle % 3))
            lab.verdict.write_text("up")
            time.sleep(0.1 + 0.2 * (cycle % 4))
        eventually(lab.director.is_active, 20.0, "the last state")
        lab.stop()
    finally:
        lab.director.end()
    events = [json.loads(line) for line in lab.director.log.splitlines()]
    changes = [each["state"] for each in events if each["event"] == "vrrp_state_changed"]
    assert changes.count("INITIALIZE") >= 5
    assert not [each for each in events if each["event"] == "notification_dropped"]
    # The last change is the end of the instance.
    states = [*(NAMES[state] for state in changes[:-1]), "STOP"]
    assert lab.said() == [
        f"{script} {state} {moment}"
        for state in states
        for script in ("first", "second")
        for moment in ("begins", "ends")
    ]
