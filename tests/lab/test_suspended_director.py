"""Two directors on loopback with six instances each. The ACTIVE director is suspended for long."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.api.client import ApiError
from tests.lab.loopback import RunningDirector, free_ports
from tests.waiting import eventually
from vrrp.model.report import State

pytestmark = pytest.mark.timeout(180)

INSTANCES = 6
DIRECTOR = """
director: {{name: {name}, dataplane: userspace, runtime_directory: {runtime}}}
vrrp:
"""
INSTANCE = """
  - name: web{number}
    interface: lo
    virtual_router_id: {number}
    priority: {priority}
    advert_interval: 1s
    preempt: false
    virtual_addresses: [127.0.0.{address}]
    transport: udp
    unicast: {{source: {source}, peers: [{peer}], port: {port}}}
"""


def states(director: RunningDirector) -> list[State]:
    with contextlib.suppress(ApiError):
        return [instance.state for instance in director.status().instances]
    return []


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[RunningDirector, RunningDirector]]:
    """Two directors: the first one is ACTIVE for all instances, the second one is BACKUP."""
    ports = free_ports(INSTANCES)
    directors: list[RunningDirector] = []
    roles = {"lb1": ("127.0.1.1", "127.0.1.2", 200), "lb2": ("127.0.1.2", "127.0.1.1", 100)}
    try:
        for name, (source, peer, priority) in roles.items():
            text = DIRECTOR.format(name=name, runtime=tmp_path / name / "run")
            text += "".join(
                INSTANCE.format(
                    number=number,
                    address=110 + number,
                    priority=priority,
                    source=source,
                    peer=peer,
                    port=port,
                )
                for number, port in enumerate(ports, start=1)
            )
            directors.append(RunningDirector(tmp_path / name, text))
            eventually(lambda: '"state": "ACTIVE"' in directors[0].log, 30.0, "ACTIVE")
        first, second = directors
        eventually(lambda: states(first), 30.0, expected=[State.ACTIVE] * INSTANCES)
        eventually(lambda: states(second), 30.0, expected=[State.BACKUP] * INSTANCES)
        yield first, second
    finally:
        for director in directors:
            director.end()


def test_a_director_that_was_suspended_resumes_nothing_that_was_handed_over(
    pair: tuple[RunningDirector, RunningDirector],
) -> None:
    """After 30 s its vrrp process hands over and ends. By then its channel is full of statuses."""
    first, second = pair
    os.kill(first.process.pid, signal.SIGSTOP)
    try:
        eventually(lambda: states(second), 40.0, expected=[State.ACTIVE] * INSTANCES)
        time.sleep(2.0)
        log = len(second.log)
    finally:
        os.kill(first.process.pid, signal.SIGCONT)
    eventually(lambda: states(first), 15.0, expected=[State.BACKUP] * INSTANCES)
    time.sleep(2.0)
    assert states(first) == [State.BACKUP] * INSTANCES
    assert states(second) == [State.ACTIVE] * INSTANCES
    assert "vrrp_state_changed" not in second.log[log:]
    assert '"reason": "resumed"' not in first.log
    handed_over = [line for line in first.log.splitlines() if '"previous": "ACTIVE"' in line]
    assert len(handed_over) == INSTANCES
    assert all('"reason": "stopped"' in line for line in handed_over)
