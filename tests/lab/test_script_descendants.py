"""A killed director leaves none of its scripts behind, and none of their daemons."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.loopback import RunningDirector, free_ports
from tests.waiting import eventually

US = pwd.getpwuid(os.getuid()).pw_name
KINDS = ("checked", "tracked", "notified")
FIRST_RUN = {"checked": '[ -e "$0.passed" ] || { touch "$0.passed"; exit 0; }\n'}
"""No election begins before the first verdict."""
CONFIGURATION = """
director: {{name: lb1, dataplane: dry-run, runtime_directory: {runtime}}}
vrrp:
  - name: web
    interface: lo
    virtual_router_id: 51
    priority: 200
    advert_interval: 100ms
    virtual_addresses: [127.0.0.110]
    transport: udp
    unicast: {{source: 127.0.1.1, peers: [127.0.1.2], port: {vrrp_port}}}
    track: [{{script: {scripts}/tracked, user: {user}, timeout: 60s, interval: 60s, weight: -1}}]
    notify: [{{script: {scripts}/notified, user: {user}}}]
virtual_servers:
  - name: web
    address: 127.0.0.110:80
    check: {{type: script, script: {scripts}/checked, user: {user}, timeout: 5s, interval: 5s}}
    real_servers: [{{address: 127.0.0.1:81}}]
"""


@pytest.fixture
def director(tmp_path: Path) -> Iterator[RunningDirector]:
    """A director whose scripts, and a daemon of each, write their process ids to files."""
    for kind in KINDS:
        script = tmp_path / kind
        script.write_text(
            f"#!/bin/sh\n{FIRST_RUN.get(kind, '')}echo $$ > {tmp_path}/{kind}.pid\n"
            f"setsid sh -c 'echo $$ > {tmp_path}/{kind}.daemon; exec sleep 60' &\nsleep 60\n"
        )
        script.chmod(0o755)
    [port] = free_ports(1)
    text = CONFIGURATION.format(
        runtime=tmp_path / "lb" / "run", scripts=tmp_path, user=US, vrrp_port=port
    )
    made = RunningDirector(tmp_path / "lb", text)
    yield made
    made.end()


def is_running(file: Path) -> bool:
    """Return whether the process whose number is in the file is neither gone nor a zombie."""
    try:
        return ") Z " not in Path(f"/proc/{file.read_text().strip()}/stat").read_text()
    except OSError:
        return False


def test_a_killed_director_leaves_no_script_behind(
    director: RunningDirector, tmp_path: Path
) -> None:
    files = [tmp_path / f"{kind}.{which}" for kind in KINDS for which in ("pid", "daemon")]
    eventually(lambda: all(map(is_running, files)), 20.0, "all scripts and their daemons")
    director.process.kill()
    eventually(
        lambda: [file.name for file in files if is_running(file)], 3.0, "no process", expected=[]
    )
