"""Every fault of a check with ``via: vip`` is reported at its place."""

from collections.abc import Callable

import pytest

FaultsOf = Callable[[str], list[str]]

DR = 'address: "10.0.0.1:80", forwarding: dr'
VIA = "{type: tcp, via: vip}"
PAIR = (
    "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9/24]}]\n"
)


def server(check: str = VIA, keys: str = DR, target: str = "10.0.0.2") -> str:
    """Return a virtual server with a real server that has this check."""
    real_server = f'{{address: "{target}", check: {check}}}'
    return f"virtual_servers: [{{{keys}, real_servers: [{real_server}]}}]\n"


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        ("{type: tcp, via: loopback}", 'via: wrong value (got "loopback", expected one of vip)'),
        (
            "{type: tcp, via: vip, address: 10.0.0.7}",
            (
                "address: with via: vip every probe"
                " goes to the address of the virtual"
                " server; leave this out"
            ),
        ),
        (
            "{type: tcp, via: vip, interface: eth1}",
            ("interface: with via: vip IPVS chooses the interface of a probe; leave this out"),
        ),
        (
            "{type: tcp, via: vip, mark: 7}",
            (
                "mark: with via: vip every real server gets a"
                " mark of its own (the key probe_marks of"
                " director); leave this out"
            ),
        ),
        ("{type: tcp, via: vip, port: 81}", "port: via: vip: wrong value (got 81, expected the po"),
        (
            "{type: tcp, via: vip, source: 10.0.0.9}",
            (
                "source: via: vip: 10.0.0.9 is a virtual address, and the answers go to the"
                " director that holds it (expected an address that only this host has)"
            ),
        ),
        (
            "{type: tcp, via: vip, source: 10.0.0.1}",
            (
                "source: via: vip: 10.0.0.1 is a virtual address, and the answers go to the"
                " director that holds it (expected an address that only this host has)"
            ),
        ),
        (
            "{type: tcp, via: vip, source: 'fd00::1'}",
            "source: via: vip: fd00::1 and 10.0.0.1 have different address families",
        ),
        ("{type: ping, via: vip}", "via: a check of this type has no via"),
        ("{type: script, script: /s, via: vip}", "via: a check of this type has no via"),
        ("{type: file, file: /f, via: vip}", "via: a check of this type has no via"),
        ("{type: none, via: vip}", "via: a check of this type has no via"),
        (
            "{type: all, via: vip, checks: [{type: tcp}, {type: ping}]}",
            "checks[1].type: a probe of type ping cannot go through IPVS (via: vip)",
        ),
        (
            "{type: any, via: vip, checks: [{type: tcp, port: 81}, {type: tcp}]}",
            (
                "checks[0].port: with via: vip every probe goes to the virtual server; leave"
                " this out"
            ),
        ),
        (
            "{type: all, checks: [{type: tcp, via: vip}, {type: http}]}",
            "checks[0].via: via belongs to the outer check; leave it out here",
        ),
    ],
)
def test_a_key_that_contradicts_via_is_a_fault(check: str, fault: str, faults_of: FaultsOf) -> None:
    found = faults_of(PAIR + server(check))
    assert found
    assert f"virtual_servers[0].real_servers[0].check.{fault}" in found[0]


@pytest.mark.parametrize(
    ("keys", "director", "fault"),
    [
        (
            'address: "10.0.0.1:80"',
            "{}",
            "a real server has the virtual address only with forwarding dr or tun (got",
        ),
        (
            'address: "10.0.0.1:80", forwarding: fullnat',
            "{}",
            ("a real server has the virtual address only with forwarding dr"),
        ),
        (
            "fwmark: 7, forwarding: dr",
            "{}",
            ("a virtual server with a firewall mark has no address to probe"),
        ),
        (
            'name: w, addresses: ["10.0.0.1:80", "10.0.0.5:80"], forwarding: dr',
            "{}",
            "the virtual server has more than one address to probe",
        ),
        (
            DR,
            "{dataplane: dry-run}",
            ("probes cannot go through the dry-run dataplane (expected ipvs)"),
        ),
        (
            'address: "10.0.0.1:80", scheduler: rr',
            "{dataplane: userspace}",
            "probes cannot go through the userspace dataplane (expected ipvs)",
        ),
    ],
)
def test_a_virtual_server_that_probes_cannot_go_through_is_a_fault(
    keys: str, director: str, fault: str, faults_of: FaultsOf
) -> None:
    found = faults_of(f"director: {director}\n" + server(keys=keys, target="10.0.0.2:80"))
    assert [each for each in found if f"check.via: via: vip: {fault}" in each]


