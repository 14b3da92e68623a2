"""The traps of virtual servers: the meaning of a file in keepalived is kept, and noted."""

from __future__ import annotations

import pytest

from tests.unit.config.keepalived.lvs.reading import read_pool, read_text

TWO = "real_server 198.51.100.{} 80 {{\n{}\nTCP_CHECK {{\n}}\n}}\n"


def two_servers(first: str, *lines: str) -> str:
    head = "\n".join(("virtual_server 192.0.2.1 80 {", "protocol TCP", *lines))
    return f"{head}\n{TWO.format(11, first)}{TWO.format(12, '')}}}\n"


@pytest.mark.parametrize(
    ("lines", "persistence"),
    [
        (["persistence_timeout 0"], (None, None)),
        (["persistence_timeout"], ("360s", None)),
        (["persistence_granularity 255.255.0.0"], ("360s", 16)),
        (["persistence_timeout 60", "persistence_granularity 255.255.255.255"], ("60s", 32)),
    ],
)
def test_trap_23_persistence(lines: list[str], persistence: tuple[str | None, int | None]) -> None:
    server = read_pool(*lines).server
    assert (server.get("persistence"), server.get("persistence_prefix_length")) == persistence


def test_trap_24_a_mark_clears_ports_and_ignores_the_protocol() -> None:
    outcome = read_text(
        "virtual_server fwmark 7 {\nprotocol TCP\nlvs_method DR\n"
        "real_server 198.51.100.11 80 {\nTCP_CHECK {\n}\n}\n}"
    )
    assert outcome.faults == []
    assert "protocol" not in outcome.server
    assert outcome.server["real_servers"] == [{"address": "198.51.100.11"}]
    assert outcome.check["port"] == 80


def test_trap_27_alpha_and_inhibit_of_all_real_servers() -> None:
    alpha = read_pool(real_server="alpha\nTCP_CHECK {\n}").server
    assert "initial_state" not in alpha
    assert read_pool().server["initial_state"] == "up"
    inhibit = read_pool(real_server="inhibit_on_failure\nTCP_CHECK {\n}").server
    assert inhibit["on_failure"] == "zero_weight"


def test_trap_28_hash_schedulers_always_fall_back() -> None:
    outcome = read_pool("sh-fallback", "lvs_sched sh", "sh-port")
    assert outcome.server["scheduler_flags"] == ["port"]
    assert [kind for _, kind in outcome.notes] == ["scheduler flag", "fallback"]
    below = read_pool("lvs_sched mh", "mh-fallback")
    assert below.server["scheduler_flags"] == ["fallback"]
    assert below.notes == []


@pytest.mark.parametrize(
    ("lines", "quorum", "hysteresis"),
    [
        (["quorum 0"], 1, 0),
        (["quorum 9"], 2, 0),
        (["quorum 2", "hysteresis 0"], 2, 0),
    ],
)
def test_trap_29_a_quorum_out_of_range(lines: list[str], quorum: int, hysteresis: int) -> None:
    server = read_text(two_servers("", *lines)).server
    assert (server.get("quorum", 1), server.get("hysteresis", 0)) == (quorum, hysteresis)


def test_trap_29_a_hysteresis_out_of_range() -> None:
    outcome = read_text(two_servers("weight 4", "quorum 3", "hysteresis 5"))
    assert outcome.faults == []
    assert (outcome.server["quorum"], outcome.server["hysteresis"]) == (3, 2)


def test_trap_30_empty_virtual_servers_and_unused_groups_are_left_out() -> None:
    outcome = read_text(
        "virtual_server_group G {\n192.0.2.1 80\n}\nvirtual_server 192.0.2.2 80 {\n}\n"
    )
    assert outcome.value == {}
    assert [kind for _, kind in outcome.notes] == ["unused group", "no real servers"]


def test_trap_31_the_sorry_server_cannot_be_a_real_server() -> None:
    outcome = read_pool("sorry_server 198.51.100.11 80")
    assert outcome.faults == [
        "k:2:14: the sorry server cannot be one of the real servers (198.51.100.11:80)"
    ]


def test_trap_32_a_group_is_a_virtual_server_for_each_family_and_mark() -> None:
    outcome = read_text(
        "virtual_server_group web {\n192.0.2.1-2 80\n2001:db8::1 80\nfwmark 2\n}\n"
        "virtual_server group web {\nprotocol TCP\nlvs_method TUN\n"
        "real_server 198.51.100.11 80 {\nPING_CHECK {\n}\n}\n}\n"
    )
    assert outcome.faults == []
    found = [
        (each["name"], each.get("addresses"), each.get("fwmark"))
        for each in outcome.value["virtual_servers"]
    ]
    assert found == [
        ("web", ["192.0.2.1:80", "192.0.2.2:80"], None),
        ("web-ipv6", ["[2001:db8::1]:80"], None),
        ("web-fwmark-2", None, 2),
    ]
