"""Each directive of ldirectord.cf has its key in the native form."""

from __future__ import annotations

import pytest

from tests.unit.config.keepalived.ldirectord.reading import faults, read, read_virtual

TIMING = {"interval": "10s", "timeout": "10s", "rise": 1, "fall": 1}
HTTP = {"type": "http", "redirects": 7, "expect_status": ["200-299"]}


def test_a_virtual_with_the_defaults() -> None:
    server, report = read_virtual()
    assert server == {
        "address": "192.0.2.1:80",
        "scheduler": "wrr",
        "forwarding": "dr",
        "check": {**HTTP, **TIMING, "timeout": "30s"},
        "real_servers": [{"address": "198.51.100.1"}],
    }
    assert (report.faults, report.notes) == ([], [])


def test_global_directives_apply_to_every_virtual() -> None:
    found, _ = read(
        "checkinterval=5\ncheckcount=7\nfailurecount=3\nchecktimeout=2\nquiescent=yes\n"
        "cleanstop=no\nfallback=127.0.0.1:8080 masq\n"
        "virtual=192.0.2.1:80\n\treal=198.51.100.1:8080 masq\n\tchecktype=connect\n"
        "virtual=192.0.2.1:443\n\treal=198.51.100.1:443 masq\n\tchecktype=ping\n"
        "\tcheckinterval=1\n\tchecktimeout=1\n\tquiescent=no\n\tfallback=127.0.0.2 gate\n"
    )
    assert found["director"] == {"on_stop": "keep"}
    first, second = found["virtual_servers"]
    timing = {"interval": "5s", "timeout": "2s", "rise": 1, "fall": 3}
    assert first["check"] == {"type": "tcp", **timing}
    assert first["on_failure"] == "zero_weight"
    assert first["sorry_server"] == {"address": "127.0.0.1:8080"}
    assert second["check"] == {
        "type": "ping", "interval": "1s", "timeout": "1s", "rise": 1, "fall": 7
    }  # fmt: skip
    assert "on_failure" not in second
    assert second["sorry_server"] == {"address": "127.0.0.2"}


@pytest.mark.parametrize(
    ("lines", "check"),
    [
        (
            ('request="index.html"', 'receive="It works"', "httpmethod=head", "virtualhost=a.b"),
            {
                **HTTP, "path": "/index.html", "expect_body": "It works", "method": "HEAD",
                "host": "a.b",
            },
        ),
        (
            ("service=https", "checkport=443"),
            {**HTTP, "type": "https", "port": 443, "tls_verify": False},
        ),
        (("service=smtp",), {"type": "smtp"}),
        (("service=submission", "checkport=587"), {"type": "smtp", "port": 587}),
        (
            ("service=simpletcp", r'request="PING\n"', 'receive="PONG"'),
            {"type": "tcp", "send": "PING\n", "expect": "PONG"},
        ),
        (("service=simpletcp",), {"type": "tcp", "expect": "."}),
        (
            ("service=dns", 'request="a.example.org"', 'receive="192.0.2.9"'),
            {
                "type": "dns", "port": 80, "name": "a.example.org",
                "expect_answers": ["192.0.2.9"],
            },
        ),
        (("service=mysql", 'login="joe"'), {"type": "mysql", "user": "joe"}),
        (
            ("service=pgsql", 'login="joe"', 'database="db"'),
            {"type": "postgres", "user": "joe", "database": "db"},
        ),
        (
            ("checktype=external", 'checkcommand="/usr/local/bin/check"'),
            {
                "type": "script", "script": "/usr/local/bin/check",
                "arguments": ["192.0.2.1", "80"], "user": "root",
            },
        ),
        (("checktype=connect",), {"type": "tcp"}),
        (("checktype=ping",), {"type": "ping"}),
        (("checktype=5",), HTTP),
    ],
)  # fmt: skip
def test_the_check_of_a_service(lines: tuple[str, ...], check: dict[str, object]) -> None:
    server, report = read_virtual("checktimeout=10", *lines)
    assert faults(report) == []
    assert server["check"] == {**check, **TIMING}


