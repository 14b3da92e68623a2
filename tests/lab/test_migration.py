"""A pair moves from keepalived to hadirector under load, as docs/migrating.md describes."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import VIRTUAL_ADDRESS, Site, build_site, kernel_table
from tests.lab.keepalived_director import START_SECONDS, start_keepalived
from tests.lab.moving import Client, plan, start_hadirector
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.keepalived, pytest.mark.timeout(400)]

PRIORITIES: Final = {"director1": 150, "director2": 100}
# Version 2, priority 100: the skew time is 156/256 s (RFC 3768 6.1). The rest is for the requests
# of the client, which last up to half a second, and for a slow machine.
WINDOW_SECONDS: Final = 0.61 + 1.5


def _services(host: Host) -> int:
    return len(kernel_table(host))


def build(network: Network, directory: Path) -> tuple[Site, dict[str, subprocess.Popen[str]]]:
    site = build_site(network, "dr", directors=2)
    site.start_webs()
    running = {
        host.name: start_keepalived(
            host, directory, PRIORITIES[host.name], "DR", f"instance migration-{host.name}\n"
        )
        for host in site.directors
    }
    first = site.directors[0]
    eventually(lambda: first.holds(VIRTUAL_ADDRESS), 30.0, "keepalived is ACTIVE")
    for host in site.directors:
        eventually(partial(_services, host), 30.0, "the table", expected=3)
    return site, running


def test_a_pair_moves_without_a_lost_request_but_in_the_handover(
    network: Network, tmp_path: Path
) -> None:
    site, keepalived = build(network, tmp_path)
    first, second = site.directors
    made = kernel_table(first)
    client = Client(site.client, tmp_path)
    eventually(lambda: len(client.requests()) > 5, 20.0, "requests")
    began = time.monotonic()

    # The BACKUP comes first. The ACTIVE keepalived goes on.
    second.stop(keepalived["director2"])
    backup = start_hadirector(second, tmp_path)
    eventually(backup.state, START_SECONDS, "the state", expected="BACKUP")
    eventually(lambda: kernel_table(second), 30.0, "the table", expected=made)
    assert "nothing would change" in plan(backup, second, tmp_path)
    assert first.holds(VIRTUAL_ADDRESS)
    assert client.lost(began) == []

    # keepalived hands over to hadirector.
    handover = time.monotonic()
    first.stop(keepalived["director1"])
    eventually(lambda: second.holds(VIRTUAL_ADDRESS), 10.0, "hadirector is ACTIVE")
    eventually(
        lambda: all(request.answered for request in client.requests()[-10:]), 20.0, "answers"
    )
    lost = client.lost(began)
    assert all(handover - 0.6 <= at <= handover + WINDOW_SECONDS for at in lost), (handover, lost)

    # The preferred director takes the address back from the other hadirector.
    settled = time.monotonic()
    preferred = start_hadirector(first, tmp_path)
    eventually(preferred.state, START_SECONDS, "the state", expected="ACTIVE")
    eventually(backup.state, 20.0, "the state of the other", expected="BACKUP")
    eventually(lambda: kernel_table(first), 30.0, "the table", expected=made)
    eventually(lambda: len(client.requests(settled)) > 20, 20.0, "requests")
    time.sleep(1.0)
    assert client.lost(settled) == []
    for console, host in ((preferred, first), (backup, second)):
        assert "nothing would change" in plan(console, host, tmp_path)
