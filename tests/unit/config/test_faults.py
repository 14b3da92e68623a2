"""Every fault is reported with its place, the value and the expected form."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hadirector.config import load
from hadirector.config.document.errors import UnreadableFileError

FaultsOf = Callable[[str], list[str]]

SERVER = "virtual_servers: [{address: 10.0.0.1:80, "
UDP = (
    "the check probes a tcp port, but the virtual server serves the udp port of this number:"
    " choose another type of check, add a port to the check, or write check: none"
)
SUCH_AS = 'such as 192.0.2.1:80 or "[2001:db8::1]:80"; host names are not resolved'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- 1", "1:1: wrong value (got a list, expected a mapping)"),
        (
            "director: {}",
            "1:1: the file configures nothing (expected vrrp, virtual_servers or both)",
        ),
        ("vrrp: 3", "1:7: vrrp: wrong value (got 3, expected a list)"),
        (
            "vrrp:\n  name: web",
            '2:3: vrrp: wrong value (got a mapping, expected a list: put "- " before the first key'
            " of each element)",
        ),
        (
            "virtual_servers: []\nvrpp: 1",
            '2:1: unknown key "vrpp", did you mean "vrrp"?',
        ),
        (
            "virtual_servers: []\nzzz: 1",
            '2:1: unknown key "zzz" (expected one of alerts, announce, api, connection_timeouts,'
            " director, fleet, hosts, include_dir, pair, sources, static, sync_daemon, sync_groups,"
            " sysctls, virtual_servers, vrrp)",
        ),
        (
            "virtual_servers: []\n<<: {}",
            '2:1: merge keys ("<<") are not supported; write the keys out',
        ),
        (
            "virtual_servers: []\napi: {lisen: 127.0.0.1:9470}",
            '2:7: api: unknown key "lisen", did you mean "listen"?',
        ),
        (
            "virtual_servers: []\ndirector: {dataplane: ebpf}",
            '2:23: director.dataplane: wrong value (got "ebpf", expected one of ipvs, userspace,'
            " dry-run)",
        ),
        (
            "virtual_servers: []\ndirector: {name: 5}",
            "2:18: director.name: wrong value (got 5, expected a name of letters, digits and"
            " _.:@[]-, in quotes)",
        ),
        (
            "virtual_servers: []\napi: {unix: run/x}",
            '2:13: api.unix: wrong value (got "run/x", expected an absolute path of at most 107'
            " characters)",
        ),
    ],
)
def test_a_fault_at_the_top(faults_of: FaultsOf, text: str, fault: str) -> None:
    """The file as a whole, the director and the API."""
    assert faults_of(text) == [fault]


@pytest.mark.parametrize(
    ("rest", "fault"),
    [
        (
            "wieght: 3}]",
            '1:42: virtual_servers[0]: unknown key "wieght" (expected one of address,'
            " addresses, admission, check, family, flap_damping, forwarding, fwmark, hysteresis,"
            " initial_state, min_healthy, name, notify, on_failure, one_packet, persistence,"
            " persistence_engine, persistence_prefix_length, protocol, quorum, real_servers,"
            " scheduler,"
            " scheduler_flags, slow_start, sorry_server, tunnel)",
        ),
        (
            "persistence: 0}]",
            "1:55: virtual_servers[0].persistence: wrong value (got 0, expected a duration from"
            " 1s to 744h, such as 200ms, 2s, 1m or 1h)",
        ),
        (
            "persistence: 1500ms}]",
            '1:55: virtual_servers[0].persistence: wrong value (got "1500ms", expected whole'
            " seconds from 1s to 744h)",
        ),
        (
            "scheduler_flags: [port]}]",
            "1:59: virtual_servers[0].scheduler_flags: only the schedulers sh and mh have flags"
            " (got scheduler wlc)",
        ),
        (
            "scheduler: mh, on_failure: remove}]",
            "1:69: virtual_servers[0].on_failure: scheduler mh always uses zero_weight: the"
            " removal of a real server would send clients of healthy servers elsewhere",
        ),
        (
            "forwarding: dr, real_servers: [{address: 10.0.0.2:81}]}]",
            "1:83: virtual_servers[0].real_servers[0].address: with forwarding dr the packet"
            " reaches the real server unchanged, so the port is that of the virtual server (got"
            " 81, expected 80)",
        ),
        (
            "real_servers: [{address: web1}]}]",
            '1:67: virtual_servers[0].real_servers[0].address: wrong value (got "web1", expected'
            f" ADDRESS:PORT, {SUCH_AS})",
        ),
        (
            "real_servers: [{address: 10.0.0.2:0}]}]",
            '1:67: virtual_servers[0].real_servers[0].address: wrong value (got "10.0.0.2:0",'
            " expected a port from 1 to 65535 after the address)",
        ),
        (
            "real_servers: [{address: '2001:db8::1'}]}]",
            "1:67: virtual_servers[0].real_servers[0].address: wrong value (got 2001:db8::1,"
            " expected an IPv4 address like the virtual server's; nat cannot mix address"
            " families)",
        ),
        (
            "real_servers: [{address: 10.0.0.1}]}]",
            "1:67: virtual_servers[0].real_servers[0].address: a real server cannot be its own"
            " virtual server",
        ),
        (
            "real_servers: [{address: 10.0.0.2}, {address: 10.0.0.2:80}]}]",
            "1:88: virtual_servers[0].real_servers[1].address: duplicate real server 10.0.0.2:80,"
            " first at virtual_servers[0].real_servers[0].address",
        ),
        (
            "real_servers: [{address: 10.0.0.2, weight: 65536}]}]",
            "1:85: virtual_servers[0].real_servers[0].weight: wrong value (got 65536, expected a"
            " whole number from 0 to 65535)",
        ),
        (
            "real_servers: [{weight: 1}]}]",
            '1:57: virtual_servers[0].real_servers[0]: the key "address" is missing (or'
            ' "from", the name of a source)',
        ),
        ("protocol: udp}]", ""),
        (
            "protocol: udp, real_servers: [{address: 10.0.0.2}]}]",
            f"1:52: virtual_servers[0].protocol: {UDP}",
        ),
        (
            "protocol: udp, check: {type: tcp}, real_servers: [{address: 10.0.0.2}]}]",
            f"1:64: virtual_servers[0].check: {UDP}",
        ),
        (
            "protocol: udp, check: none, real_servers: [{address: 10.0.0.2, check: {type: tcp}}]}]",
            f"1:112: virtual_servers[0].real_servers[0].check: {UDP}",
        ),
        ("protocol: udp, check: none, real_servers: [{address: 10.0.0.2}]}]", ""),
        (
            "name: a}, {address: 10.0.0.1:80, name: b}]",
            "1:62: virtual_servers[1].address: duplicate virtual server tcp 10.0.0.1:80, first at"
            " virtual_servers[0].address",
        ),
        (
            "name: a}, {address: 10.0.0.1:81, name: a}]",
            '1:81: virtual_servers[1].name: duplicate name "a", first at virtual_servers[0].name',
        ),
    ],
)
def test_a_fault_of_a_virtual_server(faults_of: FaultsOf, rest: str, fault: str) -> None:
    """Faults of a virtual server and its real servers. An empty fault stands for a valid file."""
    assert faults_of(SERVER + rest) == ([fault] if fault else [])


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("{}", 'check: the key "type" is missing'),
        ("tcp", 'check: wrong value (got "tcp", expected a mapping)'),
        (
            "{type: grpc, tls_name: a}",
            "check.tls_name: has no effect without tls: true",
        ),
        ("{type: tcp, path: /}", "check.path: a check of this type has no path"),
        (
            "{type: http, tls_verify: true}",
            "check.tls_verify: a check of this type has no tls_verify",
        ),
        ("{type: none, rise: 2}", "check.rise: a check of this type has no rise"),
        (
            "{type: tcp, interval: 1s, timeout: 2s}",
            "",
        ),
        ("{type: tcp, interval: 500ms}", ""),
        (
            "{type: tcp, rise: 0}",
            "check.rise: wrong value (got 0, expected a whole number from 1 to 100)",
        ),
        (
            "{type: http, expect_status: [99]}",
            "check.expect_status[0]: wrong value (got 99, expected a status from 100 to 599, or a"
            " range such as 200-299)",
        ),
        (
            "{type: http, expect_status: []}",
            "check.expect_status: no status of a reply can pass (got an empty list, expected"
            " codes from 100"
            " to 599)",
        ),
        (
            "{type: http, expect_body: '('}",
            'check.expect_body: wrong value (got "(", expected a regular expression: missing ),'
            " unterminated subpattern at position 0)",
        ),
        (
            "{type: http, path: healthz}",
            'check.path: wrong value (got "healthz", expected a path that begins with / and has'
            " no #)",
        ),
        (
            "{type: http, host: 'a b'}",
            'check.host: wrong value (got "a b", expected a host name or IPv4 address, without'
            " port)",
        ),
        (
            "{type: tcp, port: 0}",
            "check.port: wrong value (got 0, expected a whole number from 1 to 65535)",
        ),
        (
            "{type: tcp, address: web1}",
            'check.address: wrong value (got "web1", expected a literal IPv4 or IPv6 address; host'
            " names are not resolved)",
        ),
        (
            "{type: https, tls_verify: false, tls_ca_file: /ca}",
            "check.tls_ca_file: has no effect, because tls_verify: false turns verification off",
        ),
    ],
)
def test_a_fault_of_a_check(faults_of: FaultsOf, check: str, message: str) -> None:
    """A check has the same faults at every place. An empty message stands for a valid file."""
    for path, text in (
        ("director.", f"virtual_servers: []\ndirector: {{check: {check}}}"),
        ("virtual_servers[0].", SERVER + f"check: {check}}}]"),
        (
            "virtual_servers[0].real_servers[0].",
            SERVER + f"real_servers: [{{address: 10.0.0.2, check: {check}}}]}}]",
        ),
    ):
        faults = [fault.partition(": ")[2] for fault in faults_of(text)]
        assert faults == ([path + message] if message else [])


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("protocol: udp", "protocol: the userspace dataplane relays tcp only (got udp)"),
        (
            "scheduler: sh",
            (
                "scheduler: the userspace dataplane does not have sh (expected one of rr, wrr,"
                " lc, wlc)"
            ),
        ),
        (
            "forwarding: dr",
            "forwarding: the userspace dataplane relays connections, which is nat (got dr)",
        ),
        (
            "persistence: 5s",
            "persistence: the userspace dataplane does not support persistence; leave this out",
        ),
    ],
)
def test_the_userspace_dataplane_refuses_features_of_the_kernel(
    faults_of: FaultsOf, rest: str, message: str
) -> None:
    """The dataplane ipvs accepts all of them."""
    assert faults_of(SERVER + rest + "}]") == []
    (fault,) = faults_of("director: {dataplane: userspace}\n" + SERVER + rest + "}]")
    assert fault.endswith(f" virtual_servers[0].{message}")


def test_all_faults_of_a_file_are_reported_in_its_order(faults_of: FaultsOf) -> None:
    """Faults of form, values and combinations are reported together."""
    text = """\
