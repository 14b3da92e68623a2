"""Faults in the keys of virtual servers, and the services that valid keys make."""

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from hadirector.model.configuration import VirtualServer
from hadirector.model.ipvs import (
    DestinationKey,
    Protocol,
    Service,
    ServiceKey,
    Tunnel,
    TunnelChecksum,
    TunnelType,
)

FaultsOf = Callable[[str], list[str]]

SERVER = "virtual_servers: [{"
AT = "virtual_servers[0]"
NOT_BOTH = "a virtual server has either address or {}, not both"
UNCHANGED = (
    "with forwarding {} the packet reaches the real server unchanged, so the port is that of the"
    " virtual server (got {})"
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", f'1:19: {AT}: the key "address" is missing (or "addresses", or "fwmark")'),
        ("address: 10.0.0.1:80, fwmark: 7", f"1:50: {AT}.fwmark: {NOT_BOTH.format('fwmark')}"),
        (
            "address: 10.0.0.1:80, addresses: [10.0.0.2:80]",
            f"1:53: {AT}.addresses: {NOT_BOTH.format('addresses')}",
        ),
        (
            "addresses: []",
            f"1:31: {AT}.addresses: wrong value (got an empty list, expected addresses with their"
            " ports)",
        ),
        (
            "addresses: [10.0.0.1:80]",
            f'1:31: {AT}.addresses: a virtual server with addresses needs a name (the key "name")',
        ),
        (
            "name: a, addresses: [10.0.0.1:1000-1999, 10.0.0.2:80]",
            f"1:40: {AT}.addresses: each address and port is a service (expected at most 1000"
            " services)",
        ),
        (
            "name: a, addresses: [10.0.0.1:80, '[2001:db8::1]:80']",
            f"1:54: {AT}.addresses[1]: wrong value (got 2001:db8::1, expected an address of the"
            " same family as the first address)",
        ),
        (
            "name: a, addresses: [10.0.0.1:80, 10.0.0.1:79-81]",
            f"1:54: {AT}.addresses[1]: duplicate virtual server tcp 10.0.0.1:80, first at"
            f" {AT}.addresses[0]",
        ),
        (
            "name: a, addresses: [10.0.0.1:81-80]",
            f'1:41: {AT}.addresses[0]: wrong value (got "10.0.0.1:81-80", expected the lower port'
            " first)",
        ),
        (
            "name: a, addresses: [10.0.0.1:80], real_servers: [{address: 10.0.0.1}]",
            f"1:80: {AT}.real_servers[0].address: a real server cannot be its own virtual server",
        ),
        (
            "address: 10.0.0.1",
            f'1:29: {AT}.address: wrong value (got "10.0.0.1", expected an address with its port,'
            ' such as 192.0.2.1:80 or "[2001:db8::1]:80"; host names are not resolved)',
        ),
        (
            "address: 10.0.0.1:0",
            f"1:29: {AT}.address: port 0 (all ports) needs persistence, so that the"
            " connections of a client to different ports reach the same real server",
        ),
        (
            "address: 10.0.0.1:0, persistence: 1m, real_servers: [{address: 10.0.0.2}]",
            f"1:29: {AT}.address: there are several ports to probe: add a port to the check, or"
            " write check: none",
        ),
        (
            "fwmark: 0",
            f"1:28: {AT}.fwmark: wrong value (got 0, expected a whole number from 1 to 4294967295)",
        ),
        (
            "fwmark: 7, protocol: udp",
            f"1:41: {AT}.protocol: a firewall mark matches packets of any protocol; choose the"
            " protocol in the firewall rule that sets the mark",
        ),
        (
            "address: 10.0.0.1:80, family: ipv6",
            f"1:50: {AT}.family: the family follows from the address; family is for fwmark only",
        ),
        (
            "fwmark: 7}, {fwmark: 7, name: b, family: ipv6}, {fwmark: 7, name: c",
            "1:77: virtual_servers[2].fwmark: duplicate virtual server fwmark 7, first at"
            " virtual_servers[0].fwmark",
        ),
        (
            "fwmark: 7, real_servers: [{address: '2001:db8::1', check: none}]",
            f"1:56: {AT}.real_servers[0].address: wrong value (got 2001:db8::1, expected an IPv4"
            " address like the virtual server's; nat cannot mix address families)",
        ),
        (
            "fwmark: 7, forwarding: fullnat",
            f"1:43: {AT}.forwarding: fullnat finds its connections by the virtual address,"
            " and a firewall mark has no address",
        ),
        (
            "fwmark: 7, persistence: 60, check: none, real_servers: [{address: '10.0.0.2:80'}]",
            f"1:86: {AT}.real_servers[0].address: with persistence over all ports a connection"
            " keeps its port (got 80, expected no port)",
        ),
    ],
)
def test_a_fault_of_the_address_of_a_virtual_server(
    text: str, fault: str, faults_of: FaultsOf
) -> None:
    """A virtual server has one address and port, several of them, or a firewall mark."""
    assert faults_of(SERVER + text + "}]") == [fault]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "one_packet: true",
            "1:65: AT.one_packet: one_packet works with udp only (got tcp)",
        ),
        (
            "protocol: udp, one_packet: true, persistence: 60",
            "1:99: AT.persistence: with one_packet each packet is a connection of its own;"
            " persistence needs persistence_engine: sip to find the packets that belong"
            " together",
        ),
        (
            "persistence_prefix_length: 24",
            "1:80: AT.persistence_prefix_length: persistence_prefix_length needs a duration of"
            ' persistence (the key "persistence")',
        ),
        (
            "persistence: 60, persistence_prefix_length: 64",
            "1:97: AT.persistence_prefix_length: wrong value (got 64, expected 1 to 32, the"
            " length of the addresses of its clients)",
        ),
        (
            "persistence: 60, persistence_engine: sip",
            "1:90: AT.persistence_engine: the engine sip works with udp only (got tcp)",
        ),
        (
            "forwarding: tun, real_servers: [{address: '10.0.0.2:81'}]",
            f"1:95: AT.real_servers[0].address: {UNCHANGED.format('tun', '81, expected 80')}",
        ),
        (
            "forwarding: fullnat, protocol: udp, one_packet: true",
            "1:101: AT.one_packet: fullnat translates whole connections, and one_packet has no"
            " connections",
        ),
        ("tunnel: {type: gre}", "1:61: AT.tunnel: only forwarding tun has a tunnel (got nat)"),
        (
            "forwarding: tun, tunnel: {type: gue}",
            '1:78: AT.tunnel: the key "port" is missing: the UDP port on which the real server'
            " decapsulates",
        ),
        (
            "forwarding: tun, tunnel: {type: gre, port: 5}",
            "1:96: AT.tunnel.port: only the tunnel type gue has a port (got gre)",
        ),
        (
            "forwarding: tun, real_servers: [{address: 10.0.0.2, tunnel: {type: gre,"
            " checksum: remote}}]",
            "1:135: AT.real_servers[0].tunnel.checksum: wrong value (got remote, expected none"
            " or full, the checksums of gre)",
        ),
        (
            "real_servers: [{address: 10.0.0.2, lower_threshold: 5}]",
            "1:105: AT.real_servers[0].lower_threshold: wrong value (got 5, expected an"
            " upper_threshold above lower_threshold)",
        ),
        (
            "real_servers: [{address: 10.0.0.2, lower_threshold: 5, upper_threshold: 5}]",
            "1:105: AT.real_servers[0].lower_threshold: wrong value (got 5, expected less than 5)",
        ),
        (
            "protocol: sctp, real_servers: [{address: 10.0.0.2}]",
            "1:63: AT.protocol: the check probes a tcp port, but the virtual server serves the"
            " sctp port of this number: choose another type of check, add a port to the check,"
            " or write check: none",
        ),
    ],
)
def test_a_contradiction_is_a_fault(text: str, fault: str, faults_of: FaultsOf) -> None:
    """The kernel would refuse such a service, or treat it in another way than the file says."""
    server = SERVER + "name: web, address: 10.0.0.1:80, " + text + "}]"
    assert faults_of(server) == [fault.replace("AT", AT)]


