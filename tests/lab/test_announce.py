"""Two directors announce one address through a real engine, and a router divides the connections.

Two directors with BIRD have a router with FRR. A director with FRR and a director with BIRD have a
router with BIRD, which puts both into one ECMP group. A health check reaches both web servers.
Nothing is forwarded: the host kernel has no IPVS.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.announcing_site import ADDRESS, DIRECTORS, ROUTER, ROUTER_IPV6, Site, always_routed
from tests.lab.routing_engines import ENGINES, Engine
from tests.waiting import eventually

pytestmark = [
    pytest.mark.netns,
    pytest.mark.frr,
    pytest.mark.bird,
    pytest.mark.timeout(120),
]

LIFETIME_SECONDS = 3
SLACK_SECONDS = 1.0
"""The machine may be busy. Without load, a change takes less than 0.15 s."""


@pytest.fixture(scope="module", params=ENGINES)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """The site of all tests. Each test leaves both directors announced."""
    with tempfile.TemporaryDirectory() as made, Network() as network:
        Path(made).chmod(0o755)
        other: Engine = "frr" if request.param == "bird" else "bird"
        site = Site(network, Path(made), (request.param, "bird"), other)
        site.wait_for(1, 2)
        yield site


def test_a_blind_director_is_avoided_until_all_are_blind(site: Site) -> None:
    """Reluctant directors get traffic if no other director is left. There is always a route."""
    one, two = site.directors
    with always_routed(site):
        site.blind(one, blind=True)
        site.wait_for(2)
        site.blind(two, blind=True)
        site.wait_for(1, 2)
        site.blind(one, blind=False)
        site.wait_for(1)
        site.blind(two, blind=False)
        site.wait_for(1, 2)


@pytest.mark.parametrize("site", ["bird"], indirect=True)
def test_the_addresses_of_a_suspended_director_expire(site: Site) -> None:
    """The local route stays, so packets on their way are served. It returns after ``rise``."""
    one = site.directors[0]
    pids = site.director_pids(one)
    with always_routed(site):
        began = time.monotonic()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        gone = site.wait_for(2)
        assert gone - began < LIFETIME_SECONDS + 1.5 + SLACK_SECONDS
        assert ADDRESS in one.run("ip", "route", "show", "table", "local", "proto", "112").stdout
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        site.wait_for(1, 2)


def test_the_death_of_the_engine_is_noticed_at_once(site: Site) -> None:
    """The router closes the session. The engine that returns announces the address again.

    The director keeps the address on its device, and shows the session.
    """
    one = site.directors[0]
    established = dict.fromkeys((ROUTER, ROUTER_IPV6), "Established")
    eventually(lambda: site.sessions("lb1"), 20.0, expected=established)
    began = time.monotonic()
    site.engines["lb1"].kill()
    assert site.wait_for(2) - began < 0.15 + SLACK_SECONDS
    eventually(lambda: "announced_to_no_router" in site.problems("lb1"), 10.0)
    assert one.holds(ADDRESS)
    site.engines["lb1"].start()
    site.wait_for(1, 2)
    eventually(lambda: site.problems("lb1"), 20.0, expected=[])


@pytest.mark.parametrize("site", ["bird"], indirect=True)
def test_a_restart_keeps_the_announcement(site: Site) -> None:
    """The new program adopts the addresses. The router never gives the connections away.

    Neither the restart nor the renewals of the lifetime cause a BGP update.
    """
    one = site.directors[0]
    run = str(site.directory / "run-lb1" / "api.sock")
    updates = site.updates()
    with always_routed(site, frozenset(site.addresses)):
        one.run(sys.executable, "-m", "hadirector", "restart", "--socket", run)
        time.sleep(LIFETIME_SECONDS + 1.5)
    assert site.updates() == updates


@pytest.mark.parametrize("site", ["bird"], indirect=True)
def test_an_operator_withdraws_a_group_and_undoes_that(site: Site) -> None:
    """The director serves packets that still arrive. A restart keeps the order."""
    one = site.directors[0]
    order = (sys.executable, "-m", "hadirector")
    socket = ("--socket", f"{site.directory}/run-lb1/api.sock")
    done = one.run(*order, "handover", "web", *socket)
    assert done.stdout == "web: withdrawn; other directors serve its addresses\n"
    site.wait_for(2)
    assert ADDRESS in one.run("ip", "route", "show", "table", "local", "proto", "112").stdout
    one.run(*order, "restart", *socket)
    eventually(lambda: site.problems("lb1"), 20.0, expected=["handed_over"])
    assert site.next_hops() == {DIRECTORS[1]}
    one.run(*order, "handover", "--undo", "web", *socket)
    site.wait_for(1, 2)


@pytest.mark.parametrize("site", ["bird"], indirect=True)
def test_a_reload_removes_and_adds_announced_addresses(site: Site) -> None:
    """Without the section, nothing of it is left on the host. A new address is announced too."""
    one, file = site.directors[0], site.directory / "lb1.yaml"
    text = file.read_text()
    reload = (sys.executable, "-m", "hadirector", "reload")
    socket = ("--socket", f"{site.directory}/run-lb1/api.sock")
    file.write_text(text[: text.index("announce:")] + text[text.index("virtual_servers:") :])
    one.run(*reload, *socket)
    site.wait_for(2)
    assert not one.holds(ADDRESS)
    assert "hadirector0" not in one.run("ip", "-br", "link").stdout
    assert one.run("ip", "route", "show", "table", "local", "proto", "112").stdout == ""
    file.write_text(text.replace("[203.0.113.1,", "[203.0.113.1, 203.0.113.2,"))
    one.run(*reload, *socket)
    site.wait_for(1, 2)
    assert one.holds("203.0.113.2")
    file.write_text(text)
    one.run(*reload, *socket)
    eventually(lambda: one.holds("203.0.113.2"), 10.0, expected=False)
    assert site.next_hops() == frozenset(site.addresses)


def test_a_director_that_stops_withdraws_first_and_removes_everything(site: Site) -> None:
    """It leaves foreign objects in place: an address on its device, and a local route."""
    one = site.directors[0]
    one.ip(
        "address add 198.51.100.7/32 dev hadirector0",
        "route add local 198.51.100.8 dev lo table local",
    )
    began = time.monotonic()
    site.processes["lb1"].terminate()
    assert site.wait_for(2) - began < 0.2 + SLACK_SECONDS
    assert site.processes["lb1"].poll() is None, "it takes packets until none came for a second"
    assert ADDRESS in one.run("ip", "route", "show", "table", "local", "proto", "112").stdout
    assert site.processes["lb1"].wait(20.0) == 0
    assert one.run("ip", "route", "show", "table", "local", "proto", "112").stdout == ""
    assert not one.holds(ADDRESS)
    assert one.holds("198.51.100.7")
    assert "198.51.100.8" in one.run("ip", "route", "show", "table", "local").stdout
    one.ip("address del 198.51.100.7/32 dev hadirector0")
    site.start_director(one)
    site.wait_for(1, 2)
