"""Whom the doctor asks by the virtual address, and what goes over the wire for it."""

from __future__ import annotations

import pytest

from checks.definition.result import Reason, Result
from hadirector.config.loader import parse
from hadirector.doctor.diagnosis.echo_packet import reply_of, request
from hadirector.doctor.diagnosis.facts import Echo, Facts, OwnAddress, Path, Way, subjects
from hadirector.doctor.diagnosis.syn_packet import Flag, Knock, answer_to, segment
from hadirector.doctor.diagnosis.virtual import hindrance, is_asked, knocked_from, led_through_ipvs
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ServiceKey
from hadirector.model.vip_probes import probe_services

WEB1, WEB2 = "web/10.0.0.5:80", "web/10.0.0.6:80"
PASSED = Result(Reason.PASSED, "connected", 0.001)
REFUSED = Result(Reason.REFUSED, "connecting: Connection refused", 0.001)
ACCEPT = "net/ipv4/conf/eth0/accept_local"
BACKUP_ONLY = "net/ipv4/vs/backup_only"
FILTER = "net/ipv4/conf/eth0/rp_filter"


def configuration(forwarding: str = "dr", more: str = "") -> Configuration:
    text = (
        f"virtual_servers: [{{name: web, address: 10.0.0.9:80, forwarding: {forwarding}{more},"
        " real_servers: [{address: 10.0.0.5}, {address: 10.0.0.6}]}]"
    )
    return parse(text.encode(), "f", "lb1")


def place(path: Path) -> str:
    return f"f:{'.'.join(map(str, path))}"


# --- through IPVS ------------------------------------------------------------------------------


def test_real_servers_that_pass_are_asked_through_services_of_marks_of_ours() -> None:
    led = led_through_ipvs(configuration(), {WEB1}, ())
    assert led is not None
    [(key, entry)] = probe_services(led).items()
    assert 0x6A000000 <= key.firewall_mark <= 0x6A00FFFF
    assert [str(each) for each in entry.destinations] == ["10.0.0.5"]
    [[each]] = [server.real_servers for server in led.virtual_servers]
    assert each.check is not None
    assert each.check.destination == "10.0.0.9"
    assert each.check.route.mark == key.firewall_mark


def test_marks_that_another_service_uses_are_left_alone() -> None:
    led = led_through_ipvs(configuration(), {WEB1}, [ServiceKey.marked(0x6A001234)])
    assert led is not None
    [key] = probe_services(led)
    assert 0x6B000000 <= key.firewall_mark <= 0x6B00FFFF
    everywhere = [ServiceKey.marked(first << 24) for first in range(0x6A, 0x72)]
    assert led_through_ipvs(configuration(), {WEB1}, everywhere) is None


def test_what_a_check_asks_elsewhere_is_asked_as_a_connection_to_what_is_served() -> None:
    for check, kind in (("{type: http, port: 8080}", "TcpProbe"), ("{type: http}", "HttpProbe")):
        led = led_through_ipvs(configuration(more=f", check: {check}"), {WEB1}, ())
        assert led is not None
        [[each]] = [server.real_servers for server in led.virtual_servers]
        assert each.check is not None
        assert (type(each.check.probe).__name__, each.check.port) == (kind, 80)


@pytest.mark.parametrize("forwarding", ["nat", "fullnat"])
def test_nat_changes_the_address_and_needs_no_such_question(forwarding: str) -> None:
    led = led_through_ipvs(configuration(forwarding), {WEB1, WEB2}, ())
    assert led is not None
    assert probe_services(led) == {}


@pytest.mark.parametrize(
    ("held", "values", "back", "hindered"),
    [
        (True, {}, "eth0", True),
        (True, {ACCEPT: "1"}, "eth0", False),
        (False, {}, "eth0", False),
        (False, {FILTER: "1"}, "eth0", False),
        (False, {FILTER: "1"}, "eth1", True),
        (False, {FILTER: "2"}, "eth1", False),
        (False, {BACKUP_ONLY: "1"}, "eth0", True),
        (False, {BACKUP_ONLY: "0"}, "eth0", False),
    ],
)
def test_an_answer_that_this_host_would_drop_is_foreseen(
    held: bool, values: dict[str, str], back: str, hindered: bool
) -> None:
    made = configuration()
    facts = Facts(
        ways={"10.0.0.5": Way(interface="eth0"), "10.0.0.9": Way(interface=back, local=held)},
        addresses={"10.0.0.9": OwnAddress("eth0", 32)} if held else {},
        sysctls=values,
    )
    subject, _ = subjects(made, place)
    assert (hindrance(subject, facts) is not None) == hindered