def test_the_sync_daemon_and_mixed_families_exclude_each_other(faults_of: FaultsOf) -> None:
    """The kernel refuses the second of them."""
    server = (
        "address: 10.0.0.1:80, forwarding: tun, check: none,"
        " real_servers: [{address: 10.0.0.2}, {address: '2001:db8::2'}]"
    )
    daemon = "\nsync_daemon: {interface: eth1, role: both}"
    assert faults_of(f"{SERVER}{server}}}]") == []
    assert faults_of(f"{SERVER}{server}}}]{daemon}") == [
        f"1:118: {AT}.real_servers[1].address: the sync daemon cannot synchronize real servers"
        " of another address family than the virtual server"
    ]


def only_server(text: str) -> VirtualServer:
    """Return the virtual server that the keys describe."""
    parsed = parse(f"{SERVER}{text}}}]".encode(), "test.yaml", "lb1")
    return parsed.virtual_servers[0]


def test_a_firewall_mark_is_a_service_of_its_family() -> None:
    """For a real server without a port, a packet keeps its port."""
    four = only_server("fwmark: 7, check: none, real_servers: [{address: 10.0.0.2}]")
    assert (four.name, four.keys) == ("fwmark-7", (ServiceKey.for_mark(7),))
    assert four.real_servers[0].key == DestinationKey("10.0.0.2", 0)
    six = only_server("fwmark: 7, family: ipv6")
    assert (six.name, six.keys) == ("fwmark-7-ipv6", (ServiceKey.for_mark(7, ipv6=True),))


