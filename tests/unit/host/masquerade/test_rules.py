"""The rules of fullnat, as nft(8) and iptables-restore(8) read them."""

from __future__ import annotations

from hadirector.host.masquerade.rules import (
    iptables_removal,
    iptables_script,
    masquerades,
    nft_removal,
    nft_script,
)
from hadirector.model.configuration import DataplaneName, RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, Protocol, Service, ServiceKey
from tests.builders import a_configuration, a_virtual_server

WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
CALLS = ServiceKey(Protocol.UDP, "2001:db8::1", 0)
NONE: frozenset[DestinationKey] = frozenset()


def test_nftables_gets_a_table_of_our_own_in_one_transaction() -> None:
    assert nft_script({CALLS: NONE, WEB: NONE}) == (
        "table inet hadirector {}\n"
        "delete table inet hadirector\n"
        "table inet hadirector {\n"
        " chain postrouting {\n"
        "  type nat hook postrouting priority srcnat - 5; policy accept;\n"
        '  oifname != "lo" meta l4proto tcp ct original ip daddr 192.0.2.1'
        " ct original proto-dst 80 masquerade\n"
        '  oifname != "lo" meta l4proto udp ct original ip6 daddr 2001:db8::1 masquerade\n'
        " }\n"
        "}\n"
    )
    assert nft_removal() == "table inet hadirector {}\ndelete table inet hadirector\n"


def test_iptables_gets_a_chain_of_our_own_and_one_jump_to_it() -> None:
    rule = (
        "-A hadirector ! -o lo -p tcp -m conntrack --ctorigdst 192.0.2.1 --ctorigdstport 80"
        " -j MASQUERADE\n"
    )
    head = "*nat\n:hadirector - [0:0]\n"
    jump = "-I POSTROUTING -j hadirector\n"
    assert iptables_script({WEB: NONE}, jumps=False) == f"{head}{rule}{jump}COMMIT\n"
    assert iptables_script({WEB: NONE}, jumps=True) == f"{head}{rule}COMMIT\n"


def test_the_chain_is_removed_with_the_jump_to_it() -> None:
    head = "*nat\n:hadirector - [0:0]\n"
    gone = "-X hadirector\nCOMMIT\n"
    assert iptables_removal(jumps=False) == f"{head}{gone}"
    assert iptables_removal(jumps=True) == f"{head}-D POSTROUTING -j hadirector\n{gone}"


def test_only_fullnat_of_kernel_ipvs_is_masqueraded() -> None:
    servers = tuple(
        VirtualServer(name=method, keys=keys, service=Service("rr"), forwarding=method)
        for method, keys in (
            (ForwardingMethod.FULLNAT, (WEB, CALLS)),
            (ForwardingMethod.NAT, (ServiceKey(Protocol.TCP, "192.0.2.1", 81),)),
        )
    )
    planes: dict[DataplaneName, set[ServiceKey]] = {
        "ipvs": {WEB, CALLS},
        "userspace": set(),
        "dry-run": set(),
    }
    for dataplane, expected in planes.items():
        made = a_configuration(*servers, dataplane=dataplane)
        assert masquerades(made) == dict.fromkeys(expected, NONE)


def test_servers_behind_other_methods_are_not_masqueraded() -> None:
    """IPVS has translated the packets for nat, has not translated those for dr, and has put those
    for tun into a tunnel.
    """
    servers = tuple(
        RealServer(
            key=DestinationKey(address, 8080 if method in ("nat", None) else 80), forwarding=method
        )
        for address, method in (
            ("192.0.2.45", None),
            ("192.0.2.46", ForwardingMethod.NAT),
            ("192.0.2.47", ForwardingMethod.DR),
            ("192.0.2.48", ForwardingMethod.TUN),
        )
    )
    server = a_virtual_server(*servers, keys=(WEB,), forwarding=ForwardingMethod.FULLNAT)
    found = masquerades(a_configuration(server))
    assert found == {
        WEB: frozenset({DestinationKey("192.0.2.46", 8080), DestinationKey("192.0.2.1", 80)})
    }
    connection = (
        '  oifname != "lo" meta l4proto tcp ct original ip daddr 192.0.2.1 ct original proto-dst 80'
    )
    assert nft_script(found).splitlines()[5:8] == [
        f"{connection} ip daddr 192.0.2.1 tcp dport 80 return",
        f"{connection} ip daddr 192.0.2.46 tcp dport 8080 return",
        f"{connection} masquerade",
    ]
    matches = "-m conntrack --ctorigdst 192.0.2.1 --ctorigdstport 80"
    assert iptables_script(found, jumps=True).splitlines()[2:5] == [
        f"-A hadirector -d 192.0.2.1 ! -o lo -p tcp --dport 80 {matches} -j RETURN",
        f"-A hadirector -d 192.0.2.46 ! -o lo -p tcp --dport 8080 {matches} -j RETURN",
        f"-A hadirector ! -o lo -p tcp {matches} -j MASQUERADE",
    ]
