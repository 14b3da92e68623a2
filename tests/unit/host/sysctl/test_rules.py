"""Which sysctls a configuration needs, and which of them are set and restored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from hadirector.host.sysctl import reverse_path, rules
from hadirector.host.sysctl.rules import Interfaces, SavedValue
from hadirector.model import policy
from hadirector.model.configuration import Configuration

PROBING = [("net/ipv4/conf/eth2/accept_local", "1"), ("net/ipv4/vs/backup_only", "0")]
FORWARD = ("net/ipv4/ip_forward", "1")
REDIRECTS = [
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/eth1/send_redirects", "0"),
]
NODEST = ("net/ipv4/vs/expire_nodest_conn", "1")
QUIESCENT = ("net/ipv4/vs/expire_quiescent_template", "1")
REUSE = ("net/ipv4/vs/conn_reuse_mode", "1")
SLOPPY = ("net/ipv4/vs/sloppy_tcp", "1")
SCHEDULE_ICMP = ("net/ipv4/vs/schedule_icmp", "1")
ANNOUNCE = "announce: {groups: [{name: web, addresses: [10.0.0.9]}]}"

EVERYWHERE = Interfaces(routed=frozenset({"eth1"}), probed=frozenset({"eth2"}))

FaultsOf = Callable[[str], list[str]]

VRRP = "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9]}]\n"


def configuration(server: str, rest: str = "") -> Configuration:
    """A configuration with one virtual server with one real server in it."""
    text = f"virtual_servers: [{{{server}}}]\n{rest}"
    return parse(text.encode(), "f", "lb1")


def sysctls(server: str, rest: str = "") -> list[tuple[str, str]]:
    found = rules.wanted_sysctls(configuration(server, rest), EVERYWHERE)
    return [(each.name, each.value) for each in found]


@pytest.mark.parametrize(
    ("server", "rest", "expected"),
    [
        ("address: 10.0.0.9:80", "", [FORWARD, *REDIRECTS, NODEST, REUSE]),
        (
            'address: "[fd00::9]:80"',
            "",
            [("net/ipv6/conf/all/forwarding", "1"), NODEST, REUSE],
        ),
        (
            "address: 10.0.0.9:80, forwarding: fullnat",
            "",
            [FORWARD, *REDIRECTS, NODEST, REUSE, ("net/ipv4/vs/conntrack", "1")],
        ),
        ("address: 10.0.0.9:80, forwarding: dr", "", [NODEST, REUSE]),
        ("address: 10.0.0.9:80, forwarding: dr, on_failure: zero_weight", "", [REUSE]),
        ("address: 10.0.0.9:53, forwarding: dr, protocol: udp, check: none", "", [NODEST]),
        (
            "address: 10.0.0.9:80, forwarding: dr, persistence: 60s, on_failure: zero_weight",
            "",
            [QUIESCENT, REUSE],
        ),
        ("address: 10.0.0.9:80, forwarding: dr, scheduler: mh", "", [REUSE]),
        ("address: 10.0.0.9:80, forwarding: dr, scheduler: mh", VRRP, [REUSE, SLOPPY]),
        (
            "address: 10.0.0.9:80, forwarding: dr, scheduler: mh",
            ANNOUNCE,
            [REUSE, SLOPPY, SCHEDULE_ICMP],
        ),
        (
            "address: 10.0.0.9:80, forwarding: dr, check: {type: tcp, via: vip},"
            " real_servers: [{address: 10.0.0.2}]",
            "",
            [NODEST, REUSE, *PROBING],
        ),
        ("address: 10.0.0.9:80", "director: {dataplane: userspace}", []),
        ("address: 10.0.0.9:80", "director: {dataplane: dry-run}", []),
    ],
)
def test_a_configuration_needs(server: str, rest: str, expected: list[tuple[str, str]]) -> None:
    """The needs of each forwarding method, protocol and scheduler."""
    if "userspace" in rest:
        server += ", scheduler: rr"
    assert sysctls(server, rest) == expected


def test_the_words_of_leave_are_those_of_the_sysctls_that_can_be_needed() -> None:
    every = {
        name.rpartition("/")[2]
        for server in (
            "address: 10.0.0.9:80, persistence: 1s, forwarding: fullnat",
            "address: 10.0.0.9:80, forwarding: dr, check: {type: tcp, via: vip},"
            " real_servers: [{address: 10.0.0.2}]",
            'address: "[fd00::9]:80"',
        )
        for name, _ in [*sysctls(f"{server}, scheduler: mh", VRRP), NODEST, SCHEDULE_ICMP]
    }
    assert every == set(policy.SYSCTL_NAMES)


def decided(rest: str, actual: dict[str, str | None]) -> tuple[list[str], list[str]]:
    """The names to set, and the warnings."""
    made = configuration("address: 10.0.0.9:80, on_failure: zero_weight", rest)
    wanted = rules.wanted_sysctls(made)
    to_set = [each.name for each in rules.changes(made, wanted, actual)]
    return to_set, rules.contradictions(made, wanted, actual)


ACTUAL: dict[str, str | None] = {
    "net/ipv4/ip_forward": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/vs/conn_reuse_mode": "0",
}
FORWARD_WARNING = (
    "net.ipv4.ip_forward is 0, expected 1 (nat: replies of real servers are routed through this"
    " host)"
)
REUSE_WARNING = (
    "net.ipv4.vs.conn_reuse_mode is {}, expected 1 (tcp: a new connection from a reused client"
    " port is scheduled again)"
)


def test_a_difference_is_set() -> None:
    assert decided("", ACTUAL) == (["net/ipv4/ip_forward", "net/ipv4/vs/conn_reuse_mode"], [])


def test_a_difference_that_is_left_causes_a_warning() -> None:
    assert decided("sysctls: {leave: [conn_reuse_mode]}", ACTUAL) == (
        ["net/ipv4/ip_forward"],
        [REUSE_WARNING.format(0)],
    )
    assert decided("sysctls: {apply: false}", ACTUAL) == (
        [],
        [FORWARD_WARNING, REUSE_WARNING.format(0)],
    )


def test_a_missing_sysctl_causes_a_warning() -> None:
    actual = {**ACTUAL, "net/ipv4/vs/conn_reuse_mode": None}
    assert decided("", actual) == (["net/ipv4/ip_forward"], [REUSE_WARNING.format("missing")])


@pytest.mark.parametrize(
    ("everywhere", "interface", "warned"),
    [("0", "1", True), ("1", "0", True), ("1", "2", False), ("2", "1", False), ("0", "0", False)],
)
def test_a_strict_reverse_path_filter_causes_a_warning_with_dr(
    everywhere: str, interface: str, warned: bool
) -> None:
    """The kernel uses the greater value of "all" and the interface."""
    made = configuration("address: 10.0.0.9:80, forwarding: dr", VRRP)
    names = reverse_path.filters(made)
    assert names == ("net/ipv4/conf/all/rp_filter", "net/ipv4/conf/eth0/rp_filter")
    actual = dict(zip(names, (everywhere, interface), strict=True))
    warnings = reverse_path.strict(made, actual)
    assert [each.partition(" is strict")[0] for each in warnings] == (
        ["net.ipv4.conf.eth0.rp_filter"] if warned else []
    )
    assert reverse_path.filters(configuration("address: 10.0.0.9:80", VRRP)) == ()


def test_a_strict_filter_for_answers_to_probes_via_vip_causes_a_warning() -> None:
    """Real servers on an interface without clients, and answers through another interface."""
    made = configuration(
        "address: 10.0.0.9:80, forwarding: dr, check: {type: tcp, via: vip},"
        " real_servers: [{address: 10.1.0.2}]",
        VRRP,
    )
    wanted = rules.wanted_sysctls(made, Interfaces(probed=frozenset({"eth0", "eth2"})))
    names = [f"net/ipv4/conf/{each}/rp_filter" for each in ("all", "eth0", "eth2")]
    assert list(reverse_path.filters(made, wanted)) == names
    clients, probes = reverse_path.strict(made, dict.fromkeys(names, "1"), wanted)
    assert clients.startswith("net.ipv4.conf.eth0.rp_filter is strict: with dr and tun")
    assert probes.startswith("net.ipv4.conf.eth2.rp_filter is strict: real servers answer")


def test_with_a_virtual_mac_the_filter_of_its_macvlan_counts() -> None:
    """Clients arrive there."""
    made = configuration(
        "address: 10.0.0.9:80, forwarding: dr", VRRP.replace("}", ", virtual_mac: true}", 1)
    )
    names = ("net/ipv4/conf/all/rp_filter", "net/ipv4/conf/vrrp4-1/rp_filter")
    assert reverse_path.filters(made) == names


def test_only_values_that_we_set_are_restored_and_forwarding_never() -> None:
    taken = {
        "net/ipv4/ip_forward": SavedValue("0", "1"),
        "net/ipv4/vs/conn_reuse_mode": SavedValue("0", "1"),
        "net/ipv4/vs/sloppy_tcp": SavedValue("0", "1"),
        "net/ipv4/conf/gone/send_redirects": SavedValue("1", "0"),
    }
    actual: dict[str, str | None] = {
        "net/ipv4/ip_forward": "1",
        "net/ipv4/vs/conn_reuse_mode": "1",
        "net/ipv4/vs/sloppy_tcp": "2",
        "net/ipv4/conf/gone/send_redirects": None,
    }
    assert rules.restorations(taken, actual) == {"net/ipv4/vs/conn_reuse_mode": "0"}


def test_a_name_is_written_as_sysctl_does() -> None:
    """A dot in an interface's name becomes a slash (sysctl(8))."""
    name = "net/ipv4/conf/eth0.100/send_redirects"
    assert rules.dotted_name(name) == "net.ipv4.conf.eth0/100.send_redirects"


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("{apply: true, leave: [ip_forward]}", []),
        ("{apply: 1}", ["1:18: sysctls.apply: wrong value (got 1, expected true or false)"]),
        (
            "{leave: [rp_filter]}",
            [
                '1:19: sysctls.leave[0]: wrong value (got "rp_filter", expected one of '
                + ", ".join(policy.SYSCTL_NAMES)
                + ")"
            ],
        ),
    ],
)
def test_a_fault_of_the_section(section: str, fault: list[str], faults_of: FaultsOf) -> None:
    """``leave`` has the last part of each name."""
    assert faults_of(f"sysctls: {section}\nvirtual_servers: [{{address: 10.0.0.9:80}}]") == fault


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("net/ipv4/ip_forward", True),
        ("net/ipv4/conf/eth0.100/send_redirects", True),
        ("net/ipv4/vs/sloppy_tcp", True),
        ("net/ipv4/conf/../send_redirects", False),
        ("net/ipv4/conf/a/b/send_redirects", False),
        ("net/ipv4/vs/other", False),
        ("/etc/passwd", False),
        ("kernel/core_pattern", False),
    ],
)
def test_only_parameters_that_a_director_sets_are_ours(name: str, ours: bool) -> None:
    assert rules.is_ours(name) is ours
