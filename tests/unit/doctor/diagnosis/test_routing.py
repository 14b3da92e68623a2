"""What the doctor makes of the routes to real servers, and of their ways back."""

from __future__ import annotations

import pytest

from hadirector.config.loader import parse
from hadirector.doctor.diagnosis.diagnosis import diagnose
from hadirector.doctor.diagnosis.facts import (
    Echo,
    Facts,
    OwnAddress,
    Path,
    Way,
    subjects,
)
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.doctor.diagnosis.way_back import echoes
from hadirector.model.configuration import Configuration

DIRECTOR, REAL, CLIENT = "10.0.0.1", "10.0.0.5", "10.0.0.70"
BESIDE = Way(interface="eth0", source=DIRECTOR)
THROUGH = Way(interface="eth0", gateway="10.0.0.254", source=DIRECTOR)
OWN = {DIRECTOR: OwnAddress("eth0", 24), "10.0.0.9": OwnAddress("eth0", 32)}
INSIDE = {"10.1.0.1": OwnAddress("eth1", 24), "10.0.0.9": OwnAddress("eth0", 24)}
INNER = Way(interface="eth1", source="10.1.0.1")
VRRP = "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9]}]\n"


def configuration(forwarding: str, real: str = REAL, rest: str = "") -> Configuration:
    text = (
        f"virtual_servers: [{{name: web, address: 10.0.0.9:80, forwarding: {forwarding},"
        f" real_servers: [{{address: {real}}}]}}]\nsysctls: {{apply: true}}\n{rest}"
    )
    return parse(text.encode(), "f", "lb1")


def place(path: Path) -> str:
    return f"f:{'.'.join(map(str, path))}"


def of_routes(made: Configuration, facts: Facts) -> list[Finding]:
    """What is said of real servers; what is said of sysctls has no place."""
    examined = tuple(subjects(made, place))
    return [each for each in diagnose(made, facts, examined, place) if each.place]


def said(made: Configuration, facts: Facts) -> list[tuple[Severity, str]]:
    return [(each.severity, each.what) for each in of_routes(made, facts)]


@pytest.mark.parametrize("forwarding", ["nat", "dr", "tun", "fullnat"])
def test_a_real_server_without_a_route_is_an_error_at_its_place(forwarding: str) -> None:
    [finding] = of_routes(configuration(forwarding), Facts(ways={REAL: None}))
    assert finding.severity is Severity.ERROR
    assert finding.place == "f:virtual_servers.0.real_servers.0"
    assert finding.what == "web/10.0.0.5:80: this host has no route to 10.0.0.5"


def test_a_gateway_is_an_error_under_dr_and_not_under_tun() -> None:
    facts = Facts(ways={REAL: THROUGH}, addresses=OWN)
    [(severity, what)] = said(configuration("dr"), facts)
    assert severity is Severity.ERROR
    assert "10.0.0.5 is reached through the gateway 10.0.0.254" in what
    assert said(configuration("tun"), facts) == []
    assert said(configuration("dr"), Facts(ways={REAL: BESIDE}, addresses=OWN)) == []


def test_a_local_real_server_needs_no_route() -> None:
    local = Way(interface="lo", source="10.0.0.9", local=True)
    for forwarding in ("dr", "nat"):
        assert said(configuration(forwarding), Facts(ways={REAL: local}, addresses=OWN)) == []


@pytest.mark.parametrize("forwarding", ["dr", "tun"])
def test_a_virtual_address_that_packets_are_sent_from_is_an_error(forwarding: str) -> None:
    own = Way(interface="eth0", source="10.0.0.9")
    [(severity, what)] = said(configuration(forwarding), Facts(ways={REAL: own}))
    assert severity is Severity.ERROR
    assert "the virtual address 10.0.0.9 is this director's own address" in what


def test_a_virtual_address_beside_the_own_one_is_good() -> None:
    """Under nat it may even be the own one."""
    assert said(configuration("dr"), Facts(ways={REAL: BESIDE}, addresses=OWN)) == []
    own = Way(interface="eth1", source="10.0.0.9")
    assert said(configuration("nat"), Facts(ways={REAL: own})) == []


# --- tunnels -----------------------------------------------------------------------------------

TUNNELS = [
    # 20 of the outer header; GRE 4 and 4; UDP 8, GUE 4 and 8
    ("{type: ipip}", 20, "ipip"),
    ("{type: gre}", 24, "gre"),
    ("{type: gre, checksum: full}", 28, "gre with full checksum"),
    ("{type: gue, port: 6080}", 32, "gue to port 6080"),
    ("{type: gue, port: 6080, checksum: remote}", 40, "gue to port 6080 with remote checksum"),
]


@pytest.mark.parametrize(("tunnel", "overhead", "words"), TUNNELS)
def test_a_tunnel_that_is_too_narrow_for_clients_packets(
    tunnel: str, overhead: int, words: str
) -> None:
    made = configuration(f"tun, tunnel: {tunnel}")

    def with_room(mtu: int) -> list[Finding]:
        way = Way(interface="eth1", source="10.0.0.1", mtu=mtu)
        return of_routes(made, Facts(ways={REAL: way}, addresses=OWN, mtus={"eth0": 1500}))

    assert with_room(1500 + overhead) == []
    [finding] = with_room(1500 + overhead - 1)
    assert finding.severity is Severity.WARNING
    assert f"1499 fit into the {words} tunnel" in finding.what
    assert finding.remedy.startswith(f"an MTU of {1500 + overhead} ")
    assert "`advmss 1459`" in finding.remedy  # 1499 less 20 of IPv4 and 20 of TCP


