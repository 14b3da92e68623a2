"""Findings about the routes to real servers, and about the return paths of nat."""

from __future__ import annotations

import pytest

from hadirector.config.loader import parse
from hadirector.doctor.diagnosis.diagnosis import diagnose
from hadirector.doctor.diagnosis.facts import (
    ConfigPath,
    Echo,
    Facts,
    KernelRoute,
    LocalAddress,
    examined_servers,
)
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.doctor.diagnosis.return_path import echo_requests
from hadirector.model.configuration import Configuration

DIRECTOR, REAL, CLIENT = "10.0.0.1", "10.0.0.5", "10.0.0.70"
ON_LINK = KernelRoute(interface="eth0", source=DIRECTOR)
GATEWAY = KernelRoute(interface="eth0", gateway="10.0.0.254", source=DIRECTOR)
OWN = {DIRECTOR: LocalAddress("eth0", 24), "10.0.0.9": LocalAddress("eth0", 32)}
INSIDE = {"10.1.0.1": LocalAddress("eth1", 24), "10.0.0.9": LocalAddress("eth0", 24)}
INNER = KernelRoute(interface="eth1", source="10.1.0.1")
VRRP = "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9]}]\n"


def configuration(forwarding: str, real: str = REAL, rest: str = "") -> Configuration:
    text = (
        f"virtual_servers: [{{name: web, address: 10.0.0.9:80, forwarding: {forwarding},"
        f" real_servers: [{{address: {real}}}]}}]\nsysctls: {{apply: true}}\n{rest}"
    )
    return parse(text.encode(), "f", "lb1")


def place(path: ConfigPath) -> str:
    return f"f:{'.'.join(map(str, path))}"


def of_routes(made: Configuration, facts: Facts) -> list[Finding]:
    """The findings about real servers. Findings about the host have no place."""
    examined = tuple(examined_servers(made, place))
    return [each for each in diagnose(made, facts, examined, place) if each.place]


def summaries(made: Configuration, facts: Facts) -> list[tuple[Severity, str]]:
    return [(each.severity, each.what) for each in of_routes(made, facts)]


@pytest.mark.parametrize("forwarding", ["nat", "dr", "tun", "fullnat"])
def test_a_real_server_without_a_route_is_an_error_at_its_place(forwarding: str) -> None:
    [finding] = of_routes(configuration(forwarding), Facts(routes={REAL: None}))
    assert finding.severity is Severity.ERROR
    assert finding.place == "f:virtual_servers.0.real_servers.0"
    assert finding.what == "web/10.0.0.5:80: this host has no route to 10.0.0.5"


def test_a_gateway_is_an_error_under_dr_and_not_under_tun() -> None:
    facts = Facts(routes={REAL: GATEWAY}, addresses=OWN)
    [(severity, what)] = summaries(configuration("dr"), facts)
    assert severity is Severity.ERROR
    assert "10.0.0.5 is reached through the gateway 10.0.0.254" in what
    assert summaries(configuration("tun"), facts) == []
    assert summaries(configuration("dr"), Facts(routes={REAL: ON_LINK}, addresses=OWN)) == []


def test_a_local_real_server_needs_no_route() -> None:
    local = KernelRoute(interface="lo", source="10.0.0.9", local=True)
    for forwarding in ("dr", "nat"):
        assert (
            summaries(configuration(forwarding), Facts(routes={REAL: local}, addresses=OWN)) == []
        )


@pytest.mark.parametrize("forwarding", ["dr", "tun"])
def test_a_virtual_address_that_packets_are_sent_from_is_an_error(forwarding: str) -> None:
    own = KernelRoute(interface="eth0", source="10.0.0.9")
    [(severity, what)] = summaries(configuration(forwarding), Facts(routes={REAL: own}))
    assert severity is Severity.ERROR
    assert "the virtual address 10.0.0.9 is this director's own address" in what


def test_a_virtual_address_besides_the_source_address_is_good() -> None:
    """With nat it may even be the source address."""
    assert summaries(configuration("dr"), Facts(routes={REAL: ON_LINK}, addresses=OWN)) == []
    own = KernelRoute(interface="eth1", source="10.0.0.9")
    assert summaries(configuration("nat"), Facts(routes={REAL: own})) == []


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
        way = KernelRoute(interface="eth1", source="10.0.0.1", mtu=mtu)
        return of_routes(made, Facts(routes={REAL: way}, addresses=OWN, mtus={"eth0": 1500}))

    assert with_room(1500 + overhead) == []
    [finding] = with_room(1500 + overhead - 1)
    assert finding.severity is Severity.WARNING
    assert f"1499 fit into the {words} tunnel" in finding.what
    assert finding.remedy.startswith(f"use an MTU of {1500 + overhead} ")
    assert "`advmss 1459`" in finding.remedy  # 1499 less 20 of IPv4 and 20 of TCP


