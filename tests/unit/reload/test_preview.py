"""The preview of a reload, without a director."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import convert
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.config import load
from hadirector.health.target import TargetState
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceEntry,
    ServiceKey,
    Table,
)
from hadirector.model.pair import Pair
from hadirector.pools.facts import Facts
from hadirector.reload.preview import Preview, Situation, preview
from vrrp.model.report import State

OLD = """\
director: {name: lb1}
connection_timeouts: {tcp: 15m}
sync_daemon: {interface: eth0}
vrrp:
  - {name: web, interface: eth0, virtual_router_id: 51, virtual_addresses: [192.0.2.10]}
virtual_servers:
  - name: web
    address: 192.0.2.10:80
    scheduler: wrr
    forwarding: nat
    check: {type: tcp, interval: 2s, timeout: 1s}
    real_servers:
      - {address: 192.0.2.45, weight: 2}
      - {address: 192.0.2.46}
"""
NOTHING = Preview(
    refused=(),
    started=(),
    stopped=(),
    changed=(),
    checks=(),
    operations=(),
    kernel=(),
    awaited=(),
    outgoing=(),
    left_out=0,
)
WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
ONE, TWO = (DestinationKey(f"192.0.2.{number}", 80) for number in (45, 46))
TABLE: Table = {
    WEB: ServiceEntry(
        Service("wrr"),
        {ONE: Destination(2, ForwardingMethod.NAT), TWO: Destination(1, ForwardingMethod.NAT)},
    )
}


class Reader:
    """Loads configurations from text."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "hadirector.yaml"

    def __call__(self, text: str) -> Configuration:
        self._file.write_text(text)
        return load(self._file)


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def situation(old: Configuration, actual: Table = TABLE) -> Situation:
    """An ACTIVE director. All its real servers pass."""
    checks = [server.check for server in old.virtual_servers[0].real_servers]
    return Situation(
        configuration=old,
        facts=Facts(
            {check.identity: TargetState(Verdict.PASSING) for check in checks if check is not None}
        ),
        quorums={"web": True},
        serving_since={},
        held={},
        wanted=TABLE,
        actual=actual,
        owned=frozenset({WEB}),
        states={"web": State.ACTIVE},
        faults=(),
        sysctls=(),
    )


def test_the_same_file_changes_nothing(read: Reader) -> None:
    result = preview(situation(read(OLD)), read(OLD))
    assert result == NOTHING
    assert result.empty


def test_the_services_of_probes_via_vip_are_part_of_the_operations(read: Reader) -> None:
    """The mark is 0x68000000 and the last 3 of the first 8 bytes of its names' SHA-256."""
    old = OLD.replace("nat", "dr").replace("46}", "46, check: {type: tcp, via: vip}}")
    result = preview(situation(read(OLD)), read(old))
    assert result.operations[:2] == (
        "add service fwmark 1752664704 (rr)",
        "add destination 192.0.2.46 to fwmark 1752664704 (dr, weight 1)",
    )


def test_repairs_of_the_table_are_part_of_the_operations(read: Reader) -> None:
    """A reload compares the whole table."""
    entry = TABLE[WEB]
    drifted = {WEB: ServiceEntry(Service("rr"), dict(list(entry.destinations.items())[:1]))}
    result = preview(situation(read(OLD), drifted), read(OLD))
    assert result.operations == (
        "edit service tcp 192.0.2.10:80 (wrr), was rr",
        "add destination 192.0.2.46:80 to tcp 192.0.2.10:80 (nat, weight 1)",
    )


def test_each_kind_of_change_is_named(read: Reader) -> None:
    """Settings, checks, operations on the table, and other changes in the kernel."""
    text = (
        OLD.replace("scheduler: wrr", "scheduler: wlc")
        .replace("interval: 2s", "interval: 3s")
        .replace("{address: 192.0.2.46}", "{address: 192.0.2.47}")
        .replace("weight: 2", "weight: 5")
        .replace("virtual_router_id: 51", "virtual_router_id: 52")
        .replace("tcp: 15m", "udp: 1m")
    )
    result = preview(situation(read(OLD)), read(text))
    assert result == Preview(
        refused=(),
        started=(),
        stopped=(),
        changed=(
            "VRRP instance web: virtual_router_id",
            "connection_timeouts",
            "the sync daemon: settings",
            "virtual server web: scheduler, real_servers",
        ),
        checks=("add tcp 192.0.2.47:80", "change tcp 192.0.2.45:80", "remove tcp 192.0.2.46:80"),
        operations=(
            "edit service tcp 192.0.2.10:80 (wlc), was wrr",
            "edit destination 192.0.2.45:80 of tcp 192.0.2.10:80 (nat, weight 5),"
            " was nat, weight 2",
        ),
        kernel=(
            "stop keeping connection timeout tcp at 900 s",
            "set connection timeout udp to 60 s, was not set",
            "stop sync daemon master on eth0, id 51, 224.0.0.81:8848",
            "start sync daemon master on eth0, id 52, 224.0.0.81:8848",
        ),
        awaited=("web/192.0.2.47:80",),
        outgoing=("web/192.0.2.46:80 (when 2 configured real servers pass, or after 3 s)",),
        left_out=0,
    )
    assert not result.empty