def test_an_outer_header_of_ipv6_takes_40_bytes() -> None:
    way = Way(interface="eth1", source="fd00::1", mtu=1539)
    facts = Facts(ways={"fd00::5": way}, addresses=OWN, mtus={"eth0": 1500})
    [finding] = of_routes(configuration("tun", '"[fd00::5]:80"'), facts)
    assert "1499 fit into the ipip tunnel (1539 of eth1 less 40)" in finding.what


def test_nothing_is_said_of_a_tunnel_whose_clients_side_is_not_known() -> None:
    facts = Facts(ways={REAL: BESIDE}, mtus={"eth0": 1500})
    assert said(configuration("tun"), facts) == []


# --- nat: the way back -------------------------------------------------------------------------

CONTROL = Echo(REAL, DIRECTOR)
FAR, NEAR = Echo(REAL, "192.0.2.1"), Echo(REAL, "10.0.0.254")
NAMED = Echo(REAL, CLIENT)


def asked_for(made: Configuration, facts: Facts) -> tuple[Echo, ...]:
    return echoes(made, facts, tuple(subjects(made, place)))


def test_one_client_from_elsewhere_and_one_of_the_subnet_are_tried() -> None:
    """The last address of the subnet that is not ours; none where clients come in elsewhere."""
    facts = Facts(ways={REAL: BESIDE}, addresses=OWN)
    assert asked_for(configuration("nat"), facts) == (CONTROL, FAR, NEAR)
    own = {**OWN, "10.0.0.254": OwnAddress("eth0", 24)}
    assert asked_for(configuration("nat"), Facts(ways={REAL: BESIDE}, addresses=own))[-1] == (
        Echo(REAL, "10.0.0.253")
    )
    inner = Facts(ways={"10.1.0.5": INNER}, addresses=INSIDE)
    assert asked_for(configuration("nat", "10.1.0.5"), inner) == (
        Echo("10.1.0.5", "10.1.0.1"),
        Echo("10.1.0.5", "192.0.2.1"),
    )


def test_only_named_clients_are_tried_where_there_are_some() -> None:
    facts = Facts(ways={REAL: BESIDE}, addresses=OWN, clients=(CLIENT, DIRECTOR, "fd00::7"))
    assert asked_for(configuration("nat"), facts) == (CONTROL, NAMED)


@pytest.mark.parametrize("forwarding", ["dr", "tun", "fullnat"])
def test_other_methods_need_no_way_back(forwarding: str) -> None:
    facts = Facts(ways={REAL: BESIDE}, addresses=OWN)
    assert asked_for(configuration(forwarding), facts) == ()
    assert said(configuration(forwarding), facts) == []


def test_nothing_is_asked_where_another_director_may_hold_the_addresses() -> None:
    made = configuration("nat", rest=VRRP)
    held = Facts(ways={REAL: BESIDE}, addresses=OWN)
    assert asked_for(made, held) == (CONTROL, FAR, NEAR)
    left = Facts(ways={REAL: BESIDE}, addresses={DIRECTOR: OWN[DIRECTOR]})
    assert asked_for(made, left) == ()


def proof(*heard: Echo, clients: tuple[str, ...] = ()) -> Facts:
    asked = frozenset({CONTROL, NAMED} if clients else {CONTROL, FAR, NEAR})
    return Facts(
        ways={REAL: BESIDE, CLIENT: BESIDE},
        addresses=OWN,
        asked=asked,
        heard=frozenset(heard),
        clients=clients,
    )


def test_all_answers_through_the_director_are_good() -> None:
    assert said(configuration("nat"), proof(CONTROL, FAR, NEAR)) == []
    assert said(configuration("nat"), proof(CONTROL, NAMED, clients=(CLIENT,))) == []


def test_answers_past_the_director_are_an_error_but_for_the_subnet_of_the_real_server() -> None:
    """There, no client may be; but one that was named is one."""
    [(severity, what)] = said(configuration("nat"), proof(CONTROL, FAR))
    assert severity is Severity.WARNING
    assert "its answers to clients in its own subnet (10.0.0.254 was tried) do not come" in what
    [(severity, what)] = said(configuration("nat"), proof(CONTROL, NEAR))
    assert severity is Severity.ERROR
    assert "its answers to clients from elsewhere (192.0.2.1 was tried;" in what
    [(severity, what)] = said(configuration("nat"), proof(CONTROL, clients=(CLIENT,)))
    assert severity is Severity.ERROR
    assert "its answers to the client 10.0.0.70 do not come back through this director" in what


def test_a_real_server_that_answers_no_echo_request_proves_nothing() -> None:
    """Then the routes decide: it is where clients may be, and where a named one is."""
    [(severity, what)] = said(configuration("nat"), proof())
    assert severity is Severity.WARNING
    assert what.endswith("through this director, as nat needs (by the routes here; not proven)")
    [(severity, what)] = said(configuration("nat"), proof(clients=(CLIENT,)))
    assert severity is Severity.ERROR
    assert "10.0.0.5 and the client 10.0.0.70 are neighbours on eth0" in what


def test_two_networks_look_good_without_proof_and_a_gateway_does_not() -> None:
    inner = Facts(ways={"10.1.0.5": INNER}, addresses=INSIDE)
    assert said(configuration("nat", "10.1.0.5"), inner) == []
    away = Facts(ways={REAL: THROUGH}, addresses=OWN)
    [(severity, what)] = said(configuration("nat"), away)
    assert severity is Severity.WARNING
    assert "10.0.0.5 is reached through the gateway 10.0.0.254: its answers may not" in what