def test_an_outer_header_of_ipv6_takes_40_bytes() -> None:
    way = KernelRoute(interface="eth1", source="fd00::1", mtu=1539)
    facts = Facts(routes={"fd00::5": way}, addresses=OWN, mtus={"eth0": 1500})
    [finding] = of_routes(configuration("tun", '"[fd00::5]:80"'), facts)
    assert "1499 fit into the ipip tunnel (1539 of eth1 less 40)" in finding.what


def test_without_a_known_client_interface_a_tunnel_has_no_finding() -> None:
    facts = Facts(routes={REAL: ON_LINK}, mtus={"eth0": 1500})
    assert summaries(configuration("tun"), facts) == []


# --- nat: the return path ----------------------------------------------------------------------

CONTROL = Echo(REAL, DIRECTOR)
FAR, NEAR = Echo(REAL, "192.0.2.1"), Echo(REAL, "10.0.0.254")
NAMED = Echo(REAL, CLIENT)


def requests_for(made: Configuration, facts: Facts) -> tuple[Echo, ...]:
    return echo_requests(made, facts, tuple(examined_servers(made, place)))


def test_a_client_behind_a_router_and_one_of_the_subnet_are_tested() -> None:
    """The latter has the last free address, and only if clients arrive on that interface."""
    facts = Facts(routes={REAL: ON_LINK}, addresses=OWN)
    assert requests_for(configuration("nat"), facts) == (CONTROL, FAR, NEAR)
    own = {**OWN, "10.0.0.254": LocalAddress("eth0", 24)}
    assert requests_for(configuration("nat"), Facts(routes={REAL: ON_LINK}, addresses=own))[-1] == (
        Echo(REAL, "10.0.0.253")
    )
    inner = Facts(routes={"10.1.0.5": INNER}, addresses=INSIDE)
    assert requests_for(configuration("nat", "10.1.0.5"), inner) == (
        Echo("10.1.0.5", "10.1.0.1"),
        Echo("10.1.0.5", "192.0.2.1"),
    )


def test_named_clients_replace_the_others() -> None:
    facts = Facts(routes={REAL: ON_LINK}, addresses=OWN, clients=(CLIENT, DIRECTOR, "fd00::7"))
    assert requests_for(configuration("nat"), facts) == (CONTROL, NAMED)


@pytest.mark.parametrize("forwarding", ["dr", "tun", "fullnat"])
def test_other_methods_need_no_return_path(forwarding: str) -> None:
    facts = Facts(routes={REAL: ON_LINK}, addresses=OWN)
    assert requests_for(configuration(forwarding), facts) == ()
    assert summaries(configuration(forwarding), facts) == []


def test_nothing_is_sent_while_another_director_may_hold_the_addresses() -> None:
    made = configuration("nat", rest=VRRP)
    held = Facts(routes={REAL: ON_LINK}, addresses=OWN)
    assert requests_for(made, held) == (CONTROL, FAR, NEAR)
    left = Facts(routes={REAL: ON_LINK}, addresses={DIRECTOR: OWN[DIRECTOR]})
    assert requests_for(made, left) == ()


def proof(*replies: Echo, clients: tuple[str, ...] = ()) -> Facts:
    requests = frozenset({CONTROL, NAMED} if clients else {CONTROL, FAR, NEAR})
    return Facts(
        routes={REAL: ON_LINK, CLIENT: ON_LINK},
        addresses=OWN,
        prove=True,
        echo_requests=requests,
        echo_replies=frozenset(replies),
        clients=clients,
    )


def test_replies_through_the_director_are_no_finding() -> None:
    assert summaries(configuration("nat"), proof(CONTROL, FAR, NEAR)) == []
    assert summaries(configuration("nat"), proof(CONTROL, NAMED, clients=(CLIENT,))) == []


