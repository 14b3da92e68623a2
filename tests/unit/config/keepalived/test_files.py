"""Faults of files, and of the files that they include, with their places."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import Loaded, load, load_reading
from hadirector.config.reading import ReadingOptions

SERVER = """\
virtual_server $VIP 80 {
    lb_algo rr
    lb_kind NAT
    real_server 198.51.100.1 80 {
        TCP_CHECK {
        }
    }
}
"""


def read(directory: Path, data: bytes | str, config_id: str = "lb1") -> Loaded:
    file = directory / "keepalived.conf"
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return load_reading(file, ReadingOptions(config_id=config_id))


def faults(directory: Path, data: bytes | str) -> list[str]:
    found = read(directory, data).document.faults
    return [str(fault).replace(f"{directory}/", "") for fault in found]


def addresses(directory: Path, text: str, config_id: str = "lb1") -> list[str]:
    loaded = read(directory, text, config_id)
    assert loaded.document.faults == []
    value = loaded.document.value
    assert isinstance(value, dict)
    return [server["address"] for server in value["virtual_servers"]]


@pytest.mark.parametrize(
    "beginning",
    [
        "$VIP=192.0.2.1\n",
        "$NET=192.0\n$VIP=${NET}.2.1\n",
        "@lb1 $VIP=192.0.2.1\n@lb2 $VIP=192.0.2.2\n",
        "@^lb2 $VIP=192.0.2.1\n",
        "include vip.conf\n",
        "include conf.d/*.conf\n",
        "includea {vip,conf.d/vip}.conf\n",
    ],
)
def test_a_definition_reaches_the_later_lines(tmp_path: Path, beginning: str) -> None:
    (tmp_path / "vip.conf").write_text("$VIP=192.0.2.1\n")
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/vip.conf").write_text("$VIP=192.0.2.1\n")
    assert addresses(tmp_path, beginning + SERVER) == ["192.0.2.1:80"]


def test_a_condition_depends_on_the_id(tmp_path: Path) -> None:
    text = "@lb1 $VIP=192.0.2.1\n@lb2 $VIP=192.0.2.2\n" + SERVER
    assert addresses(tmp_path, text, "lb1") == ["192.0.2.1:80"]
    assert addresses(tmp_path, text, "lb2") == ["192.0.2.2:80"]


def test_an_included_file_is_relative_to_the_file_that_includes_it(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/all.conf").write_text("include vip.conf\n")
    (tmp_path / "conf.d/vip.conf").write_text("$VIP=192.0.2.1\n")
    assert addresses(tmp_path, "include conf.d/all.conf\n" + SERVER) == ["192.0.2.1:80"]
    assert read(tmp_path, "include conf.d/all.conf\n" + SERVER).document.other_files == (
        f"{tmp_path}/conf.d/all.conf",
        f"{tmp_path}/conf.d/vip.conf",
    )


def test_a_sequence_repeats_the_rest_of_its_line(tmp_path: Path) -> None:
    text = SERVER.replace(
        "    real_server 198.51.100.1 80 {",
        "    ~SEQ(n,2,2,6) real_server 203.0.113.${n} 80 { TCP_CHECK { } }\n"
        "    ~LST({a,p},{7,81},{8,82}) real_server 203.0.113.${a} ${p} { TCP_CHECK { } }\n"
        "    real_server 198.51.100.1 80 {",
    )
    value = read(tmp_path, "$VIP=192.0.2.1\n" + text).document.value
    assert isinstance(value, dict)
    servers = [each["address"] for each in value["virtual_servers"][0]["real_servers"]]
    assert servers == [
        "203.0.113.2",
        "203.0.113.4",
        "203.0.113.6",
        "203.0.113.7:81",
        "203.0.113.8:82",
        "198.51.100.1",
    ]


@pytest.mark.parametrize(
    ("data", "place", "part"),
    [
        ("global_defs {\n", "keepalived.conf:1:1", "the brace of"),
        ("}\nglobal_defs {\n}\n", "keepalived.conf:1:1", "}"),
        ('global_defs {\n  router_id "a\n}\n', "keepalived.conf:2:13", "quot"),
        (b"global_defs {\n router_id a\xe9\n}\n", "keepalived.conf:2:13", "0xe9"),
        (b"global_defs {\n router_id a\0\n}\n", "keepalived.conf:2:13", "U+0000"),
        ("global_defs {\n router_id $NONE\n}\n", "keepalived.conf:2:12", "$NONE"),
        ("include none.conf\n", "keepalived.conf:1:1", "no file matches"),
        ('include "a.conf"\n', "keepalived.conf:1:1", "quotes"),
        ("include folder\n", "keepalived.conf:1:1", "irectory"),
        ("include program\n", "keepalived.conf:1:1", "executable"),
        ("include pipe\n", "keepalived.conf:1:1", "not a regular file"),
        ("include loop.conf\n", "loop.conf:1:1", "includes itself"),
        ("$A=$B\n$B=$A\n@lb1 instance $A\n", "keepalived.conf:3:6", "64 levels"),
        (
            "~SEQ(n,1,1000) ~SEQ(m,1,1000) instance a\n",
            "keepalived.conf:1:31",
            "100000",
        ),
        (f"instance {'a' * 1024}\nglobal_defs {{\n}}\n", "keepalived.conf:1:1", "1022 bytes"),
    ],
)
def test_a_fault_has_its_place(tmp_path: Path, data: bytes | str, place: str, part: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "program").write_text("instance a\n")
    (tmp_path / "program").chmod(0o755)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop.conf").write_text("include loop.conf\n")
    found = faults(tmp_path, data)
    assert any(each.startswith(f"{place}: ") and part in each for each in found), found


def test_line_ends_of_windows_and_a_mark_of_byte_order_are_no_fault(tmp_path: Path) -> None:
    text = ("$VIP=192.0.2.1\n" + SERVER).replace("\n", "\r\n")
    assert addresses(tmp_path, "\ufeff" + text) == ["192.0.2.1:80"]


def test_a_comment_may_have_any_bytes(tmp_path: Path) -> None:
    assert faults(tmp_path, b"# caf\xe9\nglobal_defs {\n}\n") == []


def test_faults_are_in_the_order_of_the_files_and_lines(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("\n\n\nfirst x\nglobal_defs {\n}\n")
    file = tmp_path / "keepalived.conf"
    file.write_text("instance x\n\nsecond y\ninclude a.conf\nthird z\n")
    with pytest.raises(ConfigError) as refused:
        load(file)
    places = [fault.place.replace(f"{tmp_path}/", "") for fault in refused.value.faults]
    assert [place for place in places if place != "keepalived.conf:1:1"] == [
        "keepalived.conf:3:1",
        "keepalived.conf:5:1",
        "a.conf:4:1",
    ]


def test_a_fault_in_an_included_file_names_the_line_that_includes_it(tmp_path: Path) -> None:
    """A fault of the reader, and a fault of the rules."""
    (tmp_path / "a.conf").write_text("include b.conf\n")
    (tmp_path / "b.conf").write_text("first x\n" + SERVER.replace("$VIP", "192.0.2.1") * 2)
    file = tmp_path / "keepalived.conf"
    file.write_text("\ninclude a.conf\nsecond y\n")
    with pytest.raises(ConfigError) as refused:
        load(file)
    faults = [str(fault).replace(f"{tmp_path}/", "") for fault in refused.value.faults]
    assert faults == [
        'keepalived.conf:3:1: top level: unknown keyword "second"',
        'b.conf:1:1: top level: unknown keyword "first" (included by a.conf:1:1)',
        'b.conf:10:16: virtual_servers[1].address: duplicate name "192.0.2.1:80-udp", first at'
        " virtual_servers[0].address (included by a.conf:1:1)",
        "b.conf:10:16: virtual_servers[1].address: duplicate virtual server udp 192.0.2.1:80, first"
        " at virtual_servers[0].address (included by a.conf:1:1)",
    ]
