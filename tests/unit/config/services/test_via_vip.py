"""Every fault of a check that goes by way of the virtual address is reported at its place."""

from collections.abc import Callable

import pytest

FaultsOf = Callable[[str], list[str]]

DR = 'address: "10.0.0.1:80", forwarding: dr'
VIA = "{type: tcp, via: vip}"
PAIR = (
    "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9/24]}]\n"
)


def server(check: str = VIA, keys: str = DR, target: str = "10.0.0.2") -> str:
    """One virtual server with a real server that has this check."""
    real_server = f'{{address: "{target}", check: {check}}}'
    return f"virtual_servers: [{{{keys}, real_servers: [{real_server}]}}]\n"


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        ("{type: tcp, via: loopback}", 'via: wrong value (got "loopback", expected one of vip)'),
        ("{type: tcp, via: vip, address: 10.0.0.7}", "address: via: vip: each real server is ask"),
        ("{type: tcp, via: vip, interface: eth1}", "interface: via: vip: the packets leave by"),
        ("{type: tcp, via: vip, mark: 7}", "mark: via: vip: every real server has a mark of its"),
        ("{type: tcp, via: vip, port: 81}", "port: via: vip: wrong value (got 81, expected the po"),
        (
            "{type: tcp, via: vip, source: 10.0.0.9}",
            "source: via: vip: answers to 10.0.0.9 go to whoever holds it (expected no",
        ),
        (
            "{type: tcp, via: vip, source: 10.0.0.1}",
            "source: via: vip: answers to 10.0.0.1 go to whoever holds it (expected no",
        ),
        (
            "{type: tcp, via: vip, source: 'fd00::1'}",
            "source: via: vip: fd00::1 and 10.0.0.1 are not of one address family",
        ),
        ("{type: ping, via: vip}", "via: a check of this type has no via"),
        ("{type: script, script: /s, via: vip}", "via: a check of this type has no via"),
        ("{type: file, file: /f, via: vip}", "via: a check of this type has no via"),
        ("{type: none, via: vip}", "via: a check of this type has no via"),
        (
            "{type: all, via: vip, checks: [{type: tcp}, {type: ping}]}",
            "checks[1].type: via: vip: no probe of type ping meets IPVS",
        ),
        (
            "{type: any, via: vip, checks: [{type: tcp, port: 81}, {type: tcp}]}",
            "checks[0].port: via: vip: all of its checks ask what is served",
        ),
        (
            "{type: all, checks: [{type: tcp, via: vip}, {type: http}]}",
            "checks[0].via: a check within a check has no via of its own",
        ),
    ],
)
def test_a_key_that_does_not_go_with_via_is_a_fault(
    check: str, fault: str, faults_of: FaultsOf
) -> None:
    found = faults_of(PAIR + server(check))
    assert found
    assert f"virtual_servers[0].real_servers[0].check.{fault}" in found[0]


@pytest.mark.parametrize(
    ("keys", "director", "fault"),
    [
        (
            'address: "10.0.0.1:80"',
            "{}",
            "only with dr and tun a real server has that address (got",
        ),
        ('address: "10.0.0.1:80", forwarding: fullnat', "{}", "only with dr and tun a real server"),
        ("fwmark: 7, forwarding: dr", "{}", "a firewall mark has no address to ask"),
        (
            'name: w, addresses: ["10.0.0.1:80", "10.0.0.5:80"], forwarding: dr',
            "{}",
            "there is more than one address to ask",
        ),
        (DR, "{dataplane: dry-run}", "the dry-run dataplane takes no probe through IPVS"),
        (
            'address: "10.0.0.1:80", scheduler: rr',
            "{dataplane: userspace}",
            "the userspace dataplane takes no probe through IPVS",
        ),
    ],
)
def test_a_virtual_server_without_that_way_is_a_fault(
    keys: str, director: str, fault: str, faults_of: FaultsOf
) -> None:
    found = faults_of(f"director: {director}\n" + server(keys=keys, target="10.0.0.2:80"))
    assert [each for each in found if f"check.via: via: vip: {fault}" in each]


def test_what_the_directors_check_does_not_fit_is_said_of_the_virtual_server(
    faults_of: FaultsOf,
) -> None:
    """Once, however many real servers inherit it."""
    text = f"""\
director: {{check: {VIA}}}
virtual_servers:
  - {{{DR}, real_servers: [{{address: 10.0.0.2}}]}}
  - {{address: "10.0.0.1:81", real_servers: [{{address: 10.0.0.2}}, {{address: 10.0.0.3}}]}}
"""
    assert faults_of(text) == [
        "4:15: virtual_servers[1].address: via: vip: only with dr and tun a real server has that"
        " address (got nat)"
    ]


def test_a_tunnel_into_the_other_family_needs_a_source(faults_of: FaultsOf) -> None:
    keys = 'address: "10.0.0.1:80", forwarding: tun'
    [fault] = faults_of(server(keys=keys, target="fd00::2"))
    assert "check.via: via: vip: fd00::2 and 10.0.0.1 are not of one address family" in fault
    assert not faults_of(server("{type: tcp, via: vip, source: 10.0.0.8}", keys, "fd00::2"))


def test_of_several_ports_the_check_names_one(faults_of: FaultsOf) -> None:
    keys = 'name: w, addresses: ["10.0.0.1:80-81"], forwarding: dr'
    assert not faults_of(server("{type: tcp, via: vip, port: 81}", keys))
    [fault] = faults_of(server(keys=keys))
    assert "there is more than one port to probe: give the check a port" in fault


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
def test_a_mark_of_our_own_probes_is_no_other_ones(
    rest: str, place: str, faults_of: FaultsOf
) -> None:
    """0x68000000 to 0x68ffffff; with other marks for the probes, or without them, they are free."""
    [fault] = faults_of(server().replace("]}]", f"]}}, {rest}]"))
    assert f"{place}: " in fault
    assert "is one of the marks of our own probes, 0x68000000-0x68ffffff" in fault
    other = "director: {probe_marks: 1-9}\n"
    assert not faults_of(other + server().replace("]}]", f"]}}, {rest}]"))
    assert not faults_of(f"virtual_servers: [{rest}]")


def test_the_directors_own_mark_is_compared_too(faults_of: FaultsOf) -> None:
    text = "director: {check: {type: tcp, mark: 1744830464}}\n" + server()
    assert "director.check.mark: 1744830464 is one of" in faults_of(text)[0]


@pytest.mark.parametrize("value", ["5", '"9-1"', '"0-5"', '"1-0x100000000"', '"1-4294967296"'])
def test_a_range_of_marks_is_two_marks_the_lower_first(value: str, faults_of: FaultsOf) -> None:
    [fault] = faults_of(f"director: {{probe_marks: {value}}}\n" + server())
    assert "director.probe_marks: wrong value (got " in fault
    assert "expected two firewall marks from 1 to 0xffffffff, such as 0x68000000-0x68fff" in fault


def test_there_is_a_mark_for_every_real_server(faults_of: FaultsOf) -> None:
    two = server().replace("]}]", f", {{address: 10.0.0.3, check: {VIA}}}]}}]")
    assert not faults_of('director: {probe_marks: "5-6"}\n' + two)
    [fault] = faults_of('director: {probe_marks: "5-5"}\n' + two)
    assert "probe_marks: wrong value (got 0x5-0x5, expected at least 2 marks" in fault
