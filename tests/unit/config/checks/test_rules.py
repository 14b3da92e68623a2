"""Every fault of an option of a check is reported at its place."""

from collections.abc import Callable

import pytest

from checks.definition.check import Route
from checks.definition.options import (
    PROBE_TYPES,
    AllProbe,
    AnyProbe,
    HttpProbe,
    HttpsProbe,
    Member,
    PingProbe,
    ScriptProbe,
    TcpProbe,
    TlsProbe,
)
from checks.probes.registry import CONVERSATIONS, PROBERS
from hadirector.config.loader import parse

FaultsOf = Callable[[str], list[str]]

PAYLOAD = "expected text of at most 4096 bytes, in quotes, or hex: and pairs of hexadecimal digits)"


def server(check: str) -> str:
    real_servers = f"real_servers: [{{address: 10.0.0.2, check: {check}}}]"
    return f"virtual_servers: [{{address: 10.0.0.1:80, {real_servers}}}]"


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        (
            "{type: tcp, timeout: 200ms, fast_interval: 100ms}",
            "fast_interval: wrong value (got 0.1s, expected at least the timeout, 0.2s, and at most"
            " the interval, 2s)",
        ),
        ("{type: tcp, fast_interval: 3s}", "fast_interval: wrong value (got 3s, expected at least"),
        (
            "{type: tcp, slow_interval: 1s}",
            "slow_interval: wrong value (got 1s, expected at least the interval, 2s)",
        ),
        (
            "{type: tcp, jitter: 300ms, fast_interval: 500ms}",
            "jitter: wrong value (got 0.3s, expected at most half of the shortest interval, 0.25s)",
        ),
        (
            "{type: tcp, idle_connection: 1}",
            "idle_connection: wrong value (got 1, expected true or false)",
        ),
        (
            "{type: ping, idle_connection: true}",
            "idle_connection: a check of type ping has no TCP port for an idle connection",
        ),
        (
            "{type: dns, name: a, port: 53, idle_connection: true}",
            "idle_connection: a check of type dns has no TCP port",
        ),
        (
            "{type: all, checks: [{type: tcp, idle_connection: true}, {type: http}]}",
            (
                "checks[0].idle_connection: idle_connection belongs to the outer check; leave"
                " it out here"
            ),
        ),
        ("{type: tcp, weight_step: 10%}", "weight_step: a check of this type has no weight_step"),
        (
            "{type: agent, weight_step: 10}",
            "weight_step: wrong value (got 10, expected a percentage from 1% to 100%)",
        ),
        ("{type: tcp, jitter: -1s}", 'jitter: wrong value (got "-1s", expected a duration from 0s'),
        ("{type: tcp, fall: 0}", "fall: wrong value (got 0, expected a whole number from 1 to"),
        ("{type: tcp, send: 5}", f"send: wrong value (got 5, {PAYLOAD}"),
        ("{type: tcp, send: 'hex:0'}", f'send: wrong value (got "hex:0", {PAYLOAD}'),
        ("{type: tcp, tls_verify: true}", "tls_verify: a check of this type has no tls_verify"),
        ("{type: tls, tls_ca_file: ca}", "tls_ca_file: wrong value (got "),
        ("{type: tls, tls_verify: false, tls_ca_file: /ca}", "tls_ca_file: has no effect, because"),
        ("{type: tls, tls_expiry_warning: 9000h}", 'tls_expiry_warning: wrong value (got "9000h"'),
        ("{type: tls, tls_name: a..b}", 'tls_name: wrong value (got "a..b", expected a host name'),
        ("{type: tls, tls_name: .a}", 'tls_name: wrong value (got ".a", expected a host name'),
        (f"{{type: http, host: {'a' * 64}}}", 'host: wrong value (got "aaaaaaa'),
        ("{type: tls, path: /}", "path: a check of this type has no path"),
        ("{type: tls, pfad: /}", 'unknown key "pfad" (expected one of address, '),
        ("{type: 5}", "type: wrong value (got 5, expected one of tcp, tls, http, https, "),
        ("{type: htttp, rise: 0}", 'type: wrong value (got "htttp", expected one of tcp, '),
        ("{type: http, method: get}", 'method: wrong value (got "get", expected one of GET, HEAD'),
        ("{type: http, body: x}", "body: only a POST has a body (got method GET)"),
        ("{type: http, password: x}", "password: requires a username"),
        ('{type: http, username: "a\\nb"}', "username: wrong value (got a value that is not"),
        ("{type: http, username: 'a:b'}", "username: contains a colon, which basic authentication"),
        ("{type: http, redirects: 11}", "redirects: wrong value (got 11, expected a whole number"),
        ("{type: http, http_version: 1.1}", "http_version: wrong value (got 1.1, expected a whole"),
        ("{type: https, http_version: 3}", "http_version: wrong value (got 3, expected a whole"),
        (
            "{type: http, http_version: 2, headers: {Upgrade: websocket}}",
            "headers: HTTP/2 forbids the header Upgrade (RFC 9113, section 8.2.2)",
        ),
        ("{type: http, headers: [a]}", "headers: wrong value (got a list, expected a mapping of"),
        ("{type: http, headers: {Host: a}}", "headers: wrong value (got a mapping, expected names"),
        ("{type: http, headers: {a: 'b '}}", "headers: wrong value (got a mapping, expected vis"),
        ("{type: http, headers: {a: 1}}", "headers: wrong value (got a mapping, expected visible"),
        ("{type: http, expect_status: [299-200]}", "expect_status[0]: wrong value (got "),
        ("{type: http, expect_sha256: abc}", 'expect_sha256: wrong value (got "abc", expected 64'),
        ("{type: http, expect_json: {}}", "expect_json: wrong value (got a mapping, expected a "),
        ("{type: http, expect_json: {a..b: 1}}", "expect_json: wrong value (got a mapping, expe"),
        ("{type: http, expect_json: {a: [1]}}", "expect_json: wrong value (got a mapping, expec"),
        (
            "{type: http, method: HEAD, expect_body: x}",
            "expect_body: the reply to a HEAD request has no",
        ),
        (
            "{type: udp}",
            "the check probes a udp port, but the virtual server serves the tcp port",
        ),
        ("{type: dns, port: 53}", 'the key "name" is missing'),
        ("{type: dns, name: a..b}", 'name: wrong value (got "a..b", expected a domain name)'),
        ("{type: dns, name: a, record: ANY}", 'record: wrong value (got "ANY", expected one of A'),
        (
            "{type: dns, name: a}",
            ("the check probes a udp port, but the virtual server serves the tcp"),
        ),
        ("{type: dns, name: a, expect_answers: [5]}", "expect_answers[0]: wrong value (got 5, exp"),
        ("{type: smtp, tls_name: a}", "tls_name: has no effect without starttls: true"),
        ("{type: smtp, tls_verify: false}", "tls_verify: has no effect without starttls: true"),
        (
            "{type: grpc, tls_expiry_warning: 1h}",
            "tls_expiry_warning: has no effect without tls: true",
        ),
        ("{type: ping, port: 80}", "port: a check of this type has no port"),
        ("{type: ping, port: 80, address: 10.0.0.9}", "port: a check of this type has no port"),
        ("{type: script}", 'the key "script" is missing'),
        ("{type: script, script: check.sh}", 'script: wrong value (got "check.sh", expected the'),
        ("{type: script, script: /s, mark: 1}", "mark: a check of this type has no mark"),
        ("{type: script, script: /s, user: 'a b'}", 'user: wrong value (got "a b", expected the'),
        ("{type: file, file: /f, address: 10.0.0.9}", "address: a check of this type has no addr"),
        ("{type: agent, path: /}", "path: a check of this type has no path"),
        ("{type: all}", 'the key "checks" is missing'),
        ("{type: all, checks: {}}", "checks: wrong value (got a mapping, expected a list)"),
        ("{type: all, checks: []}", "checks: wrong number (got 0, expected 2 to 16 checks)"),
        ("{type: any, checks: [{type: tcp}]}", "checks: wrong number (got 1, expected 2 to 16"),
        (f"{{type: any, checks: [{'{type: tcp}, ' * 17}]}}", "checks: wrong number (got 17, exp"),
        (
            "{type: all, checks: [{type: tcp}, {type: tcp, path: /}]}",
            "checks[1].path: a check of this type has no path",
        ),
        (
            "{type: all, checks: [{type: tcp}, {type: tcp, prot: 1}]}",
            'checks[1]: unknown key "prot", did you mean "port"?',
        ),
        (
            "{type: all, checks: [{type: tcp}, {type: http, expect_status: [99]}]}",
            "checks[1].expect_status[0]: wrong value (got 99, expected a status",
        ),
        (
            "{type: all, checks: [{type: tcp}, {type: tcp, rise: 3}]}",
            "checks[1].rise: rise belongs to the outer check; leave it out here",
        ),
        (
            "{type: all, checks: [{type: tcp}, {type: tcp, source: 10.0.0.9}]}",
            "checks[1].source: source belongs to the outer check; leave it out here",
        ),
        (
            "{type: all, checks: [{type: tcp}, none]}",
            'checks[1]: wrong value (got "none", expected a check other than none)',
        ),
        (
            "{type: all, checks: [{type: tcp}, {type: any, checks: [{type: tcp}, {type: ping}]}]}",
            "checks[1].type: a check of type any cannot be within another check",
        ),
        (
            "{type: all, checks: [{type: tcp}, {type: http, body: a}]}",
            "checks[1].body: only a POST has a body (got method GET)",
        ),
        (
            "{type: all, checks: [{type: ping}, {type: udp}]}",
            (
                "the check probes a udp port, but the virtual server serves the tcp port of"
                " this number"
            ),
        ),
        ("{type: tcp, mark: 4294967296}", "mark: wrong value (got 4294967296, expected a whole"),
        ("{type: tcp, interface: a/b}", 'interface: wrong value (got "a/b", expected an interface'),
        ("{type: tcp, source: here}", 'source: wrong value (got "here", expected a literal IPv4'),
        (
            "{type: tcp, source: '::1', address: 10.0.0.2}",
            ("source: the source ::1 and the probed address 10.0.0.2 have different"),
        ),
        (
            "{type: ping, source: '::1'}",
            (
                "source: the source ::1 and the probed address"
                " 10.0.0.2 have different address families"
            ),
        ),
        (
            "{type: all, source: '::1', checks: [{type: script, script: /s}, {type: tcp}]}",
            (
                "source: the source ::1 and the probed address 10.0.0.2 have different address"
                " families"
            ),
        ),
        (
            "{type: any, source: 10.0.0.9, checks: [{type: tcp}, {type: tcp, address: '::1'}]}",
            (
                "source: the source 10.0.0.9 and the probed address ::1 have different address"
                " families"
            ),
        ),
    ],
)
def test_a_fault_of_an_option(faults_of: FaultsOf, check: str, fault: str) -> None:
    """The fault names the key."""
    found = faults_of(server(check))[:1]
    (message,) = (each.partition(" virtual_servers[0].real_servers[0].check")[2] for each in found)
    assert message.lstrip(".: ").startswith(fault), message