def test_replies_past_the_director_are_an_error_or_a_warning_for_the_own_subnet() -> None:
    """The subnet may have no clients, but a named client is an error in any case."""
    [(severity, what)] = summaries(configuration("nat"), proof(CONTROL, FAR))
    assert severity is Severity.WARNING
    assert "its replies to clients in its own subnet (tested with 10.0.0.254) do not return" in what
    [(severity, what)] = summaries(configuration("nat"), proof(CONTROL, NEAR))
    assert severity is Severity.ERROR
    assert "its replies to clients behind a router (tested with 192.0.2.1;" in what
    [(severity, what)] = summaries(configuration("nat"), proof(CONTROL, clients=(CLIENT,)))
    assert severity is Severity.ERROR
    assert "its replies to the client 10.0.0.70 do not return through this director" in what


def test_a_real_server_that_answers_no_echo_request_proves_nothing() -> None:
    """Then the routes decide."""
    [(severity, what)] = summaries(configuration("nat"), proof())
    assert severity is Severity.WARNING
    assert what.endswith("as nat requires (according to the routes of this host; not proven)")
    [(severity, what)] = summaries(configuration("nat"), proof(clients=(CLIENT,)))
    assert severity is Severity.ERROR
    assert "10.0.0.5 and the client 10.0.0.70 are neighbors on eth0" in what


def test_two_networks_look_good_without_proof_and_a_gateway_does_not() -> None:
    inner = Facts(routes={"10.1.0.5": INNER}, addresses=INSIDE)
    assert summaries(configuration("nat", "10.1.0.5"), inner) == []
    away = Facts(routes={REAL: GATEWAY}, addresses=OWN)
    [(severity, what)] = summaries(configuration("nat"), away)
    assert severity is Severity.WARNING
    assert "10.0.0.5 is reached through the gateway 10.0.0.254: its replies may not" in what


# --- missing proof -----------------------------------------------------------------------------


def missing_proof(made: Configuration, facts: Facts) -> Finding | None:
    """The finding that a return path is not proven."""
    examined = tuple(examined_servers(made, place))
    found = diagnose(made, facts, examined, place)
    about = [finding for finding in found if finding.what.startswith("nat: it is not proven")]
    assert len(about) <= 1
    return about[0] if about else None


def test_without_prove_a_note_names_the_option() -> None:
    """Even if the routes look good."""
    inner = Facts(routes={"10.1.0.5": INNER}, addresses=INSIDE)
    note = missing_proof(configuration("nat", "10.1.0.5"), inner)
    assert note is not None
    assert note.severity is Severity.NOTE
    assert note.what == (
        "nat: it is not proven that replies return through this director from web/10.1.0.5:80"
    )
    assert note.remedy.startswith(
        "run `hadirector doctor --prove` on the director that holds the virtual addresses;"
    )
    assert missing_proof(configuration("dr"), Facts(routes={REAL: ON_LINK})) is None


def test_with_prove_a_note_gives_the_reason_why_nothing_is_proven() -> None:
    """No virtual address, no reply to an echo request of this host, or only IPv6 clients."""
    backup = Facts(routes={REAL: ON_LINK}, addresses={DIRECTOR: OWN[DIRECTOR]}, prove=True)
    note = missing_proof(configuration("nat", rest=VRRP), backup)
    assert note is not None
    assert note.remedy.endswith("replies are sent to that director")
    note = missing_proof(configuration("nat"), proof())
    assert note is not None
    assert note.remedy.startswith("the proof needs the capability CAP_NET_RAW, IPv4, and real")
    ipv6 = Facts(
        routes={REAL: ON_LINK},
        addresses=OWN,
        prove=True,
        clients=("fd00::7",),
        echo_requests=frozenset({CONTROL}),
        echo_replies=frozenset({CONTROL}),
    )
    assert missing_proof(configuration("nat"), ipv6) is not None


def test_a_proof_leaves_no_note() -> None:
    assert missing_proof(configuration("nat"), proof(CONTROL, FAR, NEAR)) is None
    assert missing_proof(configuration("nat"), proof(CONTROL, FAR)) is None


def test_a_long_list_of_unproven_real_servers_is_cut() -> None:
    real_servers = ", ".join(f"{{address: 10.0.0.{number}}}" for number in range(11, 16))
    text = (
        "virtual_servers: [{name: web, address: 10.0.0.9:80, forwarding: nat, real_servers:"
        f" [{real_servers}]}}]\nsysctls: {{apply: true}}\n"
    )
    routes = {f"10.0.0.{number}": ON_LINK for number in range(11, 16)}
    note = missing_proof(parse(text.encode(), "f", "lb1"), Facts(routes=routes, addresses=OWN))
    assert note is not None
    assert note.what.endswith(
        "from web/10.0.0.11:80, web/10.0.0.12:80, web/10.0.0.13:80, and 2 more"
    )
