"""The weights of tracked interfaces, by us and by a real keepalived 2.2.7: the same priorities."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_director
from tests.lab.routers import Keepalived, Listener
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

INTERFACES = ("up1", "down2", "down4", "up8")
THEIRS = """track_interface {
 up1 weight 1
 down2 weight -2 reverse
 down4 weight -4
 up8 weight 8 reverse
}"""
OURS = """\
director: {{name: router, dataplane: dry-run, runtime_directory: {directory}/run}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    advert_interval: 100ms
    virtual_addresses: [10.99.0.100]
    track:
      - {{interface: up1, weight: 1}}
      - {{interface: down2, weight: 2, weight_when: down}}
      - {{interface: down4, weight: -4}}
      - {{interface: up8, weight: -8, weight_when: up}}
"""


class Lab(NamedTuple):
    router: Host
    listener: Listener

    def set_carrier(self, state: str) -> None:
        self.router.ip(*(f"link set far-{name} {state}" for name in INTERFACES))

    def priority(self) -> int | None:
        """Return the priority of the latest advertisement."""
        heard = self.listener.heard()
        return heard[-1].priority if heard else None


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Network() as network:
        router = network.host("router", "10.99.0.1/24")
        for name in INTERFACES:
            router.ip(f"link add {name} type veth peer name far-{name}", f"link set {name} up")
        with Listener(network.host("third", "10.99.0.3/24")) as listener:
            yield Lab(router, listener)


@pytest.mark.parametrize("whose", ["ours", "keepalived"])
def test_a_weight_counts_while_its_interface_is_up_or_down(
    lab: Lab, tmp_path: Path, whose: str
) -> None:
    """Up: 100 + 1 - 8. Down: 100 + 2 - 4. `reverse` of keepalived turns the sign of the weight."""
    lab.set_carrier("up")
    if whose == "ours":
        start_director(lab.router, OURS.format(directory=tmp_path), tmp_path)
    else:
        Keepalived(lab.router, tmp_path, priority=100, extra=THEIRS)
    eventually(lab.priority, 15.0, expected=93)
    lab.set_carrier("down")
    eventually(lab.priority, 5.0, expected=98)
    lab.set_carrier("up")
    eventually(lab.priority, 5.0, expected=93)
