"""Faults and warnings of announced addresses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from hadirector.model.announcement import (
    AnnouncedGroup,
    Announcement,
    Hold,
    PassingMarks,
    WhenShort,
)

FaultsOf = Callable[[str], list[str]]

SERVER = "- {name: web, address: 203.0.113.1:80, scheduler: mh, forwarding: dr,"
MEMBERS = "real_servers: [{address: 192.0.2.45}]}"
FILE = """\
announce: {{{keys}}}
virtual_servers:
{servers}
"""
WEB = "groups: [{name: web, addresses: [203.0.113.1]}]"


def file(keys: str = WEB, servers: str = f"{SERVER} {MEMBERS}", rest: str = "") -> str:
    return FILE.format(keys=keys, servers=servers) + rest


def test_the_keys_reach_the_model() -> None:
    keys = (
        "engine: frr, lifetime: 6s, hold: {quiet: 500ms}, groups: [{name: a, addresses:"
        ' [203.0.113.1, "2001:DB8::1"], passing: {low: 10%}, when_short: withdraw, rise: 1m}]'
    )
    assert parse(file(keys).encode(), "f", "h").announce == Announcement(
        engine="frr",
        engine_socket="/run/frr",
        lifetime=6,
        hold=Hold(0.5, 10.0),
        groups=(
            AnnouncedGroup(
                name="a",
                addresses=("203.0.113.1", "2001:db8::1"),
                pools=("web",),
                passing=PassingMarks(10, 50),
                when_short=WhenShort.WITHDRAW,
                rise=60.0,
            ),
        ),
    )


def test_an_announced_address_is_held() -> None:
    assert parse(file().encode(), "f", "h").unheld_addresses == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            file("groups: [{name: web, addresses: []}]"),
            "1:44: announce.groups[0].addresses: wrong value (got an empty list, expected at least"
            " one address)",
        ),
        (
            file("groups: [{name: web, addresses: [203.0.113.9]}]"),
            "1:44: announce.groups[0].addresses: no virtual server has these addresses (expected"
            " one, or the key pools)",
        ),
        (
            file("groups: [{name: web, addresses: [203.0.113.1], pools: [wbe]}]"),
            '1:67: announce.groups[0].pools[0]: wrong value (got "wbe", expected the name of a'
            " virtual server)",
        ),
        (
            file("groups: [{name: web, addresses: [203.0.113.1, 203.0.113.1]}]"),
            "1:58: announce.groups[0].addresses[1]: duplicate address 203.0.113.1, first at"
            " announce.groups[0].addresses[0]",
        ),
        (
            file("groups: [{name: web, addresses: [203.0.113.1], passing: {low: 60%}}]"),
            "1:74: announce.groups[0].passing.low: wrong value (got low 60%, high 50%, expected low"
            " at most high)",
        ),
        (
            file(f"reluctant_device: hadirector0, {WEB}"),
            '1:30: announce.reluctant_device: wrong value (got "hadirector0", expected another'
            " interface than device)",
        ),
        (
            file(f"engine_socket: /run/x, {WEB}"),
            "1:27: announce.engine_socket: without an engine there is no socket; leave this out",
        ),
        (
            file(
                rest="vrrp: [{name: v, interface: eth0, virtual_router_id: 1, virtual_addresses:"
                " [203.0.113.1]}]\n"
            ),
            "1:45: announce.groups[0].addresses[0]: 203.0.113.1 belongs to the VRRP instance v;"
            " leave it out there or here",
        ),
        (
            file(
                rest="vrrp: [{name: web, interface: eth0, virtual_router_id: 1, virtual_addresses:"
                " [203.0.113.9]}]\n"
            ),
            '1:28: announce.groups[0].name: "web" is the name of a VRRP instance; choose another'
            " name",
        ),
        (
            file(servers=f"- {{name: web, address: 203.0.113.1:80, scheduler: mh, {MEMBERS}"),
            "3:3: virtual_servers[0].forwarding: the address is announced by several directors, and"
            " the answers of a real server behind nat may pass another director (expected dr or"
            " tun)",
        ),
        (
            file(servers=f"{SERVER} check: {{type: agent, port: 99}}, {MEMBERS}"),
            "3:85: virtual_servers[0].check.type: with scheduler mh on an announced address, a"
            " check of type agent cannot request a weight: the directors would select different"
            " real servers",
        ),
    ],
)
def test_a_fault(faults_of: FaultsOf, text: str, fault: str) -> None:
    assert faults_of(text) == [fault]


def test_the_userspace_dataplane_cannot_continue_connections(faults_of: FaultsOf) -> None:
    text = file(servers=f"{SERVER} {MEMBERS}", rest="director: {dataplane: userspace}\n")
    assert faults_of(text)[0] == (
        "1:11: announce: the dataplane userspace cannot continue connections of another director"
        " (expected ipvs)"
    )


def test_a_scheduler_without_a_hash_is_a_risk() -> None:
    servers = f"- {{name: web, address: 203.0.113.1:80, scheduler: wrr, forwarding: dr, {MEMBERS}"
    warnings = parse(file(servers=servers).encode(), "f", "h").warnings
    assert [warning.partition(":")[2] for warning in warnings] == [
        "3:51: virtual_servers[0].scheduler: with scheduler wrr, a connection that a router moves"
        " to another director breaks unless that director selects the same real server by chance;"
        " use mh, which selects the same real server on all directors",
        "3:3: virtual_servers[0].on_failure: on_failure remove sets expire_nodest_conn, which ends"
        " the connections of a real server that fails; use zero_weight",
    ]
