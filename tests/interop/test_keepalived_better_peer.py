"""A blind ACTIVE director hands over to keepalived, with and without ``nopreempt``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import request
from hadirector.events.event_log import Page
from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_director, start_web
from tests.lab.routers import VIRTUAL_ADDRESS, Keepalived, Listener
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived, pytest.mark.timeout(120)]

BACKENDS = ("10.99.0.11", "10.99.0.12")
CONFIGURATION = """\
director: {{name: ours, dataplane: dry-run, runtime_directory: {directory}/run}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: 200
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
virtual_servers:
  - name: web
    address: 10.99.0.100:80
    check: {{type: tcp, interval: 200ms, timeout: 200ms, rise: 1, fall: 2}}
    real_servers: [{{address: 10.99.0.11}}, {{address: 10.99.0.12}}]
"""


class Lab:
    """Our director, ACTIVE with both real servers, a host for keepalived, and a witness."""

    def __init__(self, network: Network, directory: Path) -> None:
        self._directory = directory
        self.our_host = network.host("ours", "10.99.0.1/24")
        self.their_host = network.host("theirs", "10.99.0.2/24")
        self.witness = network.host("witness", "10.99.0.3/24")
        for number, address in enumerate(BACKENDS, start=1):
            start_web(network.host(f"web{number}", f"{address}/24"), f"web{number}")
        start_director(self.our_host, CONFIGURATION.format(directory=directory), directory)
        eventually(lambda: self.our_host.holds(VIRTUAL_ADDRESS), 20.0, "our director is ACTIVE")

    def keepalived(self, extra: str, priority: int = 100) -> Keepalived:
        """Start keepalived, and wait until it is BACKUP and follows our director."""
        started = Keepalived(self.their_host, self._directory, priority=priority, extra=extra)
        started.wait_for_backup()
        time.sleep(0.5)
        return started

    def become_blind(self) -> None:
        self.our_host.ip(*(f"route add unreachable {each}/32" for each in BACKENDS))

    def see_again(self) -> None:
        self.our_host.ip(*(f"route del unreachable {each}/32" for each in BACKENDS))

    def holders(self) -> list[str]:
        hosts = (self.our_host, self.their_host)
        return [host.name for host in hosts if host.holds(VIRTUAL_ADDRESS)]

    def wait_for_holder(self, host: Host) -> None:
        eventually(self.holders, 20.0, f"{host.name} the only holder", expected=[host.name])

    def reasons(self, event: str) -> list[object]:
        """Return the reasons of the events of this name."""
        answer = request(f"{self._directory}/run/api.sock", "GET", "/v1/events")
        events = msgspec.json.decode(answer, type=Page).events
        return [each.fields["reason"] for each in events if each.name == event]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Network() as network:
        yield Lab(network, tmp_path)


@pytest.mark.parametrize("extra", ["nopreempt", "preempt_delay 600", ""])
def test_a_blind_director_hands_over_to_keepalived(lab: Lab, extra: str) -> None:
    """Keepalived receives priority 0 and takes over after its skew time.

    When the director sees again, it preempts keepalived.
    """
    lab.keepalived(extra)
    with Listener(lab.witness) as listener:
        lab.become_blind()
        lab.wait_for_holder(lab.their_host)
        heard = listener.heard()
    ours = [each for each in heard if each.source == "10.99.0.1"]
    assert ours[-1].priority == 0
    first = next(each for each in heard if each.source == "10.99.0.2")
    # The skew time of priority 100 at 100 ms is 61 ms. The rest is for a busy machine.
    assert first.at - ours[-1].at < 0.061 + 0.2
    assert lab.reasons("handover_began") == ["a peer may serve better: not fit to serve"]
    assert lab.reasons("vrrp_state_changed")[-1] == "handed over to a better peer"
    lab.see_again()
    lab.wait_for_holder(lab.our_host)


def test_a_blind_director_without_a_successor_goes_on(lab: Lab) -> None:
    """It does not try again within the next seconds: the pause is 30 s."""
    lab.become_blind()
    eventually(lambda: lab.reasons("handover_abandoned"), 20.0, expected=["no peer took over"])
    end = time.monotonic() + 3.0
    while time.monotonic() < end:
        assert lab.holders() == ["ours"]
        time.sleep(0.1)
    assert len(lab.reasons("handover_began")) == 1


def test_a_weaker_keepalived_is_refused(lab: Lab) -> None:
    """Blind, our director has priority 50, and keepalived has 20."""
    keepalived = lab.keepalived("nopreempt", priority=20)
    lab.become_blind()
    reason = "the peer that took over would lose the election against this router"
    eventually(lambda: lab.reasons("handover_abandoned"), 20.0, expected=[reason])
    lab.wait_for_holder(lab.our_host)
    time.sleep(1.0)
    assert lab.holders() == ["ours"]
    assert keepalived.entered("ACTIVE") == 1