def test_refused_changes_and_removed_parts_are_named(read: Reader) -> None:
    """The faults of this host are refusals."""
    old, new = read(OLD), read("director: {name: lb2}\nvrrp: []")
    result = preview(replace(situation(old), faults=("no interface",)), new)
    assert result.refused == (
        "name cannot change from lb1 to lb2 without a restart",
        "no interface",
    )
    assert result.stopped == ("VRRP instance web", "the sync daemon", "virtual server web")
    assert result.operations == ("delete service tcp 192.0.2.10:80",)


def test_rules_of_fullnat_are_named(read: Reader) -> None:
    result = preview(situation(read(OLD)), read(OLD.replace("nat\n", "fullnat\n")))
    assert result.changed == ("sysctls", "virtual server web: forwarding")
    assert result.kernel == ("masquerade tcp 192.0.2.10:80",)


def test_a_preview_is_limited(read: Reader) -> None:
    """It has 10,000 lines of each kind. Further lines are counted."""
    servers = "".join(
        f"      - {{address: 10.{n // 250}.0.{n % 250 + 1}, check: none}}\n" for n in range(10_003)
    )
    result = preview(situation(read(OLD)), read(OLD + servers))
    assert len(result.operations) == 10_000
    assert result.left_out == 3


def test_a_plan_tells_which_share_of_the_flows_of_a_hash_scheduler_moves(read: Reader) -> None:
    """A new real server that has not passed yet counts as passing. With sh, most flows move."""
    old = read(OLD.replace("wrr", "sh"))
    pool = {ONE: Destination(2, ForwardingMethod.NAT), TWO: Destination(1, ForwardingMethod.NAT)}
    service = old.virtual_servers[0].service
    actual: Table = {WEB: ServiceEntry(service, pool, {ONE: 2, TWO: 1})}
    new = read(OLD.replace("wrr", "sh") + "      - {address: 192.0.2.47}\n")
    now = replace(situation(old, actual), wanted=actual)
    assert preview(now, old).moved_flows == ()
    # 12 buckets in a row: T O O T O O T O O T O O becomes N T O O N T O O N T O O, so 5 stay. Of
    # 256 buckets, 21 * 5 + 1 = 106 stay.
    assert preview(now, new).moved_flows == (
        "tcp 192.0.2.10:80: 58.6% of the flows get another real server",
    )


ANNOUNCED = """\
announce: {groups: [{name: web, addresses: [192.0.2.10]}]}
virtual_servers:
  - name: web
    address: 192.0.2.10:80
    scheduler: sh
    forwarding: dr
    check: {type: tcp, interval: 2s, timeout: 1s}
    real_servers:
      - {address: 192.0.2.45, weight: 2}
      - {address: 192.0.2.46}
"""


def test_a_plan_tells_which_flows_break_when_a_director_is_lost(read: Reader) -> None:
    """58.6 % of the flows get another real server, and a router moves 1/N to 1/2 of all flows.

    Without a pair link, the number of directors is not known.
    """
    old, new = read(ANNOUNCED), read(ANNOUNCED + "      - {address: 192.0.2.47}\n")
    pool = {ONE: Destination(2, ForwardingMethod.DR), TWO: Destination(1, ForwardingMethod.DR)}
    actual: Table = {WEB: ServiceEntry(old.virtual_servers[0].service, pool, {ONE: 2, TWO: 1})}
    now = replace(situation(old, actual), wanted=actual)
    lines = [
        f"tcp 192.0.2.10:80: if one of {directors} directors is lost or returns, {resilient} of "
        f"the open flows break with resilient ECMP, {threshold} with hash-threshold ECMP"
        for directors, resilient, threshold in (
            (2, "29.3%", "29.3%"),
            (4, "14.6%", "19.5% to 29.3%"),
            (16, "3.7%", "15.6% to 29.3%"),
        )
    ]
    moved = "tcp 192.0.2.10:80: 58.6% of the flows get another real server"
    assert preview(now, new).moved_flows == (moved, *lines)
    link = {"address": "192.0.2.9", "port": 9470, "certificate": "file"}
    peers = [{"name": name, **link} for name in ("lb2", "lb3", "lb4")]
    pair = convert({"name": "lb1", "key": "file", "peers": peers, **link}, Pair)
    fleet = replace(new, pair=pair)
    assert preview(now, fleet).moved_flows == (moved, lines[1])
