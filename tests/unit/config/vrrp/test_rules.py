"""Every fault of the ``vrrp`` section is reported with the value and the expected form."""

from collections.abc import Callable

import pytest

FaultsOf = Callable[[str], list[str]]

INSTANCE = "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9], "


@pytest.mark.parametrize(
    ("rest", "fault"),
    [
        (
            "virtual_router_id: 1}]",
            '1:88: vrrp[0]: duplicate key "virtual_router_id", first in line 1',
        ),
        ("priority: 1}]", ""),
        ("priority: 255}]", ""),
        (
            "priority: 0}]",
            "1:98: vrrp[0].priority: wrong value (got 0, expected a whole number from 1 to 255)",
        ),
        (
            "priority: 256}]",
            "1:98: vrrp[0].priority: wrong value (got 256, expected a whole number from 1 to 255)",
        ),
        (
            "priority: true}]",
            "1:98: vrrp[0].priority: wrong value (got true, expected a whole number from 1 to 255)",
        ),
        ("advert_interval: 40.95s}]", ""),
        (
            "advert_interval: 40.96s}]",
            "1:105: vrrp[0].advert_interval: wrong value (got 40.96s, expected 10ms to 40.95s in"
            " steps of 10ms in version 3)",
        ),
        (
            "advert_interval: 15ms}]",
            "1:105: vrrp[0].advert_interval: wrong value (got 0.015s, expected 10ms to 40.95s in"
            " steps of 10ms in version 3)",
        ),
        ("advert_interval: 10ms}]", ""),
        (
            "advert_interval: 0}]",
            "1:105: vrrp[0].advert_interval: wrong value (got 0, expected a duration from 10ms"
            " to 255s, such as 200ms, 2s, 1m or 1h)",
        ),
        ("version: 2, advert_interval: 255}]", ""),
        (
            "version: 2, advert_interval: 256s}]",
            '1:117: vrrp[0].advert_interval: wrong value (got "256s", expected a duration from'
            " 10ms to 255s, such as 200ms, 2s, 1m or 1h)",
        ),
        (
            "version: 2, advert_interval: 1500ms}]",
            "1:117: vrrp[0].advert_interval: wrong value (got 1.5s, expected whole seconds from 1"
            " to 255 in version 2)",
        ),
        (
            "advert_interval: .nan}]",
            "1:105: vrrp[0].advert_interval: wrong value (got NaN, expected a duration from 10ms"
            " to 255s, such as 200ms, 2s, 1m or 1h)",
        ),
        (
            "version: 2, checksum: rfc9568}]",
            "1:110: vrrp[0].checksum: version 2 has only one form of checksum; leave this out",
        ),
        ("version: 2, authentication: {type: pass, password: s3cret12}}]", ""),
        (
            "authentication: {type: pass, password: s3cret12}}]",
            "1:104: vrrp[0].authentication: version 3 has no passwords; use auth_hmac",
        ),
        (
            "version: 2, authentication: {type: pass, password: s3cret123}}]",
            "1:139: vrrp[0].authentication.password: wrong value (got a value that is not"
            " shown, expected 1 to 8 visible ASCII characters, in quotes; no more are sent)",
        ),
        (
            "version: 2, authentication: {type: ah, password: s3cret12}}]",
            '1:123: vrrp[0].authentication.type: wrong value (got "ah", expected one of pass)',
        ),
        (
            "preempt: no}]",
            '1:97: vrrp[0].preempt: wrong value (got "no", expected true, false or'
            " {delay: DURATION})",
        ),
        (
            "preempt: {dealy: 3}}]",
            '1:98: vrrp[0].preempt: unknown key "dealy", did you mean "delay"?',
        ),
        (
            "flap_delay: 3s}]",
            "1:100: vrrp[0].flap_delay: wrong value (got 3s, expected at most 2 advertisement"
            " intervals, 2s, because a peer takes over after 3)",
        ),
        ("down_timer_adverts: 5, flap_delay: 4s}]", ""),
        (
            "down_timer_adverts: 5, flap_delay: 4001ms}]",
            "1:123: vrrp[0].flap_delay: wrong value (got 4.001s, expected at most 4 advertisement"
            " intervals, 4s, because a peer takes over after 5)",
        ),
        ("down_timer_adverts: 10}]", ""),
        (
            "down_timer_adverts: 2}]",
            "1:108: vrrp[0].down_timer_adverts: wrong value (got 2, expected a whole number from 3"
            " to 10)",
        ),
        ("death_certificates: true}]", ""),
        ("death_certificates: {port: 9999}}]", ""),
        (
            "death_certificates: {port: 0}}]",
            "1:115: vrrp[0].death_certificates.port: wrong value (got 0, expected a whole number"
            " from 1 to 65535)",
        ),
        (
            "death_certificates: true, transport: udp,"
            " unicast: {source: 127.0.0.1, peers: [127.0.0.2]}}]",
            "1:108: vrrp[0].death_certificates: transport udp has no death certificates; leave"
            " this out",
        ),
        ("virtual_mac: true}]", ""),
        (
            "virtual_mac: 7}]",
            "1:101: vrrp[0].virtual_mac: wrong value (got 7, expected true, false or"
            " {name: INTERFACE})",
        ),
        (
            "virtual_mac: {name: vrrp.eth0.100.51}}]",
            '1:108: vrrp[0].virtual_mac.name: wrong value (got "vrrp.eth0.100.51", expected an'
            " interface name of 1 to 15 characters)",
        ),
        (
            "virtual_mac: {name: eth0}}]",
            '1:101: vrrp[0].virtual_mac: wrong value (got "eth0", expected a name for a new'
            " interface, not the interface of an instance)",
        ),
        (
            "virtual_mac: true, transport: udp, unicast: {source: 127.0.0.1, peers: [127.0.0.2]}}]",
            (
                "1:101: vrrp[0].virtual_mac: advertisements over UDP have no virtual MAC; leave"
                " this out"
            ),
        ),
        (
            "virtual_mac: true}, {name: b, interface: eth1, virtual_router_id: 1,"
            " virtual_addresses: [10.0.0.8], virtual_mac: true}]",
            "1:201: vrrp[1].virtual_mac: duplicate macvlan vrrp4-1 (choose another name for one"
            " of them), first at vrrp[0].virtual_mac",
        ),
        (
            "max_learned_interval: 500ms}]",
            "1:110: vrrp[0].max_learned_interval: wrong value (got 0.5s, expected at least"
            " advert_interval, which is 1s)",
        ),
        (
            "version: 2, max_learned_interval: 5s}]",
            "1:122: vrrp[0].max_learned_interval: version 2 does not learn the interval of a"
            " peer; leave this out",
        ),
        (
            "version: 2, clamp_learned_interval: true}]",
            "1:124: vrrp[0].clamp_learned_interval: version 2 does not learn the interval of a"
            " peer; leave this out",
        ),
        (
            "address_mismatch: accept}]",
            "1:106: vrrp[0].address_mismatch: version 3 accepts advertisements with other"
            " addresses; leave this out",
        ),
        (
            "transport: udp}]",
            (
                "1:99: vrrp[0].transport: transport udp needs the section unicast with source"
                " and peers"
            ),
        ),
        ("unicast: {source: 10.0.0.1, peers: [10.0.0.2]}}]", ""),
        ("unicast: {peers: [10.0.0.2]}}]", ""),
        (
            "transport: udp, unicast: {peers: [127.0.0.2]}}]",
            "1:113: vrrp[0].unicast: source is missing: transport udp needs the address of this"
            " director",
        ),
        (
            "transport: multicast, unicast: {source: 10.0.0.1, peers: [10.0.0.2]}}]",
            (
                "1:99: vrrp[0].transport: transport multicast contradicts the section unicast;"
                " remove one of them"
            ),
        ),
        (
            "unicast: {source: 10.0.0.1, peers: []}}]",
            "1:123: vrrp[0].unicast.peers: the list is empty (expected the addresses of the"
            " other directors)",
        ),
        (
            "unicast: {source: 10.0.0.9, peers: [10.0.0.2]}}]",
            "1:106: vrrp[0].unicast.source: wrong value (got 10.0.0.9, expected an address that"
            " only this director has, not a virtual address)",
        ),
        (
            "unicast: {source: 10.0.0.1, peers: ['2001:db8::2']}}]",
            "1:124: vrrp[0].unicast.peers[0]: wrong value (got 2001:db8::2, expected an IPv4"
            " address like the virtual addresses)",
        ),
        (
            "unicast: {source: 10.0.0.1, peers: [10.0.0.2], port: 1112}}]",
            "1:141: vrrp[0].unicast.port: protocol 112 has no ports; leave this out, or add"
            " transport: udp",
        ),
        (
            "transport: udp, unicast: {source: 127.0.0.1, peers: [127.0.0.2], ttl_min: 254}}]",
            (
                "1:162: vrrp[0].unicast.ttl_min: the TTL of a UDP datagram is not visible;"
                " leave this out"
            ),
        ),
        (
            "transport: udp, unicast: {source: 127.0.0.1, peers: []}}]",
            "1:140: vrrp[0].unicast.peers: the list is empty (expected the addresses of the"
            " other directors)",
        ),
        (
            "transport: udp, unicast: {source: 127.0.0.1, peers: [10.0.0.2]}}]",
            "1:141: vrrp[0].unicast.peers[0]: wrong value (got 10.0.0.2, expected an address in"
            " 127.0.0.0/8; other addresses need auth_hmac in mode enforce)",
        ),
        (
            "transport: udp, unicast: {source: 127.0.0.1, peers: ['::1']}}]",
            "1:141: vrrp[0].unicast.peers[0]: wrong value (got ::1, expected an IPv4 address:"
            " transport udp works over IPv4 only)",
        ),
        (
            "transport: udp, unicast: {source: 127.0.0.1, peers: [127.0.0.1]}}]",
            "1:141: vrrp[0].unicast.peers[0]: duplicate address 127.0.0.1, first at"
            " vrrp[0].unicast.source",
        ),
        (
            "}, {name: b, interface: eth1, virtual_router_id: 0, virtual_addresses: [10.0.0.8]}]",
            "1:137: vrrp[1].virtual_router_id: wrong value (got 0, expected a whole number from 1"
            " to 255)",
        ),
        (
            "}, {name: b, interface: eth1, virtual_router_id: 256, virtual_addresses: [10.0.0.8]}]",
            "1:137: vrrp[1].virtual_router_id: wrong value (got 256, expected a whole number from"
            " 1 to 255)",
        ),
        (
            "unicast: {source: 10.0.0.1, peers: [10.0.0.2], ttl_min: 0}}]",
            "1:144: vrrp[0].unicast.ttl_min: wrong value (got 0, expected a whole number from 1 to"
            " 255)",
        ),
        (
            "}, {name: b, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.8]}]",
            "1:137: vrrp[1].virtual_router_id: duplicate virtual_router_id 1 on eth0, first at"
            " vrrp[0].virtual_router_id",
        ),
        (
            "}, {name: b, interface: eth0, virtual_router_id: 1, virtual_addresses: ['fe80::1']},"
            " {name: c, interface: eth1, virtual_router_id: 1, virtual_addresses: ['fe80::1']}]",
            "",
        ),
        (
            "}, {name: b, interface: e, virtual_router_id: 1, virtual_addresses: [10.0.0.9/24]}]",
            "1:157: vrrp[1].virtual_addresses[0]: duplicate address 10.0.0.9, first at"
            " vrrp[0].virtual_addresses[0]",
        ),
    ],
)
def test_a_fault_of_a_vrrp_instance(faults_of: FaultsOf, rest: str, fault: str) -> None:
    """Faults of a VRRP instance. An empty fault stands for a valid file."""
    assert faults_of(INSTANCE + rest) == ([fault] if fault else [])


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        (
            "[]",
            (
                "the list is empty (expected an address, or the key notify with a script that acts"
                " on the role)"
            ),
        ),
        (
            f"[{', '.join(f'10.0.{i // 200}.{i % 200 + 1}' for i in range(256))}]",
            (
                "wrong number (got 256, expected at most 255; put further addresses into"
                " unadvertised_addresses)"
            ),
        ),
        (
            "['fe80::1', 10.0.0.1]",
            "mixed address families (got 10.0.0.1/32, expected IPv6 like the first address)",
        ),
        (
            f"[{', '.join(f'fe80::{i}' for i in range(1, 91))}]",
            (
                "wrong number (got 90, expected at most 89; put further addresses into"
                " unadvertised_addresses)"
            ),
        ),
        (
            "[10.0.0.1], unadvertised_addresses: ['fe80::1', 10.0.0.1/24]",
            "duplicate address 10.0.0.1, first at vrrp[0].virtual_addresses[0]",
        ),
        (
            "[10.0.0.1], unadvertised_addresses:"
            f" [{', '.join(f'fe80::{i}' for i in range(1, 1002))}]",
            "wrong number (got 1001, expected at most 1000)",
        ),
        (
            "['fe80::1/129']",
            'wrong value (got "fe80::1/129", expected a prefix length from 1 to 128)',
        ),
        ("['fe80::1'], version: 2", "version 2 does not exist over IPv6 (expected 3)"),
        (
            "['fe80::1'], checksum: rfc5798",
            "IPv6 has only one form of checksum; leave this out",
        ),
        (
            "[10.0.0.1/33]",
            'wrong value (got "10.0.0.1/33", expected a prefix length from 1 to 32)',
        ),
        (
            "[224.0.0.1]",
            'wrong value (got "224.0.0.1", expected a literal address, with or without'
            " /PREFIX-LENGTH)",
        ),
    ],
)
def test_a_fault_of_virtual_addresses(faults_of: FaultsOf, addresses: str, message: str) -> None:
    """The number, the family and the form of virtual addresses."""
    text = (
        f"vrrp: [{{name: a, interface: e, virtual_router_id: 1, virtual_addresses: {addresses}}}]"
    )
    (fault,) = faults_of(text)
    assert fault.endswith(f": {message}")
