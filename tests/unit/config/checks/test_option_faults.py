"""Every fault of an option of a check, other than http, is reported at its place."""

from collections.abc import Callable

import pytest

from tests.unit.config.checks.faults import fault_of_check

FaultsOf = Callable[[str], list[str]]

PAYLOAD = "expected text of at most 4096 bytes, in quotes, or hex: and pairs of hexadecimal digits)"


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        (
            "{type: tcp, fast_interval: 3s}",
            "fast_interval: wrong value (got 3s, expected at most the interval, 2s)",
        ),
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
            "idle_connection: a check of type dns has no TCP port for an idle connection",
        ),
        (
            "{type: all, checks: [{type: tcp, idle_connection: true}, {type: http}]}",
            (
                "checks[0].idle_connection: idle_connection belongs to the outer check; leave"
                " idle_connection out here"
            ),
        ),
        ("{type: tcp, weight_step: 10%}", "weight_step: a check of this type has no weight_step"),
        (
            "{type: udp, expect_bytes: hex:1}",
            'expect_bytes: wrong value (got "hex:1", expected hex: and pairs of hexadecimal digits'
            " or X, which stands for any digit)",
        ),
        (
            "{type: tls, tls_key_file: /k}",
            "tls_key_file: has no effect without tls_certificate_file",
        ),
        (
            "{type: smtp, tls_certificate_file: /c}",
            "tls_certificate_file: has no effect without starttls: true",
        ),
        (
            "{type: script, script: /s, append: [address, name]}",
            'append[1]: wrong value (got "name", expected one of address, port)',
        ),
        (
            "{type: script, script: /s, exit_weight: true, statement: true}",
            "exit_weight: cannot be combined with statement, because both set a weight;"
            " remove one of them",
        ),
        (
            "{type: script, script: /s, exit_weight: true, weight_max: 50%}",
            "weight_max: limits a percentage of the weight, but exit_weight requests the weight"
            " itself",
        ),
        (
            "{type: any, checks: [{type: agent}, {type: script, script: /s, exit_weight: true}]}",
            "checks: one member requests a weight (exit_weight), and another member requests a"
            " percentage of the configured weight; expected one kind of request",
        ),
        (
            "{type: agent, weight_step: 10}",
            "weight_step: wrong value (got 10, expected a percentage from 1% to 100%)",
        ),
        (
            "{type: agent, weight_max: 1001%}",
            'weight_max: wrong value (got "1001%", expected a percentage from 1% to 1000%)',
        ),
        (
            "{type: tcp, jitter: -1s}",
            (
                'jitter: wrong value (got "-1s", expected a duration from 0s to 1h, such as '
                "200ms, 2s, 1m or 1h)"
            ),
        ),
        (
            "{type: tcp, fall: 0}",
            "fall: wrong value (got 0, expected a whole number from 1 to 100)",
        ),
        ("{type: tcp, send: 5}", f"send: wrong value (got a value that is not shown, {PAYLOAD}"),
        (
            "{type: tcp, send: 'hex:0'}",
            f"send: wrong value (got a value that is not shown, {PAYLOAD}",
        ),
        ("{type: tcp, tls_verify: true}", "tls_verify: a check of this type has no tls_verify"),
        (
            "{type: tls, tls_ca_file: no/ca}",
            'tls_ca_file: wrong value (got "no/ca", expected the absolute path of a file,'
            " or the name of a credential)",
        ),
        (
            "{type: tls, tls_verify: false, tls_ca_file: /ca}",
            "tls_ca_file: has no effect, because tls_verify: false turns verification off",
        ),
        (
            "{type: tls, tls_expiry_warning: 9000h}",
            (
                'tls_expiry_warning: wrong value (got "9000h", expected a duration from 0s to '
                "8760h, such as 200ms, 2s, 1m or 1h)"
            ),
        ),
        (
            "{type: tls, tls_name: a..b}",
            (
                'tls_name: wrong value (got "a..b", expected a host name or IPv4 address, '
                "without port)"
            ),
        ),
        (
            "{type: tls, tls_name: .a}",
            (
                'tls_name: wrong value (got ".a", expected a host name or IPv4 address, without'
                " port)"
            ),
        ),
        ("{type: tls, path: /}", "path: a check of this type has no path"),
        (
            "{type: tls, pfad: /}",
            (
                'unknown key "pfad" (expected one of address, expect, fall, fast_interval, '
                "idle_connection, interface, interval, jitter, mark, port, rise, send, "
                "slow_interval, source, timeout, tls_ca_file, tls_certificate_file, "
                "tls_expiry_warning, tls_key_file, tls_name, tls_verify, type, via, weight_max, "
                "weight_step)"
            ),
        ),
        (
            "{type: 5}",
            (
                "type: wrong value (got 5, expected one of tcp, tls, http, https, grpc, udp, "
                "dns, smtp, ping, script, file, agent, redis, postgres, mysql, all, any, none)"
            ),
        ),
        (
            "{type: htttp, rise: 0}",
            (
                'type: wrong value (got "htttp", expected one of tcp, tls, http, https, grpc, '
                "udp, dns, smtp, ping, script, file, agent, redis, postgres, mysql, all, any, "
                "none)"
            ),
        ),
        (
            "{type: udp}",
            (
                "the check probes a udp port, but the virtual server serves the tcp port of "
                "this number: choose another type of check, add a port to the check, or write "
                "check: none"
            ),
        ),
        ("{type: dns, port: 53}", 'the key "name" is missing'),
        ("{type: dns, name: a..b}", 'name: wrong value (got "a..b", expected a domain name)'),
        (
            "{type: dns, name: a, record: ANY}",
            (
                'record: wrong value (got "ANY", expected one of A, AAAA, CNAME, DNSKEY, MX, NS, '
                "PTR, RRSIG, SOA, SRV, TXT)"
            ),
        ),
        (
            "{type: dns, name: a}",
            (
                "the check probes a udp port, but the virtual server serves the tcp port of "
                "this number: choose another type of check, add a port to the check, or write "
                "check: none"
            ),
        ),
        (
            "{type: dns, name: a, expect_answers: [5]}",
            (
                "expect_answers[0]: wrong value (got 5, expected an argument without control "
                "characters, in quotes)"
            ),
        ),
        ("{type: smtp, tls_name: a}", "tls_name: has no effect without starttls: true"),
        ("{type: smtp, tls_verify: false}", "tls_verify: has no effect without starttls: true"),
        (
            "{type: grpc, tls_expiry_warning: 1h}",
            "tls_expiry_warning: has no effect without tls: true",
        ),
        ("{type: ping, port: 80}", "port: a check of this type has no port"),
        ("{type: ping, port: 80, address: 10.0.0.9}", "port: a check of this type has no port"),
        ("{type: script}", "script: no program to run (expected the key script or the key shell)"),
        (
            "{type: script, script: ./check.sh}",
            'script: wrong value (got "./check.sh", expected the absolute path of a program, or'
            " the name of a program on PATH)",
        ),
        ("{type: script, script: /s, mark: 1}", "mark: a check of this type has no mark"),
        (
            "{type: script, script: /s, user: 'a b'}",
            'user: wrong value (got "a b", expected the name of a user of this host)',
        ),
        (
            "{type: file, file: /f, address: 10.0.0.9}",
            "address: a check of this type has no address",
        ),
        ("{type: agent, path: /}", "path: a check of this type has no path"),
        ("{type: all}", 'the key "checks" is missing'),
        ("{type: all, checks: {}}", "checks: wrong value (got a mapping, expected a list)"),
        ("{type: all, checks: []}", "checks: wrong number (got 0, expected 2 to 16 checks)"),
        (
            "{type: any, checks: [{type: tcp}]}",
            "checks: wrong number (got 1, expected 2 to 16 checks)",
        ),
        (
            f"{{type: any, checks: [{'{type: tcp}, ' * 17}]}}",
            "checks: wrong number (got 17, expected 2 to 16 checks)",
        ),
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
            (
                "checks[1].expect_status[0]: wrong value (got 99, expected a status from 100 to"
                " 599, or a range such as 200-299)"
            ),
        ),
        (
            "{type: all, checks: [{type: tcp}, {type: tcp, rise: 3}]}",
            "checks[1].rise: rise belongs to the outer check; leave rise out here",
        ),
        (
            "{type: all, checks: [{type: tcp}, {type: tcp, source: '2001:db8::9'}]}",
            (
                "checks[1].source: the source 2001:db8::9 and the probed address 10.0.0.2 have"
                " different address families"
            ),
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
            "checks[1].body: only a request with method POST has a body (got method GET)",
        ),
        (
            "{type: all, checks: [{type: ping}, {type: udp}]}",
            (
                "the check probes a udp port, but the virtual server serves the tcp port of "
                "this number: choose another type of check, add a port to the check, or write "
                "check: none"
            ),
        ),
        (
            "{type: tcp, mark: 4294967296}",
            "mark: wrong value (got 4294967296, expected a whole number from 0 to 4294967295)",
        ),
        (
            "{type: tcp, interface: a/b}",
            (
                'interface: wrong value (got "a/b", expected an interface name of 1 to 15 '
                "characters)"
            ),
        ),
        (
            "{type: tcp, source: here}",
            (
                'source: wrong value (got "here", expected a literal IPv4 or IPv6 address; host'
                " names are not resolved)"
            ),
        ),
        (
            "{type: tcp, source: '::1', address: 10.0.0.2}",
            (
                "source: the source ::1 and the probed address 10.0.0.2 have different address "
                "families"
            ),
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
    assert fault_of_check(faults_of, check) == fault
