"""The output of `ipvsadm -Sn` becomes virtual servers."""

from __future__ import annotations

import pytest

from hadirector.config.keepalived.ipvsadm.rules import read_rules
from hadirector.config.keepalived.ipvsadm.table import CheckType, translate_table
from hadirector.config.keepalived.node import plain
from hadirector.config.keepalived.report import Report


def translated(text: str, check: CheckType = "tcp") -> tuple[list[object], Report]:
    report = Report()
    nodes = translate_table(read_rules(text, "table", report), report, check)
    return [plain(node) for node in nodes], report


def faults(text: str) -> list[str]:
    return [str(fault) for fault in translated(text)[1].faults]


def test_a_service_with_its_real_servers() -> None:
    found, report = translated(
        "-A -t 192.0.2.1:80 -s wrr -p 300 -M 255.255.255.0\n"
        "-a -t 192.0.2.1:80 -r 198.51.100.1:80 -g -w 1\n"
        "-a -t 192.0.2.1:80 -r 198.51.100.2:80 -g -w 5\n"
    )
    assert found == [
        {
            "address": "192.0.2.1:80",
            "scheduler": "wrr",
            "forwarding": "dr",
            "persistence": "300s",
            "persistence_prefix_length": 24,
            "check": {"type": "tcp"},
            "real_servers": [
                {"address": "198.51.100.1"},
                {"address": "198.51.100.2", "weight": 5},
            ],
        }
    ]
    assert (report.faults, report.notes) == ([], [])


def test_a_service_of_ipv6_over_udp_with_an_engine_and_one_packet() -> None:
    found, report = translated(
        "-A -u [2001:db8::1]:5060 -s mh -p 60 -M 64 -b mh-port,flag-1 --pe sip -o\n"
        "-a -u [2001:db8::1]:5060 -r [2001:db8::2]:5080 -m -w 1\n"
    )
    assert found == [
        {
            "address": "[2001:db8::1]:5060",
            "protocol": "udp",
            "scheduler": "mh",
            "scheduler_flags": ["fallback", "port"],
            "one_packet": True,
            "forwarding": "nat",
            "persistence": "60s",
            "persistence_prefix_length": 64,
            "persistence_engine": "sip",
            "check": {"type": "udp", "require_reply": False},
            "real_servers": [{"address": "[2001:db8::2]:5080"}],
        }
    ]
    assert [note.kind for note in report.notes] == ["udp check"]


def test_firewall_marks_of_both_families_and_tunnels() -> None:
    found, _ = translated(
        "-A -f 7 -s rr\n"
        "-a -f 7 -r 198.51.100.1:0 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum\n"
        "-A -f 7 -6 -s rr\n"
        "-a -f 7 -6 -r [2001:db8::2]:0 -i -w 1 --tun-type ipip\n",
        check="none",
    )
    tunnel = {"type": "gue", "port": 6080, "checksum": "full"}
    common = {"fwmark": 7, "scheduler": "rr", "forwarding": "tun", "check": "none"}
    assert found == [
        {**common, "real_servers": [{"address": "198.51.100.1", "tunnel": tunnel}]},
        {**common, "family": "ipv6", "real_servers": [{"address": "2001:db8::2"}]},
    ]


def test_the_words_of_older_versions_and_the_long_options() -> None:
    found, report = translated(
        "--clear\n"
        "# saved by hand\n"
        "--add-service --udp-service 192.0.2.1:53 --scheduler rr pe sip ops\n"
        "--add-server --udp-service 192.0.2.1:53 --real-server 198.51.100.1:53 --masquerading"
        " --weight 3 --u-threshold 100 --l-threshold 80\n",
        check="none",
    )
    assert report.faults == []
    assert found == [
        {
            "address": "192.0.2.1:53",
            "protocol": "udp",
            "scheduler": "rr",
            "one_packet": True,
            "forwarding": "nat",
            "persistence_engine": "sip",
            "check": "none",
            "real_servers": [
                {
                    "address": "198.51.100.1",
                    "weight": 3,
                    "upper_threshold": 100,
                    "lower_threshold": 80,
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 0", "weight 0"),
        ("-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 127.0.0.1:80 -g -w 1", "local server"),
        ("-A -t 192.0.2.1:80 -s sh", "fallback"),
        ("-A -t 192.0.2.1:80 -s sh -b sh-fallback,flag-3", "other settings"),
        ("-A -t 192.0.2.1:80 -M 255.0.0.0", "netmask"),
        ("-A --sctp-service 192.0.2.1:80\n", "no check"),
        (
            "-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m\n"
            "-A -t 192.0.2.2:80\n-a -t 192.0.2.2:80 -r 198.51.100.1:80 -m\n",
            "equal pools",
        ),
    ],
)
def test_a_difference_is_noted(text: str, kind: str) -> None:
    assert [note.kind for note in translated(text)[1].notes] == [kind]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "-A -t web.example.org:http -s rr",
            'table:1:7: wrong address (got "web.example.org:http", expected ADDRESS:PORT in'
            " numbers; save the table with ipvsadm -S -n)",
        ),
        (
            "IP Virtual Server version 1.2.1",
            'table:1:1: unknown or incomplete option "IP"',
        ),
        (
            "-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m",
            "table:1:1: service tcp 192.0.2.1:80 is not defined (expected its -A line above"
            " its -a lines)",
        ),
        (
            "-A -t 192.0.2.1:80\n-A -t 192.0.2.1:80",
            "table:2:1: service tcp 192.0.2.1:80 occurs twice",
        ),
        (
            "-A -t 192.0.2.1:80\n" + 2 * "-a -t 192.0.2.1:80 -r 1.2.3.4:80\n",
            "table:3:1: service tcp 192.0.2.1:80: real server 1.2.3.4:80 occurs twice",
        ),
        (
            "-A -t 192.0.2.1:80 -p 300 -M 255.0.255.0",
            'table:1:30: -M: wrong netmask (got "255.0.255.0", expected a netmask without holes)',
        ),
        (
            "-A -f 7 -6\n-a -f 7 -6 -r [2001:db8::1]:0 -i -w 70000",
            'table:2:37: -w: wrong value (got "70000", expected a number up to 65535)',
        ),
        ("-A -t", 'table:1:4: unknown or incomplete option "-t"'),
        ("-E -t 192.0.2.1:80", 'table:1:1: unknown or incomplete option "-E"'),
        (
            "-t 192.0.2.1:80 -s rr",
            "table:1:1: the line is no rule of ipvsadm (expected -A or -a, as in -Sn)",
        ),
    ],
)
def test_a_wrong_line_is_a_fault_at_its_word(text: str, message: str) -> None:
    assert faults(text) == [message]


def test_a_real_server_with_another_method_has_its_own() -> None:
    text = (
        "-A -t 192.0.2.1:80\n"
        "-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m\n"
        "-a -t 192.0.2.1:80 -r 198.51.100.2:80 -g\n"
        "-a -t 192.0.2.1:80 -r 198.51.100.3:80 -g\n"
    )
    assert faults(text) == []
    [server] = translated(text)[0]
    assert isinstance(server, dict)
    assert server["forwarding"] == "dr"
    assert [each.get("forwarding") for each in server["real_servers"]] == ["nat", None, None]
