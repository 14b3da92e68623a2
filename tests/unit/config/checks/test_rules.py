"""The options of a check: their probes, and faults of several keys."""

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
from tests.unit.config.checks.faults import server

FaultsOf = Callable[[str], list[str]]


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
        (
            "{type: all, mark: 3, checks: [{type: tcp, source: 10.0.0.9, mark: 0}, {type: tcp,"
            " interface: eth1}]}",
            AllProbe(
                checks=(
                    Member(probe=TcpProbe(), source="10.0.0.9", mark=0),
                    Member(probe=TcpProbe(), interface="eth1"),
                )
            ),
        ),
        ("{type: script, script: /s, arguments: [a]}", ScriptProbe(script="/s", arguments=("a",))),
        (
            "{type: script, script: /s, append: [], exit_weight: true}",
            ScriptProbe(script="/s", append=(), exit_weight=True),
        ),
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


def test_the_largest_exit_weight_is_not_a_percentage() -> None:
    """The limit of a percentage, 100 by default, does not apply to it."""
    text = server(
        "{type: all, checks: [{type: tcp}, {type: script, script: /s, exit_weight: true}]}"
    )
    check = parse(text.encode(), "f", "h").virtual_servers[0].real_servers[0].check
    assert check is not None
    assert check.timing.weight_max == 253


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
