"""Every type of probe declares the facts that other parts of the program need."""

import pytest

from checks.definition.options import (
    PROBE_TYPES,
    AgentProbe,
    AllProbe,
    AnyProbe,
    DnsProbe,
    FileProbe,
    GrpcProbe,
    HttpsProbe,
    Member,
    PingProbe,
    Probe,
    ScriptProbe,
    SmtpProbe,
    TcpProbe,
    UdpProbe,
)
from checks.definition.queries import cost, is_host_probe, path_evidence, transports, uses_tls
from checks.definition.traits import PathEvidence
from tests.lab.probes.every_probe import EVERY_PROBE

SCRIPT = ScriptProbe(script="/bin/true")
FILE = FileProbe(file="/etc/hostname")

# default port, cost, TLS, transport, evidence, whether it tests the service, keys without effect
EXPECTED = {
    "tcp": (None, 1, False, "tcp", "proof", True, "weight_max weight_step"),
    "tls": (None, 1, True, "tcp", "proof", True, "weight_max weight_step"),
    "http": (80, 2, False, "tcp", "proof", True, "weight_max weight_step"),
    "https": (443, 2, True, "tcp", "proof", True, "weight_max weight_step"),
    "grpc": (None, 2, "tls", "tcp", "proof", True, "weight_max weight_step"),
    "udp": (None, 1, False, "udp", "proof", True, "weight_max weight_step"),
    "dns": (53, 1, False, "udp", "proof", True, "weight_max weight_step"),
    "smtp": (25, 2, "starttls", "tcp", "proof", True, "weight_max weight_step"),
    "ping": (0, 1, False, None, "proof", False, "port via weight_max weight_step"),
    "script": (None, 20, False, None, "unclear", False, "interface mark source via"),
    "file": (0, 1, False, None, "none", False, "address interface mark port source via"),
    "agent": (None, 1, False, "tcp", "proof", False, ""),
    "redis": (6379, 1, False, "tcp", "proof", True, "weight_max weight_step"),
    "postgres": (5432, 1, False, "tcp", "proof", True, "weight_max weight_step"),
    "mysql": (3306, 1, False, "tcp", "proof", True, "weight_max weight_step"),
    "all": (None, 0, False, None, "none", False, ""),
    "any": (None, 0, False, None, "none", False, ""),
}


@pytest.mark.parametrize("name", PROBE_TYPES)
def test_every_type_declares_its_own_traits(name: str) -> None:
    """A type that inherits from another one must not inherit its traits silently."""
    assert "traits" in vars(PROBE_TYPES[name])


@pytest.mark.parametrize("name", PROBE_TYPES)
def test_traits_of_every_type(name: str) -> None:
    """The table above has a row for every type."""
    traits = PROBE_TYPES[name].traits
    unused_keys = " ".join(sorted(traits.unused_keys))
    assert EXPECTED[name] == (
        *(traits.default_port, traits.cost, traits.tls, traits.transport, traits.path_evidence),
        *(traits.tests_service, unused_keys),
    )


@pytest.mark.parametrize("name", PROBE_TYPES)
def test_the_option_that_turns_tls_on_exists(name: str) -> None:
    options = PROBE_TYPES[name]
    if isinstance(options.traits.tls, str):
        assert options.traits.tls in options.__struct_fields__


@pytest.mark.parametrize(
    ("probe", "connects"),
    [
        (TcpProbe(), 1),
        (HttpsProbe(), 10),
        (GrpcProbe(), 2),
        (GrpcProbe(tls=True), 10),
        (SmtpProbe(starttls=True), 10),
        (AnyProbe(checks=(Member(probe=SCRIPT), Member(probe=HttpsProbe()))), 30),
    ],
)
def test_the_cost_includes_tls_and_all_members(probe: Probe, connects: int) -> None:
    assert cost(probe) == connects


@pytest.mark.parametrize(
    ("probe", "over_tls"),
    [(SmtpProbe(), False), (SmtpProbe(starttls=True), True), (HttpsProbe(), True)],
)
def test_some_types_use_tls_by_an_option(probe: Probe, over_tls: bool) -> None:
    assert uses_tls(probe) is over_tls


def test_the_evidence_of_a_composite_is_that_of_its_members() -> None:
    members = (Member(probe=TcpProbe()), Member(probe=SCRIPT), Member(probe=FILE))
    assert path_evidence(AllProbe(checks=members)) == {
        PathEvidence.PROOF,
        PathEvidence.UNCLEAR,
        PathEvidence.NONE,
    }


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (DnsProbe(name="example."), {"udp"}),
        (DnsProbe(name="example.", protocol="tcp"), {"tcp"}),
        (AgentProbe(), {"tcp"}),
        (SCRIPT, set()),
    ],
)
def test_the_transport_of_dns_is_an_option(probe: Probe, expected: set[str]) -> None:
    assert transports(probe) == expected


def test_a_composite_of_host_probes_and_fixed_ports_is_a_host_probe() -> None:
    ping, fixed_port = Member(probe=PingProbe()), Member(probe=TcpProbe(), port=22)
    assert is_host_probe(AllProbe(checks=(ping, fixed_port)))
    assert not is_host_probe(AllProbe(checks=(ping, Member(probe=TcpProbe()))))


def test_every_type_that_can_use_a_connection_meets_every_bad_server() -> None:
    """`tests/lab/probes/test_zoo.py` runs the probes of that table against all of them."""
    with_transport = {options for options in PROBE_TYPES.values() if options.traits.transport}
    assert {type(probe) for probe in EVERY_PROBE.values()} == with_transport - {UdpProbe}
