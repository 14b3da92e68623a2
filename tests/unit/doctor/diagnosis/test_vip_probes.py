"""Which real servers doctor probes at the virtual address, and which obstacles prevent it."""

from __future__ import annotations

import pytest

from checks.definition.result import Reason, Result
from hadirector.config.loader import parse
from hadirector.doctor.diagnosis.facts import (
    ConfigPath,
    Facts,
    KernelRoute,
    LocalAddress,
    examined_servers,
)
from hadirector.doctor.diagnosis.vip_probes import (
    find_obstacle,
    needs_vip_probe,
    vip_probe_configuration,
)
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


def place(path: ConfigPath) -> str:
    return f"f:{'.'.join(map(str, path))}"


def test_passing_real_servers_are_probed_through_services_with_our_own_marks() -> None:
    probed = vip_probe_configuration(configuration(), {WEB1}, ())
    assert probed is not None
    [(key, entry)] = probe_services(probed).items()
    assert 0x6A000000 <= key.firewall_mark <= 0x6A00FFFF
    assert [str(destination) for destination in entry.destinations] == ["10.0.0.5"]
    [[real_server]] = [server.real_servers for server in probed.virtual_servers]
    assert real_server.check is not None
    assert real_server.check.destination == "10.0.0.9"
    assert real_server.check.route.mark == key.firewall_mark


def test_a_range_with_a_mark_of_another_service_is_not_used() -> None:
    probed = vip_probe_configuration(configuration(), {WEB1}, [ServiceKey.for_mark(0x6A001234)])
    assert probed is not None
    [key] = probe_services(probed)
    assert 0x6B000000 <= key.firewall_mark <= 0x6B00FFFF
    everywhere = [ServiceKey.for_mark(first << 24) for first in range(0x6A, 0x72)]
    assert vip_probe_configuration(configuration(), {WEB1}, everywhere) is None


def test_a_check_of_another_port_is_replaced_by_a_tcp_check_of_the_service_port() -> None:
    for check, kind in (("{type: http, port: 8080}", "TcpProbe"), ("{type: http}", "HttpProbe")):
        made = configuration(more=f", check: {check}")
        probed = vip_probe_configuration(made, {WEB1}, ())
        assert probed is not None
        [[real_server]] = [server.real_servers for server in probed.virtual_servers]
        assert real_server.check is not None
        assert (type(real_server.check.probe).__name__, real_server.check.port) == (kind, 80)


@pytest.mark.parametrize("forwarding", ["nat", "fullnat"])
def test_nat_replaces_the_virtual_address_and_needs_no_probe(forwarding: str) -> None:
    probed = vip_probe_configuration(configuration(forwarding), {WEB1, WEB2}, ())
    assert probed is not None
    assert probe_services(probed) == {}


@pytest.mark.parametrize(
    ("held", "values", "route_back", "reason"),
    [
        (True, {}, "eth0", "this host holds that address, and eth0 accepts no packets from"),
        (True, {ACCEPT: "1"}, "eth0", None),
        (False, {}, "eth0", None),
        (False, {FILTER: "1"}, "eth0", None),
        (False, {FILTER: "1"}, "eth1", "rp_filter would drop the answer"),
        (False, {FILTER: "2"}, "eth1", None),
        (False, {BACKUP_ONLY: "1"}, "eth0", "net.ipv4.vs.backup_only is 1"),
        (False, {BACKUP_ONLY: "0"}, "eth0", None),
    ],
)
def test_an_answer_that_this_host_would_drop_is_an_obstacle(
    held: bool, values: dict[str, str], route_back: str, reason: str | None
) -> None:
    facts = Facts(
        routes={
            "10.0.0.5": KernelRoute(interface="eth0"),
            "10.0.0.9": KernelRoute(interface=route_back, local=held),
        },
        addresses={"10.0.0.9": LocalAddress("eth0", 32)} if held else {},
        sysctls=values,
    )
    server, _ = examined_servers(configuration(), place)
    obstacle = find_obstacle(server, facts)
    if reason is None:
        assert obstacle is None
    else:
        assert obstacle is not None
        assert obstacle.reason.startswith(reason)


def test_the_remedy_for_a_virtual_address_on_this_host_is_the_backup_director() -> None:
    facts = Facts(
        routes={"10.0.0.5": KernelRoute(interface="eth0")},
        addresses={"10.0.0.9": LocalAddress("eth0", 32)},
    )
    server, _ = examined_servers(configuration(), place)
    obstacle = find_obstacle(server, facts)
    assert obstacle is not None
    assert obstacle.remedy == "run doctor on the BACKUP director, or set `via: vip` in the check"


@pytest.mark.parametrize(
    ("forwarding", "result", "route", "needed"),
    [
        ("dr", PASSED, KernelRoute(interface="eth0"), True),
        ("tun", PASSED, KernelRoute(interface="eth0"), True),
        ("nat", PASSED, KernelRoute(interface="eth0"), False),
        ("dr", REFUSED, KernelRoute(interface="eth0"), False),
        ("dr", PASSED, KernelRoute(interface="lo", local=True), False),
    ],
)
def test_a_passing_real_server_that_receives_the_virtual_address_is_probed_there(
    forwarding: str, result: Result, route: KernelRoute, needed: bool
) -> None:
    facts = Facts(routes={"10.0.0.5": route}, own_results={WEB1: result})
    server, _ = examined_servers(configuration(forwarding), place)
    assert needs_vip_probe(server, facts) == needed
