"""A director lets its peers probe a target at once when its own probe of the target has failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.experiment import start_web
from tests.lab.paired_directors import POOL, build_pool_directors
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(90)]


def test_a_failed_probe_makes_the_three_peers_probe_too(network: Network, tmp_path: Path) -> None:
    """Without a suspicion, no probe of this test is caused by a hint."""
    hosts = [network.host(f"web{n}", f"10.99.0.{7 + n}/24") for n in (1, 2)]
    victim, _ = (start_web(host, host.name) for host in hosts)
    directors = build_pool_directors(
        network, tmp_path, 4, POOL.replace("500ms, timeout", "3s, timeout")
    )
    for director in directors:
        director.start()
    for director in directors:
        director.wait_for("pair_peer_reached", 30.0, count=3)
        director.wait_for("verdict_changed", 30.0, count=2)
    victim.kill()
    victim.wait()
    for director in directors:
        failed = director.wait_for("verdict_changed", 20.0, count=3)
        assert (failed["address"], failed["verdict"]) == ("10.99.0.8", "failing")

    def are_three_caused() -> bool:
        shown = [director.command("status", "--json").stdout for director in directors]
        return len([status for status in shown if json.loads(status)["hints"]]) >= 3

    eventually(are_three_caused, 10.0)  # the workers report the number once a second
