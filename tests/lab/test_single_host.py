"""A single host moves from keepalived to hadirector under load, as docs/migrating.md describes."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import VIRTUAL_ADDRESS, Site, build_site, kernel_table
from tests.lab.keepalived_director import START_SECONDS, start_keepalived
from tests.lab.moving import Client, plan, start_hadirector
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.keepalived, pytest.mark.timeout(300)]

HEADING = "instance migration-director1\n@one $METHOD=DR\n@^one $METHOD=NAT\n"
FOREVER = 0xFFFFFFFF  # seconds, as rtnetlink(7) shows an address without a lifetime


@pytest.fixture
def site(network: Network) -> Site:
    made = build_site(network, "dr")
    made.start_webs()
    return made


def lifetime(host: Host) -> int:
    """Return the lifetime of the virtual address in seconds; 0 without the address."""
    shown = json.loads(host.run("ip", "-json", "address", "show", "eth0").stdout)
    found = [each for each in shown[0]["addr_info"] if each["local"] == VIRTUAL_ADDRESS]
    return int(found[0]["valid_life_time"]) if found else 0


def begin(site: Site, directory: Path) -> tuple[list[str], Client, float]:
    """Wait until keepalived serves, and start the client.

    Returns the table of keepalived, the client and the time.
    """
    host = site.directors[0]
    eventually(lambda: host.holds(VIRTUAL_ADDRESS), 30.0, "keepalived is ACTIVE")
    eventually(lambda: len(kernel_table(host)), 30.0, "the table", expected=3)
    client = Client(site.client, directory)
    eventually(lambda: len(client.requests()) > 5, 20.0, "requests")
    return kernel_table(host), client, time.monotonic()


def finish(
    site: Site, directory: Path, made: list[str], client: Client, began: float, *options: str
) -> None:
    """Start hadirector on what keepalived left behind. The client loses no request."""
    host = site.directors[0]
    assert (lifetime(host), kernel_table(host)) == (FOREVER, made)
    console = start_hadirector(host, directory, *options)
    eventually(console.state, START_SECONDS, "the state", expected="ACTIVE")
    # Until now, it is an address without a lifetime, which hadirector does not change.
    assert lifetime(host) == FOREVER
    host.ip(f"address change {VIRTUAL_ADDRESS}/32 dev eth0 valid_lft 120 preferred_lft 120")
    eventually(lambda: 0 < lifetime(host) <= 10, 10.0, "the lifetime that hadirector renews")
    settled = time.monotonic()
    eventually(lambda: len(client.requests(settled)) > 20, 20.0, "requests")
    assert kernel_table(host) == made
    assert client.lost(began) == []
    assert "nothing would change" in plan(console, host, directory)


def test_keepalived_leaves_addresses_and_table_if_its_options_say_so(
    site: Site, tmp_path: Path
) -> None:
    host = site.directors[0]
    options = ("--dont-release-vrrp", "--dont-release-ipvs")
    keepalived = start_keepalived(host, tmp_path, 150, "DR", HEADING, *options)
    made, client, began = begin(site, tmp_path)
    host.stop(keepalived)
    finish(site, tmp_path, made, client, began)


def test_two_killed_keepalived_with_a_config_id_leave_addresses_and_table(
    site: Site, tmp_path: Path
) -> None:
    """One of them has the part VRRP, and the other one the checks."""
    host = site.directors[0]
    for part in ("--vrrp", "--check"):
        identity = ("--config-id", "one", f"--pid={tmp_path}/{part}")
        start_keepalived(host, tmp_path, 150, "$METHOD", HEADING, part, *identity)
    made, client, began = begin(site, tmp_path)
    assert made[1] == "-a -t 192.168.122.22:80 -r 192.168.122.45:80 -g -w 1"
    for signal in ("STOP", "KILL"):
        host.run("sh", "-c", f"kill -{signal} $(pidof keepalived)")
    eventually(partial(_is_gone, host), 10.0, "the end of keepalived")
    finish(site, tmp_path, made, client, began, "--config-id", "one")


def _is_gone(host: Host) -> bool:
    return host.run("pidof", "keepalived", check=False).returncode != 0