def test_a_source_of_the_wrong_family_is_one_fault_for_all_real_servers(
    faults_of: FaultsOf,
) -> None:
    """The fault names the first real server. A check with an address of its own is valid."""
    servers = "virtual_servers: [" + ", ".join(
        f"{{address: '[fd00::1]:{port}', real_servers: [{{address: 'fd00::2'}}]}}"
        for port in (80, 81)
    )
    (fault,) = faults_of(f"director: {{check: {{type: tcp, source: 10.0.0.9}}}}\n{servers}]")
    message = (
        "director.check.source: the source 10.0.0.9 and the probed address fd00::2"
        " have different address families"
    )
    assert fault == f"1:39: {message}"
    fitting = "{type: tcp, source: 10.0.0.9, address: 10.0.0.2}"
    assert faults_of(f"director: {{check: {fitting}}}\n{servers}]") == []


def test_a_faulty_type_does_not_hide_the_faults_of_common_keys(faults_of: FaultsOf) -> None:
    """The other keys depend on the type, so they are not checked."""
    first, second = faults_of(server("{type: htttp, rise: 0, path: 5}"))
    assert "check.type: wrong value" in first
    assert "check.rise: wrong value" in second


@pytest.mark.parametrize(
    ("check", "probe"),
    [
        ('{type: tcp, send: "a\\r\\n", expect: ok}', TcpProbe(send=b"a\r\n", expect="ok")),
        ("{type: tls, send: hex:00fF}", TlsProbe(send=b"\x00\xff")),
        (
            "{type: any, checks: [{type: tcp, port: 8080}, {type: ping, address: 10.0.0.3}]}",
            AnyProbe(
                checks=(
                    Member(probe=TcpProbe(), port=8080),
                    Member(probe=PingProbe(), address="10.0.0.3"),
                )
            ),
        ),
        ("{type: script, script: /s, arguments: [a]}", ScriptProbe(script="/s", arguments=("a",))),
        ("{type: https, http_version: 2}", HttpsProbe(http_version=2)),
        ("{type: tls, tls_expiry_warning: 24h}", TlsProbe(tls_expiry_warning=86400.0)),
        (
            "{type: http, expect_status: [200-299, 401], headers: {X-A: b}, redirects: 2,"
            " expect_json: {a.0: true}}",
            HttpProbe(
                expect_status=((200, 299), (401, 401)),
                headers=(("X-A", "b"),),
                redirects=2,
                expect_json=(("a.0", True),),
            ),
        ),
    ],
)
def test_an_option_reaches_its_probe(check: str, probe: object) -> None:
    """The probe has the options that `checks.definition.options` declares."""
    definition = parse(server(check).encode(), "f", "h").virtual_servers[0].real_servers[0].check
    assert definition is not None
    assert definition.probe == probe


