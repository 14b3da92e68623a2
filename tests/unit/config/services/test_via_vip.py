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
            "interface: with via: vip IPVS selects the interface of the probe; leave this out",
        ),
        (
            "{type: tcp, via: vip, mark: 7}",
            (
                "mark: with via: vip every real server gets a firewall mark from probe_marks"
                " of director; leave this out"
            ),
        ),
        (
            "{type: tcp, via: vip, port: 81}",
            "port: via: vip: wrong value (got 81, expected the port of the virtual server, 80)",
        ),
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
            (
                "source: via: vip: fd00::1 and 10.0.0.1 have different address families "
                "(expected a source of the family of 10.0.0.1)"
            ),
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
            "{type: any, via: vip, checks: [{type: tcp, source: 10.0.0.9}, {type: tcp}]}",
            (
                "checks[0].source: with via: vip every probe goes to the virtual server; leave"
                " this out"
            ),
        ),
        (
            "{type: all, checks: [{type: tcp, via: vip}, {type: http}]}",
            "checks[0].via: via belongs to the outer check; leave via out here",
        ),
    ],
)
def test_a_key_that_contradicts_via_is_a_fault(check: str, fault: str, faults_of: FaultsOf) -> None:
    first = faults_of(PAIR + server(check))[0]
    assert first.partition(" virtual_servers[0].real_servers[0].check.")[2] == fault


@pytest.mark.parametrize(
    ("keys", "director", "fault"),
    [
        (
            'address: "10.0.0.1:80"',
            "{}",
            "a real server has the virtual address only with forwarding dr or tun (got nat)",
        ),
        (
            'address: "10.0.0.1:80", forwarding: fullnat',
            "{}",
            "a real server has the virtual address only with forwarding dr or tun (got fullnat)",
        ),
        (
            "fwmark: 7, forwarding: dr",
            "{}",
            "a virtual server with a firewall mark has no address to probe",
        ),
        (
            'name: w, addresses: ["10.0.0.1:80", "10.0.0.5:80"], forwarding: dr',
            "{}",
            "the virtual server has more than one address to probe",
        ),
        (
            DR,
            "{dataplane: dry-run}",
            "probes cannot go through the dry-run dataplane (expected ipvs)",
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
    parts = (message.partition(".check.via: via: vip: ") for message in found)
    assert [text for _, _, text in parts if text] == [fault]


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
    assert faults_of(server(keys=keys, target="fd00::2")) == [
        "1:121: virtual_servers[0].real_servers[0].check.via: via: vip: fd00::2 and 10.0.0.1 have"
        " different address families (expected a source of the family of 10.0.0.1)"
    ]
    assert not faults_of(server("{type: tcp, via: vip, source: 10.0.0.8}", keys, "fd00::2"))


def test_a_check_of_several_ports_needs_a_port(faults_of: FaultsOf) -> None:
    keys = 'name: w, addresses: ["10.0.0.1:80-81"], forwarding: dr'
    assert not faults_of(server("{type: tcp, via: vip, port: 81}", keys))
    assert faults_of(server(keys=keys)) == [
        "1:120: virtual_servers[0].real_servers[0].check: there are several ports to probe:"
        " add a port to the check, or write check: none"
    ]


RANGE = "0x68000000-0x68ffffff (the key probe_marks of director sets another range)"


@pytest.mark.parametrize(
    ("rest", "place", "mark"),
    [
        ("{fwmark: 1744830465, check: none}", "virtual_servers[1].fwmark", 1744830465),
        (
            "{address: '10.0.0.5:80', check: {type: tcp, mark: 1761607679}}",
            "virtual_servers[1].check.mark",
            1761607679,
        ),
        (
            "{address: '10.0.0.5:80', real_servers:"
            " [{address: 10.0.0.6, check: {type: tcp, mark: 1744830464}}]}",
            "virtual_servers[1].real_servers[0].check.mark",
            1744830464,
        ),
        (
            "{address: '10.0.0.5:80', sorry_server:"
            " {address: 10.0.0.6, check: {type: tcp, mark: 1744830464}}}",
            "virtual_servers[1].sorry_server.check.mark",
            1744830464,
        ),
    ],
)
def test_a_mark_in_the_range_of_the_probes_is_a_fault(
    rest: str, place: str, mark: int, faults_of: FaultsOf
) -> None:
    """The default range is 0x68000000 to 0x68ffffff. Without such probes, the marks are free."""
    [fault] = faults_of(server().replace("]}]", f"]}}, {rest}]"))
    assert f" {place}: {mark} is in the range of the marks of probes, {RANGE}" in fault
    other = "director: {probe_marks: 1-9}\n"
    assert not faults_of(other + server().replace("]}]", f"]}}, {rest}]"))
    assert not faults_of(f"virtual_servers: [{rest}]")


def test_the_directors_own_mark_is_compared_too(faults_of: FaultsOf) -> None:
    text = "director: {check: {type: tcp, mark: 1744830464}}\n" + server()
    assert faults_of(text) == [
        f"1:37: director.check.mark: 1744830464 is in the range of the marks of probes, {RANGE}"
    ]


@pytest.mark.parametrize("value", ["5", '"9-1"', '"0-5"', '"1-0x100000000"', '"1-4294967296"'])
def test_a_range_of_marks_has_the_lower_mark_first(value: str, faults_of: FaultsOf) -> None:
    assert faults_of(f"director: {{probe_marks: {value}}}\n" + server()) == [
        f"1:25: director.probe_marks: wrong value (got {value}, expected two firewall marks from 1"
        " to 0xffffffff, such as 0x68000000-0x68ffffff)"
    ]


def test_there_is_a_mark_for_every_real_server(faults_of: FaultsOf) -> None:
    two = server().replace("]}]", f", {{address: 10.0.0.3, check: {VIA}}}]}}]")
    assert not faults_of('director: {probe_marks: "5-6"}\n' + two)
    assert faults_of('director: {probe_marks: "5-5"}\n' + two) == [
        "1:25: director.probe_marks: wrong value (got 0x5-0x5, expected at least 2 marks, one for"
        " each check with via: vip)"
    ]
