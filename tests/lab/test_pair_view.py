"""Two directors that do not hear each other name the cause, and show themselves side by side."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hadirector.lab.topology import Network
from tests.lab.operator_console import Console
from tests.lab.paired_directors import PairedDirector, build_pair
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.timeout(90)]
Pair = tuple[PairedDirector, PairedDirector]
NAMED_SECONDS = 2.0
"""It takes 0.5 to 1.1 s, also on a machine that runs other tests at the same time."""


def start(pair: Pair) -> None:
    """Start both directors, and wait until each knows the state of the other."""
    for director in pair:
        director.start()
    for director in pair:
        director.wait_for("pair_peer_reached")


def console(director: PairedDirector) -> Console:
    return Console(Path(director.socket), director.directory / f"{director.host.name}.log")


def shown(director: PairedDirector, *words: str) -> str:
    return console(director).command("status", "--pair", *words).out


def moment(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp()


def assert_named(pair: Pair, cause: str) -> None:
    """Both directors name the cause soon after the second one became ACTIVE."""
    named = [director.wait_for("split_brain_detected", 15.0) for director in pair]
    active = [
        moment(event)
        for director in pair
        for event in director.events("vrrp_state_changed")
        if event["state"] == "ACTIVE"
    ]
    for event in named:
        assert cause in event["cause"]
        assert moment(event) - max(active) <= NAMED_SECONDS


def test_a_filter_in_one_direction(network: Network, tmp_path: Path) -> None:
    pair = lb1, lb2 = build_pair(network, tmp_path)
    start(pair)
    eventually(lambda: lb1.host.holds("10.99.0.100"), 20.0, "lb1 ACTIVE")
    eventually(lambda: "lb2 could take over" in shown(lb1), 10.0, "a good pair")

    rules = "add table ip f; add chain ip f i { type filter hook input priority 0; };"
    lb2.host.run("nft", f"{rules} add rule ip f i ip protocol vrrp ip saddr 10.99.0.1 drop")
    assert_named(pair, "lb2 heard 0 and dropped 0: a filter or a switch")
    for director in pair:
        assert console(director).command("status", "--quiet") == (1, "", "")
        found = shown(director)
        assert found.startswith("CRITICAL  pair edge: instance web: lb1 and lb2 are both ACTIVE")

    lb2.host.run("nft", "delete", "table", "ip", "f")
    for director in pair:
        director.wait_for("split_brain_ended")


def test_another_configuration(network: Network, tmp_path: Path) -> None:
    """It is shown after a reload, and is gone after the next one."""
    pair = lb1, lb2 = build_pair(network, tmp_path)
    password = ("version: 2", "authentication: {type: pass, password: s3cret}")
    for director in pair:
        director.advert_interval, director.settings = "1s", password
    start(pair)
    operator = console(lb1)
    eventually(lambda: operator.command("pair", "diff").status, 10.0, "equal", expected=0)

    lb2.settings = (*password, "preempt: false")
    lb2.reload()
    eventually(lambda: operator.command("pair", "diff").status, 10.0, "different", expected=1)
    lines = operator.command("pair", "diff").out.splitlines()
    assert lines[0] == "lb2: 1 section differs"
    assert lines[1].startswith("  vrrp/web: ")
    text = operator.command("pair", "diff", "--text")
    assert text.status == 1
    changed = [line for line in text.out.splitlines() if line.startswith(("+", "-"))]
    assert [changed[0], changed[1]] == ["--- lb1", "+++ lb2"]
    assert "+    preempt: false" in changed
    assert "-director: {name: lb1, " in text.out
    assert "     authentication: {type: pass, password: <secret>}" in text.out.splitlines()
    assert "s3cret" not in text.out
    assert f"{lb1.directory}/lb2.key" in text.out
    assert "<- differs: vrrp/web" in shown(lb1)
    assert "pair_configuration_differs" in operator.command("doctor", "--pair").out
    assert lb1.wait_for("pair_difference_found")["first"] == "vrrp/web"

    lb2.settings = password
    lb2.reload()
    eventually(lambda: operator.command("pair", "diff").status, 10.0, "equal", expected=0)


def test_another_password(network: Network, tmp_path: Path) -> None:
    pair = build_pair(network, tmp_path)
    for director in pair:
        password = f"authentication: {{type: pass, password: {director.host.name}}}"
        director.advert_interval, director.settings = "1s", ("version: 2", password)
    start(pair)
    assert_named(pair, "for authentication (auth_password)")