director: {on_stop: nothing}
virtual_servers:
  - address: 10.0.0.1:80
    name: a
    name: b
    forwarding: dr
    real_servers:
      - {address: 10.0.0.2, wieght: 2}
      - {address: 10.0.0.3:81}
      - {address: 10.0.0.4}
      - {address: 10.0.0.4}
  - address: 10.0.0.1:80
"""
    places = [fault.partition(" ")[0] for fault in faults_of(text)]
    assert places == ["1:21:", "5:5:", "8:29:", "9:19:", "11:19:", "12:14:"]


def test_nested_faults_do_not_hide_other_faults(faults_of: FaultsOf) -> None:
    """The other virtual servers are checked in spite of a faulty one with a faulty real server."""
    text = """\
virtual_servers:
  - address: web
    real_servers: [{address: web1}]
  - address: 10.0.0.1:80
    scheduler_flags: [port]
"""
    places = [fault.partition(" ")[0] for fault in faults_of(text)]
    assert places == ["2:14:", "3:30:", "5:22:"]


def test_an_unknown_key_or_a_faulty_check_does_not_hide_a_contradiction(
    faults_of: FaultsOf,
) -> None:
    text = (
        "virtual_servers:\n"
        "  - address: 10.0.0.1:80\n"
        "    schedular: rr\n"
        "    forwarding: dr\n"
        "    check: {type: tcp, rise: 0}\n"
        "    real_servers: [{address: 10.0.0.2:8080}]\n"
    )
    places = [fault.partition(" ")[0] for fault in faults_of(text)]
    assert places == ["3:5:", "5:30:", "6:30:"]


def test_the_number_of_faults_is_bounded(faults_of: FaultsOf) -> None:
    """Of very many faults, the last are only counted."""
    unknown = "".join(f"key{i}: 1\n" for i in range(1003))
    empty = "".join("  - {name: }\n" for i in range(7))
    faults = faults_of(f"{unknown}virtual_servers:\n{empty}")
    assert len(faults) == 1001
    # 1003 unknown keys and, seven times, a name without value and an address that is missing.
    assert faults[-1] == " 17 more faults are not shown"


@pytest.mark.parametrize("name", [".", "missing.yaml", "a\0b", "pipe"])
def test_an_unreadable_file_is_a_fault_with_the_reason(name: str, tmp_path: Path) -> None:
    """The fault has no line, and reading does not wait for the writer of a pipe."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFileError) as caught:
        load(tmp_path / name)
    reason = {
        ".": "the file cannot be read: Is a directory",
        "missing.yaml": "the file cannot be read: No such file or directory",
        "a\0b": "the file cannot be read: embedded null byte",
        "pipe": "the file is not a regular file",
    }[name]
    # Python 3.13 has other words for the zero byte.
    text = str(caught.value).replace("open: embedded null character in path", "embedded null byte")
    assert text == f"{tmp_path / name}: {reason}"


def test_of_a_list_with_thousands_of_faulty_elements_only_the_first_are_checked(
    faults_of: FaultsOf,
) -> None:
    """The fault after the thousandth element is not found, and the message says so."""
    faults = faults_of("vrrp:\n" + "- 1\n" * 1001 + "sync_groups: 3\n")
    assert faults[0] == "2:3: vrrp[0]: wrong value (got 1, expected a mapping)"
    assert faults[-1] == " the rest of the file is not checked, and further faults are not shown"
    assert len(faults) == 1001


def test_a_long_list_whose_first_elements_are_valid_is_checked_as_a_whole(
    faults_of: FaultsOf,
) -> None:
    servers = "".join(f"- {{fwmark: {mark}}}\n" for mark in range(1, 1001))
    faults = faults_of(f"virtual_servers:\n{servers}- 1\n")
    assert "1002:3: virtual_servers[1000]: wrong value (got 1, expected a mapping)" in faults
