"""Device, label and scope of virtual addresses: the model, and the faults."""

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from vrrp.model.configuration import Placement

FaultsOf = Callable[[str], list[str]]

INSTANCE = "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: "


def test_device_label_and_scope_make_a_placement() -> None:
    """An address without these keys has no placement. A scope is the number of the kernel."""
    text = (
        INSTANCE + "[10.0.0.1, {address: 10.0.0.2/24, device: eth1, scope: site},"
        " {address: 10.0.0.3, label: 'eth0:b', scope: host}, {address: 10.0.0.4}],"
        " unadvertised_addresses: [{address: '2001:db8::1/64', device: eth2}]}]"
    )
    (instance,) = parse(text.encode(), "f", "host").vrrp
    assert instance.virtual_addresses == (
        "10.0.0.1/32",
        "10.0.0.2/24",
        "10.0.0.3/32",
        "10.0.0.4/32",
    )
    assert instance.placements == (
        Placement("10.0.0.2/24", "eth1", None, 200),
        Placement("10.0.0.3/32", None, "eth0:b", 254),
        Placement("2001:db8::1/64", "eth2", None, 0),
    )


@pytest.mark.parametrize(
    ("addresses", "fault"),
    [
        ("[{address: 10.0.0.1, label: eth0-web}]", ""),
        (
            "[{address: 10.0.0.1, device: eth1, label: 'eth0:b'}]",
            '1:118: vrrp[0].virtual_addresses[0].label: wrong value (got "eth0:b", expected a'
            " label that begins with the name of the interface, such as eth1:web)",
        ),
        (
            "[{address: 10.0.0.1, label: 'eth0:a-very-long'}]",
            '1:104: vrrp[0].virtual_addresses[0].label: wrong value (got "eth0:a-very-long",'
            " expected a label of 1 to 15 visible characters)",
        ),
        (
            "[{address: 'fe80::1', label: 'eth0:b'}]",
            "1:105: vrrp[0].virtual_addresses[0].label: IPv6 addresses have no labels; leave this"
            " out",
        ),
        (
            "[{address: 'fe80::1', scope: link}]",
            "1:105: vrrp[0].virtual_addresses[0].scope: the kernel derives the scope of an IPv6"
            " address from the address; leave this out",
        ),
        (
            "[{address: 10.0.0.1, scope: nowhere}]",
            '1:104: vrrp[0].virtual_addresses[0].scope: wrong value (got "nowhere", expected one'
            " of global, site, link, host)",
        ),
        (
            "[{address: 127.0.0.2, device: eth1}]",
            "1:106: vrrp[0].virtual_addresses[0].device: every host has the loopback addresses"
            " already, so this address is not added; leave this out",
        ),
        (
            "[{device: eth1}]",
            '1:77: vrrp[0].virtual_addresses[0]: the key "address" is missing',
        ),
        (
            "[{address: 10.0.0.1, dev: eth1}]",
            '1:97: vrrp[0].virtual_addresses[0]: unknown key "dev", did you mean "device"?',
        ),
        (
            "[7]",
            "1:77: vrrp[0].virtual_addresses[0]: wrong value (got 7, expected a literal address,"
            " or a mapping that has one)",
        ),
        (
            "['fe80::1', {address: 'fe80::1', device: eth1}]",
            (
                "1:88: vrrp[0].virtual_addresses[1]: fe80::1 on a second device needs a second"
                " instance"
            ),
        ),
        (
            "[10.0.0.1, {address: 10.0.0.1, device: eth1}]",
            "1:87: vrrp[0].virtual_addresses[1]: duplicate address 10.0.0.1, first at"
            " vrrp[0].virtual_addresses[0]",
        ),
    ],
)
def test_a_fault_of_a_placement(faults_of: FaultsOf, addresses: str, fault: str) -> None:
    """Keys that the kernel would refuse or ignore. An empty fault stands for a valid file."""
    assert faults_of(f"{INSTANCE}{addresses}}}]") == ([fault] if fault else [])


@pytest.mark.parametrize(
    ("addresses", "warned"),
    [
        ("['fe80::1', '2001:db8::1']", False),
        ("[10.0.0.1]", False),
        ("['2001:db8::1', 'fe80::1']", True),
        ("['2001:db8::1'], unicast: {source: '2001:db8::2', peers: ['2001:db8::3']}", False),
    ],
)
def test_a_first_address_that_is_not_link_local_causes_a_warning(
    addresses: str, *, warned: bool
) -> None:
    """RFC 9568 5.2.9. For unicast there is no such rule."""
    configuration = parse(f"{INSTANCE}{addresses}}}]".encode(), "f", "host")
    warning = (
        "f:1:77: vrrp[0].virtual_addresses[0]: 2001:db8::1 is not link-local: RFC 9568 expects a"
        " link-local address as the first address, such as fe80::100, and other routers than"
        " hadirector and keepalived may drop the advertisements"
    )
    assert configuration.warnings == ((warning,) if warned else ())