def test_several_addresses_make_a_service_for_each_address_and_port() -> None:
    """A real server with a port gets the connections of all services on that port."""
    group = only_server(
        "name: web, addresses: [10.0.0.1:80, 10.0.0.2:8080-8081], check: {type: tcp, port: 80},"
        " real_servers: [{address: 10.0.0.3}, {address: '10.0.0.4:81'}]"
    )
    tcp = Protocol.TCP
    assert group.keys == (
        ServiceKey(tcp, "10.0.0.1", 80),
        ServiceKey(tcp, "10.0.0.2", 8080),
        ServiceKey(tcp, "10.0.0.2", 8081),
    )
    assert [each.key.port for each in group.real_servers] == [0, 81]


def test_persistence_reaches_the_service() -> None:
    """A prefix of the length of the address is the same as no prefix."""
    base = "address: 10.0.0.1:5060, protocol: udp, persistence: 60, "
    sip = "persistence_prefix_length: 24, persistence_engine: sip, one_packet: true"
    assert only_server(base + sip).service == Service(
        "wlc", persistence=60, prefix_length=24, engine="sip", one_packet=True
    )
    assert only_server(base + "persistence_prefix_length: 32").service.prefix_length is None


def test_the_nearest_tunnel_applies_as_a_whole() -> None:
    """Without a tunnel section, the tunnel is IP in IP."""
    servers = "real_servers: [{address: 10.0.0.2}, {address: '2001:db8::2', tunnel: {type: ipip}}]"
    gue = "tunnel: {type: gue, port: 6080, checksum: remote}, "
    base = "address: 10.0.0.1:80, forwarding: tun, "
    first, second = only_server(base + gue + servers).real_servers
    assert first.tunnel == Tunnel(TunnelType.GUE, 6080, TunnelChecksum.REMOTE)
    assert second.tunnel == Tunnel(TunnelType.IPIP)
    assert only_server(base + servers).real_servers[0].tunnel == Tunnel(TunnelType.IPIP)