def test_real_servers_with_the_same_address_share_one_ping() -> None:
    """The port is not part of the target, and udp services need no port for the check."""
    text = (
        "virtual_servers: [{address: 10.0.0.1:80, check: {type: ping}, real_servers:"
        " [{address: 10.0.0.2}]}, {address: 10.0.0.1:53, protocol: udp, check: {type: ping},"
        " real_servers: [{address: 10.0.0.2}]}]"
    )
    servers = parse(text.encode(), "f", "h").virtual_servers
    first, second = (server.real_servers[0].check for server in servers)
    assert first is not None
    assert first == second
    assert first.identity.startswith("ping 10.0.0.2 ")


@pytest.mark.parametrize("check", ["{type: dns, name: a}", "{type: udp}", "{type: ping}"])
def test_a_probe_over_udp_fits_a_virtual_server_over_udp(faults_of: FaultsOf, check: str) -> None:
    """The check needs no port of its own."""
    text = f"address: 10.0.0.1:53, protocol: udp, check: {check}"
    real_servers = "real_servers: [{address: 10.0.0.2}]"
    assert faults_of(f"virtual_servers: [{{{text}, {real_servers}}}]") == []


def test_every_type_of_probe_is_registered() -> None:
    """The registry lists all types except all and any, whose members are performed."""
    assert CONVERSATIONS.keys() | PROBERS.keys() | {AllProbe, AnyProbe} == set(PROBE_TYPES.values())


def test_the_route_of_a_probe_is_part_of_its_identity() -> None:
    """A probe on another route can have another result, so there are two checks."""
    checks = ("{type: tcp}", "{type: tcp, source: 10.0.0.9, interface: eth1, mark: 7}")
    definitions = [
        parse(server(each).encode(), "f", "h").virtual_servers[0].real_servers[0].check
        for each in checks
    ]
    plain, routed = definitions
    assert plain is not None
    assert routed is not None
    assert plain.identity != routed.identity
    assert routed.route == Route(source="10.0.0.9", interface="eth1", mark=7)
