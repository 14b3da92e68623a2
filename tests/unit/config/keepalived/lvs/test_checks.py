"""Each checker becomes a check with the timing of keepalived."""

from __future__ import annotations

import pytest

from tests.unit.config.keepalived.lvs.reading import read_pool, read_text

TIMING = {"interval": "60s", "timeout": "5s", "rise": 1, "fall": 2}
HTTP_TIMING = {**TIMING, "fast_interval": "3s"}
TCP_TIMING = {**TIMING, "fast_interval": "1s"}


@pytest.mark.parametrize(
    ("checker", "check"),
    [
        ("TCP_CHECK {\n}", {"type": "tcp", **TCP_TIMING}),
        ("PING_CHECK {\n}", {"type": "ping", **TCP_TIMING}),
        ("SMTP_CHECK {\nhelo_name a.b\n}", {"type": "smtp", "ehlo_name": "a.b", **TCP_TIMING}),
        (
            "DNS_CHECK {\nconnect_port 53\n}",
            {"type": "dns", "port": 53, "record": "SOA", "name": ".", **TIMING, "fall": 4},
        ),
        (
            "HTTP_GET {\nurl {\npath /a\n}\n}",
            {"type": "http", "path": "/a", "expect_status": ["200-299"], **HTTP_TIMING},
        ),
        (
            "SSL_GET {\nurl {\npath /a\nstatus_code 204\n}\nsni_name c.d\n}",
            {
                "type": "https", "path": "/a", "expect_status": [204], "tls_name": "c.d",
                "tls_verify": False, **HTTP_TIMING,
            },
        ),
        (
            'MISC_CHECK {\nmisc_path "/bin/check -a \'b c\'"\nmisc_timeout 9\nmisc_dynamic\n}',
            {
                "type": "script", "script": "/bin/check", "arguments": ["-a", "b c"],
                "user": "root", "append": [], "exit_weight": True,
                "interval": "60s", "timeout": "9s", "rise": 1, "fall": 1,
            },
        ),
        (
            "UDP_CHECK {\nconnect_port 80\npayload 0A 0b\nrequire_reply 41\n}",
            {
                "type": "udp", "port": 80, "send": "hex:0a0b", "expect": r"\A\x41",
                **TCP_TIMING,
            },
        ),
        (
            'HTTP_GET {\nurl {\npath /\nregex "a\\\\.b"\nregex_no_match\nregex_max_offset 9\n'
            "regex_options caseless\ndigest 640205B7B0FC66C1EA91C463FAC6334D\n}\n}",
            {
                "type": "http", "path": "/", "expect_status": ["200-299"],
                "expect_md5": "640205b7b0fc66c1ea91c463fac6334d", "expect_not": r"(?i)a\.b",
                "expect_offset_max": 9, **HTTP_TIMING,
            },
        ),
    ],
)  # fmt: skip
def test_a_checker(checker: str, check: dict[str, object]) -> None:
    outcome = read_pool(real_server=checker)
    assert outcome.faults == []
    assert outcome.check == check


def test_a_real_server_without_a_checker_is_always_in() -> None:
    assert read_pool(real_server="").server["real_servers"] == [
        {"address": "198.51.100.11", "check": "none"}
    ]


def test_with_its_own_defaults_hadirector_writes_only_what_the_file_gives() -> None:
    checker = "SSL_GET {\nretry 3\nurl {\npath /\n}\n}"
    server = read_pool(real_server=checker, own_defaults=True).server
    assert server["check"] == {"type": "https", "path": "/", "fall": 4}
    assert "initial_state" not in server


def test_the_innermost_timing_counts() -> None:
    outcome = read_pool(
        "delay_loop 30",
        "connect_timeout 4",
        "retry 7",
        real_server="retry 5\ndelay_before_retry 2.5\nTCP_CHECK {\nconnect_timeout 0.5\n}",
    )
    assert outcome.check == {
        "type": "tcp", "interval": "30s", "timeout": "0.5s", "rise": 1, "fall": 6,
        "fast_interval": "2.5s",
    }  # fmt: skip


def test_trap_22_retries_of_http_do_not_count_in_a_tcp_check() -> None:
    outcome = read_pool("nat_mask 255.255.255.0", real_server="TCP_CHECK {\nnb_get_retry 3\n}")
    assert outcome.check["fall"] == 2
    assert [kind for _, kind in outcome.notes] == ["old word", "nb_get_retry"]


def test_trap_24_the_port_of_a_real_server_counts_only_in_its_check() -> None:
    outcome = read_text(
        "virtual_server 192.0.2.1 80 {\nprotocol TCP\nlvs_method DR\n"
        "real_server 198.51.100.11 8080 {\nTCP_CHECK {\n}\n}\n}"
    )
    assert outcome.server["real_servers"] == [{"address": "198.51.100.11"}]
    assert outcome.check["port"] == 8080
    assert [kind for _, kind in outcome.notes] == ["port of a real server"]


def test_trap_25_a_timeout_above_the_interval() -> None:
    outcome = read_pool("delay_loop 2", real_server="TCP_CHECK {\nconnect_timeout 10\n}")
    assert (outcome.check["interval"], outcome.check["timeout"]) == ("2s", "10s")
    assert [kind for _, kind in outcome.notes] == ["timeout above delay_loop"]


def test_hosts_with_different_sources_keep_them() -> None:
    """An equal source of all checkers is that of the check around them."""
    hosts = "SMTP_CHECK {{\nhost {{\nconnect_ip 10.0.0.1\n{}}}\nhost {{\nbindto 10.0.0.9\n}}\n}}"
    same = read_pool(real_server=hosts.format("bindto 10.0.0.9\n")).check
    assert same["source"] == "10.0.0.9"
    assert [each.get("source") for each in same["checks"]] == [None, None]
    differs = read_pool(real_server=hosts.format("")).check
    assert "source" not in differs
    assert [each.get("source") for each in differs["checks"]] == [None, "10.0.0.9"]


def test_trap_26_several_checkers_run_together() -> None:
    checkers = (
        "TCP_CHECK {\nretry 4\n}\nHTTP_GET {\ndelay_loop 5\nurl {\npath /a\n}\nurl {\npath /b\n}\n}"
    )
    outcome = read_pool(real_server=checkers)
    assert outcome.check == {
        "type": "all",
        "checks": [
            {"type": "tcp"},
            {"type": "http", "path": "/a", "expect_status": ["200-299"]},
            {"type": "http", "path": "/b", "expect_status": ["200-299"]},
        ],
        "interval": "5s", "timeout": "5s", "rise": 1, "fall": 5, "fast_interval": "1s",
    }  # fmt: skip
    assert [kind for _, kind in outcome.notes] == ["several urls", "several checkers"]
