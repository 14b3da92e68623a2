"""The rules of fullnat, as nft(8) and iptables-restore(8) read them."""

from __future__ import annotations

from hadirector.host.masquerade.rules import (
    fullnat_services,
    iptables_removal,
    iptables_script,
    nft_removal,
    nft_script,
)
from hadirector.model.configuration import DataplaneName, VirtualServer
from hadirector.model.ipvs import ForwardingMethod, Protocol, Service, ServiceKey
from tests.builders import a_configuration

WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
CALLS = ServiceKey(Protocol.UDP, "2001:db8::1", 0)


def test_nftables_gets_a_table_of_our_own_in_one_transaction() -> None:
    assert nft_script([CALLS, WEB]) == (
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
    assert iptables_script([WEB], jumps=False) == f"{head}{rule}{jump}COMMIT\n"
    assert iptables_script([WEB], jumps=True) == f"{head}{rule}COMMIT\n"


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
        assert fullnat_services(made) == expected
