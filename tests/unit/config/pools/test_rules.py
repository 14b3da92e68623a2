"""Faults in the policies of a pool."""

from __future__ import annotations

from collections.abc import Callable

import pytest

FaultsOf = Callable[[str], list[str]]

SERVER = "virtual_servers: [{address: 10.0.0.1:80, "
TWO = "real_servers: [{address: 10.0.0.2, weight: 2}, {address: 10.0.0.3}]"


@pytest.mark.parametrize(
    ("rest", "faults"),
    [
        (f"quorum: 2, hysteresis: 1, {TWO}}}]", []),
        (
            f"quorum: 3, hysteresis: 1, {TWO}}}]",
            [
                "1:50: virtual_servers[0].quorum: wrong value (got 4, expected at most 3, the"
                " total weight of the real servers, with the hysteresis)"
            ],
        ),
        (
            f"quorum: 2, hysteresis: 2, {TWO}}}]",
            [
                "1:65: virtual_servers[0].hysteresis: wrong value (got 2, expected less than"
                " the quorum, 2; otherwise the pool never loses its quorum)"
            ],
        ),
        (
            f"quorum: 0, {TWO}}}]",
            [
                "1:50: virtual_servers[0].quorum: wrong value (got 0, expected a whole number from"
                " 1 to 2147483647)"
            ],
        ),
        (
            f"sorry_server: {{address: 10.0.0.3}}, {TWO}}}]",
            [
                "1:66: virtual_servers[0].sorry_server.address: the sorry server cannot be one of"
                " the real servers (10.0.0.3:80)"
            ],
        ),
        (
            f'sorry_server: {{address: "[fd00::1]:80"}}, {TWO}}}]',
            [
                "1:66: virtual_servers[0].sorry_server.address: wrong value (got fd00::1,"
                " expected an IPv4 address like the virtual server's; nat cannot mix address"
                " families)"
            ],
        ),
        (
            "sorry_server: {address: 10.0.0.9, check: {type: tcp, slow_interval: 1s}},"
            f" {TWO}}}]",
            [
                "1:110: virtual_servers[0].sorry_server.check.slow_interval: wrong value (got 1s,"
                " expected at least the interval, 2s)"
            ],
        ),
        (f"min_healthy: 2, {TWO}}}]", []),
        (f"min_healthy: 100%, {TWO}}}]", []),
        (
            f"min_healthy: 3, {TWO}}}]",
            [
                "1:55: virtual_servers[0].min_healthy: wrong value (got 3, expected at most the"
                " number of real servers, 2)"
            ],
        ),
        (
            f"min_healthy: 0%, {TWO}}}]",
            [
                '1:55: virtual_servers[0].min_healthy: wrong value (got "0%", expected a number'
                " of real servers, or a percentage from 1% to 100%)"
            ],
        ),
        (
            f"min_healthy: 0.5, {TWO}}}]",
            [
                "1:55: virtual_servers[0].min_healthy: wrong value (got 0.5, expected a number"
                " of real servers, or a percentage from 1% to 100%)"
            ],
        ),
        (
            "real_servers: [{address: 10.0.0.2, backup_tier: -1}]}]",
            [
                "1:90: virtual_servers[0].real_servers[0].backup_tier: wrong value (got -1,"
                " expected a whole number from 0 to 255)"
            ],
        ),
    ],
)
def test_a_fault_of_a_pool(faults_of: FaultsOf, rest: str, faults: list[str]) -> None:
    """Each fault has its place. The default quorum is never a fault."""
    assert faults_of(SERVER + rest) == faults


SLOW = "real_servers: [{address: 10.0.0.2, weight: 10}, {address: 10.0.0.3, weight: 10"


