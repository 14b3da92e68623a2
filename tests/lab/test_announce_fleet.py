"""Four directors, two with BIRD and two with FRR, announce IPv4 and IPv6 addresses to one router.

The router divides the connections between all of them. Nothing is forwarded: the host kernel has no
IPVS.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.announcing_site import Site, always_routed
from tests.lab.routing_engines import BFD_INTERVAL, BFD_MULTIPLIER
from tests.processor_time import processor_seconds
from tests.waiting import eventually

pytestmark = [
    pytest.mark.netns,
    pytest.mark.frr,
    pytest.mark.bird,
    pytest.mark.timeout(120),
]

BFD_SECONDS = BFD_INTERVAL * BFD_MULTIPLIER / 1000
LIFETIME_SECONDS = 3
SLACK_SECONDS = 1.5
"""The machine may be busy. Without load, a change takes less than 0.15 s."""
SHORT = "passing: {low: 60%, high: 80%}"
MANY = ", ".join(f"198.51.100.{number}" for number in range(1, 201))
GROUP = f"    - {{name: many, pools: [web], rise: 500ms, addresses: [{MANY}], {SHORT}}}"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The site of all tests. Each test leaves all directors announced."""
    with tempfile.TemporaryDirectory() as made, Network() as network:
        Path(made).chmod(0o755)
        site = Site(network, Path(made), ("bird", "frr", "bird", "frr"), "frr", GROUP)
        site.wait_for(1, 2, 3, 4)
        eventually(site.next_hops_ipv6, 20.0, expected=4)
        yield site


@pytest.mark.parametrize("engine", ["bird", "frr"])
def test_bfd_finds_a_suspended_engine(site: Site, engine: str) -> None:
    """The director and its address stay. The routes of both IP versions change."""
    number = 1 if engine == "bird" else 2
    left = [each for each in (1, 2, 3, 4) if each != number]
    processes = site.engines[f"lb{number}"].processes
    with always_routed(site):
        began = time.monotonic()
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        gone = site.wait_for(*left)
        print(f"{engine} suspended: route gone after {gone - began:.2f} s")
        assert gone - began < BFD_SECONDS + SLACK_SECONDS
        eventually(site.next_hops_ipv6, 5.0, expected=3)
        for process in processes:
            process.send_signal(signal.SIGCONT)
        site.wait_for(1, 2, 3, 4)
        eventually(site.next_hops_ipv6, 20.0, expected=4)


def test_bfd_finds_a_cable_that_is_pulled(site: Site) -> None:
    with always_routed(site):
        began = time.monotonic()
        site.directors[2].link_down()
        gone = site.wait_for(1, 2, 4)
        print(f"cable pulled: route gone after {gone - began:.2f} s")
        assert gone - began < BFD_SECONDS + SLACK_SECONDS
        site.directors[2].link_up()
        site.wait_for(1, 2, 3, 4)


@pytest.mark.parametrize("backends", [1, 2], ids=["all pools short", "all blind"])
def test_there_is_a_route_while_any_director_lives(site: Site, backends: int) -> None:
    """All directors become reluctant, and a routing engine dies and returns meanwhile."""
    with always_routed(site):
        for host in site.directors:
            site.blind(host, blind=True, backends=backends)
        site.wait_for_role("reluctant")
        site.wait_for(1, 2, 3, 4)
        site.engines["lb3"].kill()
        site.wait_for(1, 2, 4)
        site.engines["lb3"].start()
        site.wait_for(1, 2, 3, 4)
        for host in site.directors:
            site.blind(host, blind=False, backends=backends)
        site.wait_for_role("announced")
        site.wait_for(1, 2, 3, 4)


def test_the_renewal_of_200_addresses_is_cheap_and_silent(site: Site) -> None:
    """No BGP update comes in two lifetimes. A director uses 0.5 % of a processor for the renewal.

    The limit leaves room for its other work, such as checks and the questions to the engine.
    """
    site.wait_for_role("announced")
    eventually(site.router_prefixes, 20.0, expected=4 * 201)
    pids = [site.director_pids(host) for host in site.directors]
    updates, began = site.updates(), time.monotonic()
    before = [processor_seconds(*each) for each in pids]
    time.sleep(2 * LIFETIME_SECONDS)
    seconds = time.monotonic() - began
    used = [processor_seconds(*each) - first for each, first in zip(pids, before, strict=True)]
    print("processors used:", [round(each / seconds, 4) for each in used])
    assert site.updates() == updates
    assert min(used) / seconds < 0.05
