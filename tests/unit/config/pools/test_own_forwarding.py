"""The forwarding, on_failure and initial_state of single real servers and of the sorry server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from hadirector.doctor.diagnosis.facts import examined_servers
from hadirector.host.sysctl.rules import routed_servers, wanted_sysctls
from hadirector.model.configuration import Configuration, OnFailure, RealServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, Tunnel, TunnelType
from hadirector.model.queries import initially_up_checks

FaultsOf = Callable[[str], list[str]]
MIXED = """\
virtual_servers:
  - address: 192.0.2.1:80
    tunnel: {type: gre}
    real_servers:
      - {address: "192.0.2.45:8080", on_failure: zero_weight}
      - {address: 192.0.2.46, forwarding: dr, initial_state: up}
      - {address: 192.0.2.47, forwarding: tun}
    sorry_server: {address: 192.0.2.48, forwarding: tun, tunnel: {type: ipip}, check: {type: tcp}}
"""
UNCHANGED = (
    "with forwarding {} the packet reaches the real server unchanged, so the port is that of the"
    " virtual server (got 8080, expected 80)"
)


def mixed() -> Configuration:
    return parse(MIXED.encode(), "mixed.yaml", "lb1")


def test_a_server_has_its_own_values_or_those_of_the_virtual_server() -> None:
    [server] = mixed().virtual_servers
    nat, dr, tun, sorry = server.all_servers
    assert [server.forwarding_of(each) for each in server.all_servers] == [
        "nat",
        "dr",
        "tun",
        "tun",
    ]
    gre = Tunnel(TunnelType.GRE)
    assert [each.tunnel for each in server.all_servers] == [None, None, gre, Tunnel()]
    assert server.on_failure_of(nat) is OnFailure.ZERO_WEIGHT
    assert server.on_failure_of(dr) is OnFailure.REMOVE
    assert [server.is_initially_up(each) for each in (nat, dr, tun, sorry)] == [
        *(False, True, False, False)
    ]
    assert initially_up_checks(mixed()) == {dr.check.identity if dr.check else ""}


def test_the_host_is_prepared_for_every_method_in_use() -> None:
    """The replies of the server behind nat alone are routed through this host."""
    assert routed_servers(mixed()) == {"192.0.2.45"}
    names = {sysctl.word for sysctl in wanted_sysctls(mixed())}
    assert names >= {"ip_forward", "send_redirects", "expire_nodest_conn"}
    servers = examined_servers(mixed(), str)
    assert [server.forwarding for server in servers] == ["nat", "dr", "tun", "tun"]


def test_a_real_server_without_values_has_none_of_its_own() -> None:
    key = DestinationKey("192.0.2.45", 80)
    assert RealServer(key=key).forwarding is None
    [server] = parse(
        b"virtual_servers: [{address: '192.0.2.1:80', forwarding: dr,"
        b" real_servers: [{address: 192.0.2.45}]}]",
        "web.yaml",
        "lb1",
    ).virtual_servers
    assert server.real_servers[0].forwarding is None
    assert server.forwarding_methods == {ForwardingMethod.DR}


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (
            'real_servers: [{address: "10.0.0.2:8080", forwarding: dr}]',
            "1:69: virtual_servers[0].real_servers[0].address: " + UNCHANGED.format("dr"),
        ),
        (
            'sorry_server: {address: "10.0.0.2:8080", forwarding: tun}',
            "1:68: virtual_servers[0].sorry_server.address: " + UNCHANGED.format("tun"),
        ),
        (
            "real_servers: [{address: 10.0.0.2, tunnel: {type: gre}}]",
            "1:87: virtual_servers[0].real_servers[0].tunnel: only forwarding tun has a tunnel (got"
            " nat)",
        ),
        (
            'forwarding: tun, real_servers: [{address: "fd00::2", forwarding: dr}]',
            "1:86: virtual_servers[0].real_servers[0].address: wrong value (got fd00::2, expected"
            " an IPv4 address like the virtual server's; dr cannot mix address families)",
        ),
        (
            "one_packet: true, protocol: udp, check: none, real_servers: [{address: 10.0.0.2,"
            " forwarding: fullnat}]",
            "1:56: virtual_servers[0].one_packet: fullnat translates whole connections, and"
            " one_packet has no connections",
        ),
        (
            "scheduler: mh, real_servers: [{address: 10.0.0.2, on_failure: remove}]",
            "1:106: virtual_servers[0].real_servers[0].on_failure: scheduler mh always uses"
            " zero_weight: the removal of a real server would send clients of healthy servers"
            " elsewhere",
        ),
        (
            "scheduler: sh, sorry_server: {address: 10.0.0.2, on_failure: zero_weight}",
            "1:105: virtual_servers[0].sorry_server.on_failure: scheduler sh would also assign"
            " clients to a sorry server with weight 0; leave this out",
        ),
        (
            "check: {type: tcp, via: vip}, forwarding: dr, real_servers: [{address: 10.0.0.2,"
            " forwarding: nat}]",
            "1:68: virtual_servers[0].check.via: via: vip: a real server has the virtual address"
            " only with forwarding dr or tun (got nat)",
        ),
    ],
)
def test_a_server_is_judged_by_its_own_method(faults_of: FaultsOf, keys: str, fault: str) -> None:
    text = f"virtual_servers: [{{address: '10.0.0.1:80', {keys}}}]"
    assert faults_of(text) == [fault]