def test_a_fault_of_the_directors_check_is_reported_at_the_virtual_server(
    faults_of: FaultsOf,
) -> None:
    """It is reported once, even if several real servers inherit the check."""
    text = f"""\
director: {{check: {VIA}}}
virtual_servers:
  - {{{DR}, real_servers: [{{address: 10.0.0.2}}]}}
  - {{address: "10.0.0.1:81", real_servers: [{{address: 10.0.0.2}}, {{address: 10.0.0.3}}]}}
"""
    assert faults_of(text) == [
        "4:15: virtual_servers[1].address: via: vip: a real server has the virtual address only"
        " with forwarding dr or tun (got nat)"
    ]


def test_a_tunnel_into_the_other_family_needs_a_source(faults_of: FaultsOf) -> None:
    keys = 'address: "10.0.0.1:80", forwarding: tun'
    [fault] = faults_of(server(keys=keys, target="fd00::2"))
    assert "check.via: via: vip: fd00::2 and 10.0.0.1 have different address families" in fault
    assert not faults_of(server("{type: tcp, via: vip, source: 10.0.0.8}", keys, "fd00::2"))


def test_a_check_of_several_ports_needs_a_port(faults_of: FaultsOf) -> None:
    keys = 'name: w, addresses: ["10.0.0.1:80-81"], forwarding: dr'
    assert not faults_of(server("{type: tcp, via: vip, port: 81}", keys))
    [fault] = faults_of(server(keys=keys))
    assert "there are several ports to probe: add a port to the check" in fault


@pytest.mark.parametrize(
    ("rest", "place"),
    [
        ("{fwmark: 1744830465, check: none}", "virtual_servers[1].fwmark"),
        ("{address: '10.0.0.5:80', check: {type: tcp, mark: 1761607679}}", "check.mark"),
        (
            "{address: '10.0.0.5:80', real_servers:"
            " [{address: 10.0.0.6, check: {type: tcp, mark: 1744830464}}]}",
            "virtual_servers[1].real_servers[0].check.mark",
        ),
        (
            "{address: '10.0.0.5:80', sorry_server:"
            " {address: 10.0.0.6, check: {type: tcp, mark: 1744830464}}}",
            "virtual_servers[1].sorry_server.check.mark",
        ),
    ],
)
def test_a_mark_in_the_range_of_the_probes_is_a_fault(
    rest: str, place: str, faults_of: FaultsOf
) -> None:
    """The default range is 0x68000000 to 0x68ffffff. Without such probes, the marks are free."""
    [fault] = faults_of(server().replace("]}]", f"]}}, {rest}]"))
    assert f"{place}: " in fault
    assert "is in the range of the marks of probes, 0x68000000-0x68ffffff" in fault
    other = "director: {probe_marks: 1-9}\n"
    assert not faults_of(other + server().replace("]}]", f"]}}, {rest}]"))
    assert not faults_of(f"virtual_servers: [{rest}]")


def test_the_directors_own_mark_is_compared_too(faults_of: FaultsOf) -> None:
    text = "director: {check: {type: tcp, mark: 1744830464}}\n" + server()
    assert "director.check.mark: 1744830464 is in the range of" in faults_of(text)[0]


@pytest.mark.parametrize("value", ["5", '"9-1"', '"0-5"', '"1-0x100000000"', '"1-4294967296"'])
def test_a_range_of_marks_has_the_lower_mark_first(value: str, faults_of: FaultsOf) -> None:
    [fault] = faults_of(f"director: {{probe_marks: {value}}}\n" + server())
    assert "director.probe_marks: wrong value (got " in fault
    assert "expected two firewall marks from 1 to 0xffffffff, such as 0x68000000-0x68fff" in fault


def test_there_is_a_mark_for_every_real_server(faults_of: FaultsOf) -> None:
    two = server().replace("]}]", f", {{address: 10.0.0.3, check: {VIA}}}]}}]")
    assert not faults_of('director: {probe_marks: "5-6"}\n' + two)
    [fault] = faults_of('director: {probe_marks: "5-5"}\n' + two)
    assert "probe_marks: wrong value (got 0x5-0x5, expected at least 2 marks" in fault
