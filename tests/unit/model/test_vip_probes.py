"""The services that forward each probe to one real server, and their marks."""

from __future__ import annotations

import pytest

from checks.definition.check import Route
from hadirector.config.loader import parse
from hadirector.dataplane.dataplane import TableCounters
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Service,
    ServiceEntry,
    ServiceKey,
    Tunnel,
    TunnelType,
)
from hadirector.model.queries import checks_by_identity
from hadirector.model.vip_probes import probe_services
from hadirector.status.report import foreign_services

# printf web/10.0.0.45:80 | sha256sum: 0x68 before the last three of its first eight bytes.
MARK_45, MARK_46 = 0x68ED6D79, 0x68267677
VIA = "check: {type: tcp, via: vip}"


def configuration(*servers: str, director: str = "{}") -> Configuration:
    text = f"director: {director}\nvirtual_servers: [{', '.join(servers)}]"
    return parse(text.encode(), "f", "lb1")


def web(*addresses: str, name: str = "web", rest: str = VIA) -> str:
    listed = ", ".join(f'{{address: "{each}"}}' for each in addresses)
    return (
        f"{{name: {name}, address: 10.0.0.1:80, forwarding: dr, {rest}, real_servers: [{listed}]}}"
    )


def marks(made: Configuration) -> dict[str, int]:
    """Return the mark of each probe, by real server."""
    return {
        f"{server.name}/{each.name}": each.check.route.mark
        for server in made.virtual_servers
        for each in server.all_servers
        if each.check is not None
    }


def test_every_real_server_is_the_only_destination_of_a_service() -> None:
    assert probe_services(configuration(web("10.0.0.45", "10.0.0.46"))) == {
        ServiceKey.for_mark(mark): ServiceEntry(
            Service("rr"), {DestinationKey(address, 0): Destination(1, ForwardingMethod.DR)}
        )
        for mark, address in ((MARK_45, "10.0.0.45"), (MARK_46, "10.0.0.46"))
    }


def test_probes_take_the_tunnel_of_clients_and_weight_0_is_still_probed() -> None:
    server = (
        "{name: web, address: '[fd00::1]:80', forwarding: tun, check: {type: tcp, via: vip},"
        " real_servers: [{address: 'fd00::45', weight: 0, tunnel: {type: gue, port: 6080}}]}"
    )
    [(key, entry)] = probe_services(configuration(server)).items()
    assert key.address == "::"
    [(destination_key, destination)] = entry.destinations.items()
    assert destination_key == DestinationKey("fd00::45", 0)
    assert destination.weight == 1
    assert destination.tunnel == Tunnel(TunnelType.GUE, 6080)


def test_a_mark_does_not_depend_on_the_rest_of_the_configuration() -> None:
    before = marks(configuration(web("10.0.0.45")))
    other = web("10.0.0.45", name="other").replace("10.0.0.1:80", "10.0.0.2:80")
    after = marks(configuration(other, web("10.0.0.44", "10.0.0.45", "10.0.0.46")))
    assert after["web/10.0.0.45:80"] == before["web/10.0.0.45:80"]
    assert len(set(after.values())) == 4


def test_a_range_that_is_just_large_enough_gives_every_probe_a_mark() -> None:
    addresses = [f"10.0.0.{number}" for number in range(2, 10)]
    made = configuration(web(*addresses), director='{probe_marks: "0x10-23"}')
    assert sorted(marks(made).values()) == [16, 17, 18, 19, 20, 21, 22, 23]


def test_a_probe_goes_to_the_virtual_address_and_no_further_than_the_next_host() -> None:
    """The hop limit is 2, and IPVS uses one hop. The outer packet of a tunnel may pass routers."""
    made = configuration(web("10.0.0.45", rest=f"{VIA}, sorry_server: {{address: 10.0.0.50}}"))
    [server] = made.virtual_servers
    [checked] = server.real_servers
    assert checked.check is not None
    assert checked.check.address == "10.0.0.45"
    assert checked.check.route == Route(mark=MARK_45, destination="10.0.0.1", hop_limit=2)
    tunnelled = configuration(web("10.0.0.45").replace("forwarding: dr", "forwarding: tun"))
    [checked] = tunnelled.virtual_servers[0].real_servers
    assert checked.check is not None
    assert checked.check.route.hop_limit == 0


def test_a_sorry_server_can_have_such_a_check_of_its_own() -> None:
    sorry = "check: {type: tcp}, sorry_server: {address: 10.0.0.50, check: {type: tcp, via: vip}}"
    made = configuration(web("10.0.0.45", rest=sorry))
    assert [[*each.destinations] for each in probe_services(made).values()] == [
        [DestinationKey("10.0.0.50", 0)]
    ]
    assert marks(made)["web/10.0.0.45:80"] == 0


def test_the_same_probe_of_the_same_server_on_another_route_is_another_check() -> None:
    """Direct, through one virtual server and through another: the results may differ."""
    straight = web("10.0.0.45", name="straight", rest="check: {type: tcp}")
    through = web("10.0.0.45", name="through").replace("10.0.0.1:80", "10.0.0.2:80")
    other = web("10.0.0.45", name="other").replace("10.0.0.1:80", "10.0.0.3:80")
    made = configuration(straight, through, other)
    assert len(checks_by_identity(made)) == 3


def test_status_calls_these_services_neither_ours_nor_foreign() -> None:
    made = configuration(web("10.0.0.45"))
    held: TableCounters = {ServiceKey.for_mark(MARK_45): {}, ServiceKey.for_mark(7): {}}
    assert foreign_services(made, held) == ("fwmark 7",)


@pytest.mark.parametrize("check", ["none", "{type: tcp}"])
def test_without_such_a_check_there_are_no_probe_services(check: str) -> None:
    assert not probe_services(configuration(web("10.0.0.45", rest=f"check: {check}")))