@pytest.mark.parametrize(
    ("rest", "faults"),
    [
        (f"slow_start: 30s, {SLOW}}}]}}]", []),
        (f"slow_start: {{duration: 30s, minimum: 5%, curve: quadratic}}, {SLOW}}}]}}]", []),
        (
            f"slow_start: 30s, scheduler: mh, {SLOW}}}]}}]",
            [
                "1:54: virtual_servers[0].slow_start: with scheduler mh, each step of a weight"
                " would send clients to other real servers; leave this out"
            ],
        ),
        (
            f"scheduler: rr, {SLOW}, slow_start: 2s}}]}}]",
            [
                "1:149: virtual_servers[0].real_servers[1].slow_start: scheduler rr does not"
                " distribute connections by weight (expected a scheduler such as wrr or wlc)"
            ],
        ),
        (
            "slow_start: 30s, real_servers: [{address: 10.0.0.2, weight: 1},"
            " {address: 10.0.0.3}]}]",
            [
                "1:102: virtual_servers[0].real_servers[0].weight: slow_start needs a weight"
                " above 1, because weights are whole numbers; use 10 or 100, for example",
                "1:116: virtual_servers[0].real_servers[1].address: slow_start needs a weight"
                " above 1, because weights are whole numbers; use 10 or 100, for example",
            ],
        ),
        (
            f"slow_start: 100ms, {SLOW}}}]}}]",
            [
                '1:54: virtual_servers[0].slow_start: wrong value (got "100ms", expected a duration'
                " from 1s to 1h, such as 200ms, 2s, 1m or 1h)"
            ],
        ),
        (
            f"slow_start: {{minimum: 0.1, curve: round}}, {SLOW}}}]}}]",
            [
                '1:54: virtual_servers[0].slow_start: the key "duration" is missing',
                "1:64: virtual_servers[0].slow_start.minimum: wrong value (got 0.1, expected a"
                " percentage from 1% to 100%)",
                '1:76: virtual_servers[0].slow_start.curve: wrong value (got "round", expected one'
                " of linear, quadratic)",
            ],
        ),
        (f"flap_damping: true, {SLOW}}}]}}]", []),
        (
            f"flap_damping: {{hold: 11m, failures: 17}}, {SLOW}}}]}}]",
            [
                "1:78: virtual_servers[0].flap_damping.failures: wrong value (got 17, expected a"
                " whole number from 2 to 16)",
            ],
        ),
        (
            f"flap_damping: {{hold: 11m}}, {SLOW}}}]}}]",
            [
                "1:63: virtual_servers[0].flap_damping.hold: wrong value (got a hold of 660 s,"
                " expected at most hold_max, 600 s)",
            ],
        ),
        (
            f"flap_damping: 3, {SLOW}}}]}}]",
            [
                "1:56: virtual_servers[0].flap_damping: wrong value (got 3, expected true, false or"
                " a mapping)",
            ],
        ),
        (
            f"initial_state: unknown, {SLOW}}}]}}]",
            [
                '1:57: virtual_servers[0].initial_state: wrong value (got "unknown", expected one'
                " of down, up)"
            ],
        ),
    ],
)
def test_a_fault_of_slow_start_or_flap_damping(
    faults_of: FaultsOf, rest: str, faults: list[str]
) -> None:
    assert faults_of(SERVER + rest) == faults


def test_only_a_hash_scheduler_has_reserved_parts(faults_of: FaultsOf) -> None:
    members = "real_servers: [{address: 10.0.0.2, reserve: true}]}]"
    assert faults_of(f"{SERVER}scheduler: mh, {members}") == []
    assert faults_of(f"{SERVER}scheduler: wrr, {members}") == [
        "1:102: virtual_servers[0].real_servers[0].reserve: only the schedulers sh and mh have a"
        " table with reserved parts (got scheduler wrr)"
    ]
    no_part = members.replace("reserve", "weight: 0, reserve")
    assert faults_of(f"{SERVER}scheduler: mh, {no_part}") == [
        "1:100: virtual_servers[0].real_servers[0].weight: a real server in reserve needs a weight"
        " above 0, which is its part"
    ]


def test_a_real_server_in_reserve_does_not_count_for_the_quorum(faults_of: FaultsOf) -> None:
    members = "real_servers: [{address: 10.0.0.2}, {address: 10.0.0.3, reserve: true}]}]"
    assert faults_of(f"{SERVER}scheduler: mh, quorum: 2, {members}") == [
        "1:65: virtual_servers[0].quorum: wrong value (got 2, expected at most 1, the total weight"
        " of the real servers, with the hysteresis)"
    ]