@pytest.mark.parametrize(
    ("forwarding", "answer", "way", "asked"),
    [
        ("dr", PASSED, Way(interface="eth0"), True),
        ("tun", PASSED, Way(interface="eth0"), True),
        ("nat", PASSED, Way(interface="eth0"), False),
        ("dr", REFUSED, Way(interface="eth0"), False),
        ("dr", PASSED, Way(interface="lo", local=True), False),
    ],
)
def test_whoever_answers_and_has_to_have_the_virtual_address_is_asked_by_it(
    forwarding: str, answer: Result, way: Way, asked: bool
) -> None:
    facts = Facts(ways={"10.0.0.5": way}, answers={WEB1: answer})
    subject, _ = subjects(configuration(forwarding), place)
    assert is_asked(subject, facts) == asked


# --- echo requests -----------------------------------------------------------------------------

TOKEN = bytes(range(16))
REQUEST = bytes.fromhex(
    "4500002c00000000400100000a0000460a000005"  # IPv4: 44 bytes, TTL 64, ICMP, 10.0.0.70 to .5
    "0800bfbe00000001"  # echo request, number 1; the words sum up to 0x4041
    "000102030405060708090a0b0c0d0e0f"
)
REPLY = bytes.fromhex("4500002c00000000400100000a0000050a0000460000c7be00000001") + TOKEN


def test_an_echo_request_is_written_in_the_clients_name() -> None:
    assert request(Echo("10.0.0.5", "10.0.0.70"), TOKEN) == REQUEST


def test_only_a_reply_with_the_token_is_one() -> None:
    assert reply_of(REPLY, TOKEN) == Echo("10.0.0.5", "10.0.0.70")
    assert reply_of(REPLY, bytes(16)) is None
    assert reply_of(REQUEST, TOKEN) is None
    for length in range(len(REPLY)):
        assert reply_of(REPLY[:length], TOKEN) is None


# --- knocking ----------------------------------------------------------------------------------

KNOCK = Knock("10.0.0.1", 50000, "10.0.0.9", 80, 0x01020304, hop_limit=2)


def test_a_knock_is_a_syn_and_later_a_rst() -> None:
    header = "4500002800000000020600000a0000010a000009"  # 40 bytes, TTL 2, TCP
    syn = "c3500050010203040000000050020400d0320000"
    rst = "c3500050010203050000000050040400d02f0000"
    assert segment(KNOCK, Flag.SYN) == bytes.fromhex(header + syn)
    assert segment(KNOCK, Flag.RST) == bytes.fromhex(header + rst)


def heard(flags: str, acknowledged: str = "01020305", port: str = "0050") -> bytes:
    """A segment from the virtual address back to where the knock came from."""
    header = "4500002800000000400600000a0000090a000001"
    return bytes.fromhex(f"{header}{port}c350aabbccdd{acknowledged}50{flags}040000000000")


def test_an_answer_accepts_or_refuses_what_was_asked_and_nothing_else() -> None:
    assert answer_to(heard("12"), KNOCK) is Flag.SYN
    assert answer_to(heard("14"), KNOCK) is Flag.RST
    assert answer_to(heard("02"), KNOCK) is None
    assert answer_to(heard("12", acknowledged="01020304"), KNOCK) is None
    assert answer_to(heard("12", port="0051"), KNOCK) is None
    assert answer_to(segment(KNOCK, Flag.SYN), KNOCK) is None
    for length in range(40):
        assert answer_to(heard("12")[:length], KNOCK) is None


@pytest.mark.parametrize(
    ("server", "source", "values", "expected"),
    [
        ("dr", "10.0.0.1", {}, "10.0.0.1"),
        ("dr", "10.0.0.9", {}, None),
        ("dr", "10.0.0.1", {BACKUP_ONLY: "1"}, None),
        ("dr, protocol: udp, check: none", "10.0.0.1", {}, None),
    ],
)
def test_only_a_tcp_port_is_knocked_at_and_not_from_the_virtual_address(
    server: str, source: str, values: dict[str, str], expected: str | None
) -> None:
    facts = Facts(ways={"10.0.0.5": Way(interface="eth0", source=source)}, sysctls=values)
    subject, _ = subjects(configuration(server), place)
    assert knocked_from(subject, facts) == expected
