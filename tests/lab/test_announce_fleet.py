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

from hadirector.announce.decision import AnnouncementRole
from hadirector.announce.kernel import AnnouncementKernel
from hadirector.lab.topology import Host, Network
from hadirector.model.announcement import Announcement
from tests.lab.announcing_site import Site, always_routed
from tests.lab.namespaces import inside
from tests.lab.routing_engines import BFD_INTERVAL, BFD_MULTIPLIER
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
    """All directors become reluctant at the same time. A routing engine dies and returns meanwhile.

    BIRD announces the address without a pause. A director with FRR withdraws it for a moment.
    """
    with always_routed(site):
        for web in site.webs[:backends]:
            web.link_down()
        site.wait_for_role("reluctant")
        site.wait_for(1, 2, 3, 4)
        site.engines["lb3"].kill()
        site.wait_for(1, 2, 4)
        site.engines["lb3"].start()
        site.wait_for(1, 2, 3, 4)
        for web in site.webs[:backends]:
            web.link_up()
        site.wait_for_role("announced")
        site.wait_for(1, 2, 3, 4)


def test_the_renewal_of_200_addresses_causes_no_update(site: Site) -> None:
    """No BGP update comes in two lifetimes."""
    site.wait_for_role("announced")
    eventually(site.router_prefixes, 20.0, expected=4 * 201)
    updates = site.updates()
    time.sleep(2 * LIFETIME_SECONDS)
    assert site.updates() == updates


async def test_the_renewal_of_200_addresses_takes_little_processor_time(host: Host) -> None:
    """Two renewals a second, and a comparison in 10 s, take 0.2 % of a processor without load."""
    addresses = {f"198.51.100.{n}": AnnouncementRole.ANNOUNCED for n in range(1, 201)}
    with inside(host):
        kernel = AnnouncementKernel(Announcement())
        assert await kernel.reconcile(addresses, LIFETIME_SECONDS) == []
        began = time.process_time()
        for _ in range(20):
            assert await kernel.renew(addresses, LIFETIME_SECONDS) == []
        assert await kernel.reconcile(addresses, LIFETIME_SECONDS) == []
        seconds = time.process_time() - began
        kernel.close()
    print(f"200 addresses for 10 s: {seconds * 1000:.0f} ms")
    assert seconds / 10 < 0.005
