"""Two directors and two real servers on one link. One director no longer sees the servers.

Director ``better`` has priority 200 and ``worse`` has 100; the advertisement interval is 0.1 s.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from hadirector.lab.topology import Host, Network
from hadirector.status.report import Status
from tests.lab.experiment import start_director, start_web
from tests.lab.routers import wait_for_holder
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(120)]

VIRTUAL_ADDRESS = "10.99.0.100"
BACKENDS = ("10.99.0.11", "10.99.0.12")
CONFIGURATION = """\
director: {{name: {name}, dataplane: dry-run, runtime_directory: {directory}/{name}}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 100ms
    preempt: {preempt}
    virtual_addresses: [10.99.0.100]
virtual_servers:
  - name: web
    address: 10.99.0.100:80
    check: {{type: tcp, interval: 200ms, timeout: 200ms, rise: 2, fall: 2}}
    sorry_server: {{address: 10.99.0.13}}
    real_servers: [{{address: 10.99.0.11}}, {{address: 10.99.0.12}}]
"""


class Pair:
    """The two directors and the two real servers, all of them running."""

    def __init__(self, network: Network, directory: Path, preempt: str = "true") -> None:
        self._directory = directory
        self.better = network.host("better", "10.99.0.1/24")
        self.worse = network.host("worse", "10.99.0.2/24")
        for number, address in enumerate(BACKENDS, start=1):
            start_web(network.host(f"web{number}", f"{address}/24"), f"web{number}")
        for host, priority in ((self.better, 200), (self.worse, 100)):
            text = CONFIGURATION.format(
                name=host.name, directory=directory, priority=priority, preempt=preempt
            )
            start_director(host, text, directory)
            # Without preemption the first director stays ACTIVE.
            self.wait_for_holder(self.better)
        eventually(lambda: self.states(self.worse), 20.0, expected=["BACKUP"])

    def status(self, host: Host) -> Status | None:
        with contextlib.suppress(ApiError):
            answer = request(f"{self._directory}/{host.name}/api.sock", "GET", "/v1/status")
            return msgspec.json.decode(answer, type=Status)
        return None

    def states(self, host: Host) -> list[str]:
        status = self.status(host)
        return [instance.state.value for instance in status.instances] if status else []

    def wait_for_holder(self, host: Host) -> None:
        wait_for_holder((self.better, self.worse), host, (VIRTUAL_ADDRESS,), 20.0)

    def wait_for_weights(self, host: Host) -> None:
        """Wait until both real servers are in the pool, and the sorry server is not."""
        eventually(lambda: self.weights(host), 20.0, "both real servers in", expected=[1, 1, None])

    def weights(self, host: Host) -> list[int | None]:
        status = self.status(host)
        if status is None:
            return []
        (pool,) = status.virtual_servers
        assert pool.sorry_server is not None
        return [each.actual_weight for each in (*pool.real_servers, pool.sorry_server)]

    def wait_for_sight(self, host: Host, *, blind: bool) -> Status:
        def found() -> bool | None:
            status = self.status(host)
            return status.blind if status else None

        eventually(found, 20.0, f"blindness of {host.name}", expected=blind)
        status = self.status(host)
        assert status is not None
        return status


def test_a_director_that_sees_no_backend_keeps_its_pool_and_yields(
    network: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The peer that sees its backends takes over. When the director sees again, no server leaves
    its pool.
    """
    pair = Pair(network, tmp_path)
    pair.wait_for_holder(pair.better)
    pair.wait_for_weights(pair.better)
    pair.better.ip(*(f"route add unreachable {each}/32" for each in BACKENDS))
    pair.wait_for_sight(pair.better, blind=True)
    pair.wait_for_holder(pair.worse)
    pair.wait_for_weights(pair.better)

    def held() -> list[tuple[str, ...]]:
        """The handover is faster than the failures of the targets."""
        (pool,) = pair.wait_for_sight(pair.better, blind=True).virtual_servers
        return [pool.held, pool.unseen]

    both = ("10.99.0.11:80", "10.99.0.12:80")
    eventually(held, 20.0, "both real servers held", expected=[both, both])
    metrics = request(f"{tmp_path}/better/api.sock", "GET", "/metrics").decode().splitlines()
    kept = 'hadirector_virtual_server_held_real_servers{cause="blindness",virtual_server="web"}'
    assert {"hadirector_blind 1.0", f"{kept} 2.0"} <= set(metrics)
    status = pair.status(pair.worse)
    assert status is not None
    assert not status.blind
    pair.better.ip(*(f"route del unreachable {each}/32" for each in BACKENDS))
    pair.wait_for_sight(pair.better, blind=False)
    end = time.monotonic() + 5.0  # longer than the end of the blindness takes
    while time.monotonic() < end:
        assert pair.weights(pair.better) == [1, 1, None]
        time.sleep(0.05)
    pair.wait_for_holder(pair.better)
    assert main(["events", "--socket", f"{tmp_path}/better/api.sock"]) == 0
    told = capsys.readouterr().out
    lost = "would_be_removed=[10.99.0.11:80,10.99.0.12:80] count=2"
    assert f"  blindness_began  targets=2 {lost}\n" in told
    assert f"  failing_servers_held  virtual_server=web {lost} unseen=2\n" in told
    reason = 'reason="handed over to a better peer"'
    assert f"  vrrp_state_changed  instance=web previous=ACTIVE state=BACKUP {reason}\n" in told
    assert "  blindness_ended\n" in told
    assert '"blindness_began"' in (tmp_path / "better.log").read_text()


@pytest.mark.parametrize("preempt", ["false", "{delay: 10m}"])
def test_a_blind_director_hands_over_whatever_preempt_says(
    network: Network, tmp_path: Path, preempt: str
) -> None:
    """When the director sees again, it does not take the addresses back before its time."""
    pair = Pair(network, tmp_path, preempt)
    pair.wait_for_weights(pair.worse)
    pair.better.ip(*(f"route add unreachable {each}/32" for each in BACKENDS))
    pair.wait_for_holder(pair.worse)
    pair.better.ip(*(f"route del unreachable {each}/32" for each in BACKENDS))
    pair.wait_for_sight(pair.better, blind=False)
    time.sleep(1.0)
    pair.wait_for_holder(pair.worse)


def test_a_single_dead_server_does_not_make_a_director_blind(
    network: Network, tmp_path: Path
) -> None:
    """The server leaves the pool, and the other gets all requests."""
    pair = Pair(network, tmp_path)
    pair.wait_for_holder(pair.better)
    pair.wait_for_weights(pair.better)
    pair.better.ip(f"route add unreachable {BACKENDS[0]}/32")
    eventually(lambda: pair.weights(pair.better), 20.0, "one server left", expected=[None, 1, None])
    assert not pair.wait_for_sight(pair.better, blind=False).blind
    assert pair.better.holds(VIRTUAL_ADDRESS)
