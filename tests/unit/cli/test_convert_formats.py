"""`hadirector convert` recognizes the format of a file, and resolves the names in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hadirector.cli import main
from hadirector.config.other_formats import recognize

LDIRECTORD = "quiescent=no\nvirtual=localhost:http\n\treal=198.51.100.1:http masq\n\tchecktype=on\n"
IPVSADM = "# saved\n-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 2\n"
KEEPALIVED = "virtual_server 192.0.2.1 80 {\n protocol TCP\n real_server 198.51.100.1 80 {\n }\n}\n"


def convert(tmp_path: Path, text: str, *options: str) -> int:
    file = tmp_path / "file"
    file.write_text(text)
    return main(["convert", str(file), *options])


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (LDIRECTORD, "ldirectord"),
        (IPVSADM, "ipvsadm"),
        ("--add-service -t 192.0.2.1:80", "ipvsadm"),
        (KEEPALIVED, "keepalived"),
        ("virtual_servers: []\n", "keepalived"),
        ("- A: 1\n", "keepalived"),
    ],
)
def test_the_format_is_recognized(text: str, form: str) -> None:
    assert recognize(text.encode()) == form


def test_a_saved_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(tmp_path, IPVSADM, "--check", "none") == 0
    assert yaml.safe_load(capsys.readouterr().out) == {
        "virtual_servers": [
            {
                "address": "192.0.2.1:80",
                "scheduler": "rr",
                "forwarding": "nat",
                "check": "none",
                "real_servers": [{"address": "198.51.100.1", "weight": 2}],
            }
        ]
    }


def test_a_ldirectord_file_with_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(tmp_path, LDIRECTORD) == 0
    [server] = yaml.safe_load(capsys.readouterr().out)["virtual_servers"]
    assert server["address"] == "127.0.0.1:80"
    assert server["real_servers"] == [{"address": "198.51.100.1"}]


def test_an_unknown_name_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(tmp_path, "virtual=host.invalid:80\n") == 1
    assert 'unknown host "host.invalid"' in capsys.readouterr().err


def test_the_format_may_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(tmp_path, KEEPALIVED, "--from", "ipvsadm") == 1
    assert 'unknown or incomplete option "virtual_server"' in capsys.readouterr().err


def test_a_file_with_hosts_and_other_files_becomes_one_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The hosts stay apart."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/web.yaml").write_text(
        "virtual_servers: [{name: web, address: '192.0.2.1:80'}]\n"
    )
    hosts = "hosts:\n  lb1: {}\n  lb2: {director: {realtime: true}}\n"
    assert convert(tmp_path, f"include_dir: conf.d\n{hosts}") == 0
    assert yaml.safe_load(capsys.readouterr().out) == {
        "hosts": {"lb1": {}, "lb2": {"director": {"realtime": True}}},
        "virtual_servers": [{"name": "web", "address": "192.0.2.1:80"}],
    }


def test_a_note_about_a_value_within_a_mapping_is_a_comment_before_the_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 43\nunicast_src_ip 10.3.0.1\n"
        "unicast_peer {\n10.3.1.1 min_ttl 60\n10.3.2.1 min_ttl 62\n}\n"
        "virtual_ipaddress {\n10.3.0.100\n}\n}\n"
    )
    assert convert(tmp_path, text) == 0
    lines = capsys.readouterr().out.splitlines()
    first = lines.index("    unicast:")
    assert lines[first : first + 5] == [
        "    unicast:",
        "      source: 10.3.0.1",
        "      peers: [10.3.1.1, 10.3.2.1]",
        "      # vrrp_instance VI_1: min_ttl: one limit applies to all peers, 60",
        "      ttl_min: 60",
    ]