def test_check_types_without_a_check() -> None:
    assert read_virtual("checktype=on")[0]["check"] == "none"
    server, _ = read_virtual("checktype=off")
    assert server["check"] == "none"
    assert server["real_servers"] == [{"address": "198.51.100.1", "weight": 0}]


def test_scheduling() -> None:
    server, _ = read_virtual(
        "scheduler=sh", "schedflags=sh-port,flag-1", "persistent=600", "netmask=255.255.255.0"
    )
    assert server["scheduler"] == "sh"
    assert server["scheduler_flags"] == ["fallback", "port"]
    assert server["persistence"] == "600s"
    assert server["persistence_prefix_length"] == 24


def test_real_servers_of_a_range_with_their_own_requests() -> None:
    found, report = read(
        "virtual=mail.example.org:smtp\n"
        "\tservice=http\n"
        '\treal=198.51.100.1->198.51.100.2:8025 masq 5 "a", "b" l:10 u:20\n'
        "\treal=198.51.100.9:smtp masq\n"
    )
    assert faults(report) == []
    [server] = found["virtual_servers"]
    assert server["address"] == "192.0.2.25:25"
    own = {**HTTP, "path": "/a", "expect_body": "b", **TIMING, "timeout": "30s"}
    first = {"weight": 5, "lower_threshold": 10, "upper_threshold": 20, "check": own}
    assert server["real_servers"] == [
        {"address": "198.51.100.1:8025", **first},
        {"address": "198.51.100.2:8025", **first},
        {"address": "198.51.100.9", "check": {**HTTP, **TIMING, "timeout": "30s"}},
    ]
    assert [note.kind for note in report.notes].count("host name") == 1


def test_a_firewall_mark_is_not_checked_by_default() -> None:
    found, _ = read("virtual6=7\n\treal6=[2001:db8::1]:80 ipip\n")
    [server] = found["virtual_servers"]
    assert server == {
        "fwmark": 7,
        "family": "ipv6",
        "scheduler": "wrr",
        "forwarding": "tun",
        "check": "none",
        "real_servers": [{"address": "2001:db8::1"}],
    }


def test_the_port_of_dns_is_udp_and_one_packet() -> None:
    found, _ = read(
        "virtual=192.0.2.1:domain\n\treal=198.51.100.1 gate\n\tops=yes\n\tchecktype=connect\n"
    )
    [server] = found["virtual_servers"]
    assert (server["protocol"], server["one_packet"]) == ("udp", True)
    assert server["check"]["type"] == "ping"


def test_a_service_name_becomes_a_name() -> None:
    assert read_virtual("servicename=Web Site")[0]["name"] == "Web-Site"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ("service=imap",),
            "ld.cf:4:17: virtual 192.0.2.1:80: service imap: hadirector does not have this"
            " check; use"
            " checktype = connect, or service = simpletcp with the greeting in receive",
        ),
        (
            ("service=mysql", 'request="SELECT 1"'),
            "ld.cf:5:18: virtual 192.0.2.1:80: hadirector sends no query in this check; leave"
            " the request out, or use"
            " checktype = external",
        ),
        (
            ("service=dns",),
            "ld.cf:2:1: virtual 192.0.2.1:80: service dns: the key request is missing"
            " (expected the name to look up)",
        ),
        (
            ("checktype=maybe",),
            'ld.cf:4:19: virtual 192.0.2.1:80: checktype: wrong value (got "maybe", expected'
            " negotiate, connect, ping, external, external-perl, on, off or a number)",
        ),
    ],
)
def test_a_refusal_names_the_remedy(lines: tuple[str, ...], message: str) -> None:
    assert faults(read_virtual(*lines)[1]) == [message]


def test_without_quiescent_a_failed_server_is_removed_with_a_note() -> None:
    _, report = read("virtual=192.0.2.1:80\n\treal=198.51.100.1:80 gate\n\tchecktype=on\n")
    assert [note.kind for note in report.notes] == ["quiescent"]


def test_a_server_with_another_method_has_its_own() -> None:
    server, report = read_virtual("real=198.51.100.2:80 masq", "fallback=198.51.100.7 masq")
    assert faults(report) == []
    assert server["forwarding"] == "dr"
    assert [each.get("forwarding") for each in server["real_servers"]] == [None, "nat"]
    assert server["sorry_server"]["forwarding"] == "nat"
