"""Findings about the kernel and about the results of probes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from checks.definition.result import Reason, Result
from hadirector.config.loader import parse
from hadirector.doctor.diagnosis.diagnosis import diagnose
from hadirector.doctor.diagnosis.facts import (
    ConfigPath,
    Facts,
    KernelRoute,
    Obstacle,
    examined_servers,
)
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.configuration import Configuration, NeededInterface

ERROR, WARNING, NOTE = Severity
GOOD = {"net/ipv4/vs/expire_nodest_conn": "1", "net/ipv4/vs/conn_reuse_mode": "1"}
NAT = {**GOOD, "net/ipv4/ip_forward": "1", "net/ipv4/conf/all/send_redirects": "0"}
WEB1, WEB2 = "web/10.0.0.5:80", "web/10.0.0.6:80"
PASSED = Result(Reason.PASSED, "connected", 0.001)
REFUSED = Result(Reason.REFUSED, "connecting: Connection refused", 0.001)
SILENT = Result(Reason.TIMEOUT, "no answer within 1 s", 1.0)
NO_ROUTE = Result(Reason.NO_ROUTE, "no route", 0.0)
ACCEPT = "net/ipv4/conf/eth0/accept_local"
BACKUP_ONLY = "net/ipv4/vs/backup_only"
FILTER = "net/ipv4/conf/eth0/rp_filter"


def configuration(forwarding: str = "dr", rest: str = "", more: str = "") -> Configuration:
    text = (
        f"virtual_servers: [{{name: web, address: 10.0.0.9:80, forwarding: {forwarding}{more},"
        f" real_servers: [{{address: 10.0.0.5}}, {{address: 10.0.0.6}}]}}]\n{rest}"
    )
    return parse(text.encode(), "f", "lb1")


def place(path: ConfigPath) -> str:
    return f"f:{'.'.join(map(str, path))}"


def findings(made: Configuration, facts: Facts) -> tuple[Finding, ...]:
    return diagnose(made, facts, tuple(examined_servers(made, place)), place)


def summaries(made: Configuration, facts: Facts) -> list[tuple[Severity, str, str]]:
    return [(each.severity, each.place, each.what) for each in findings(made, facts)]


def test_a_fit_host_with_answering_servers_has_no_findings() -> None:
    answers = {WEB1: PASSED, WEB2: PASSED}
    facts = Facts(sysctls=GOOD, own_results=answers, vip_results=answers)
    assert summaries(configuration(), facts) == []


def test_missing_process_events_are_a_note() -> None:
    answers = {WEB1: PASSED, WEB2: PASSED}
    facts = Facts(
        sysctls=GOOD, own_results=answers, vip_results=answers, process_polling="no connector"
    )
    what = "no connector: the director notices the start of a tracked process up to 1 s late"
    assert summaries(configuration(), facts) == [(NOTE, "", what)]


def test_a_missing_scheduler_is_an_error_where_it_is_named() -> None:
    refusal = "the kernel has no scheduler twos: its module ip_vs_twos is missing"
    made = configuration(more=", scheduler: twos")
    [finding] = findings(made, Facts(sysctls=GOOD, preflight_faults=(refusal,)))
    assert (finding.severity, finding.what) == (ERROR, refusal)
    assert finding.place == "f:virtual_servers.0.scheduler"
    assert finding.remedy.startswith("`modprobe ip_vs_twos`")


def test_a_missing_capability_is_an_error_of_the_host() -> None:
    refusal = "CAP_NET_ADMIN is missing: it is needed to program IPVS"
    assert summaries(configuration(), Facts(preflight_faults=(refusal,))) == [(ERROR, "", refusal)]


def test_a_missing_interface_is_an_error_where_it_is_named() -> None:
    vrrp = "vrrp: [{name: a, interface: eth7, virtual_router_id: 1, virtual_addresses: [10.0.0.9]}]"
    made = configuration(rest=vrrp)
    refusal = "f:2:29: VRRP instance a: interface eth7 does not exist (there are: lo)"
    assert made.needed_interfaces == (
        NeededInterface(name="eth7", needed_by="VRRP instance a", place="f:2:29"),
    )
    assert summaries(made, Facts(preflight_faults=(refusal,))) == [
        (ERROR, "f:2:29", "VRRP instance a: interface eth7 does not exist (there are: lo)")
    ]


@pytest.mark.parametrize(
    ("route", "warned"),
    [
        (None, True),
        (KernelRoute(interface="eth0", gateway=None, source="10.9.9.1", mtu=1500), True),
        (KernelRoute(interface="lo", gateway=None, source="", mtu=65536, local=True), False),
    ],
)
def test_an_address_that_nothing_holds_is_a_warning(
    route: KernelRoute | None, warned: bool
) -> None:
    """The routing table shows whether an interface of this host holds it."""
    made = configuration()
    [unheld] = made.unheld_addresses
    found = findings(made, Facts(sysctls=GOOD, routes={unheld.address: route}))
    told = [(each.severity, each.place, each.what) for each in found]
    warning = (Severity.WARNING, unheld.place, unheld.description)
    assert (warning in told) is warned


# --- sysctls -----------------------------------------------------------------------------------


def of_sysctl(rest: str, changed: Mapping[str, str]) -> list[tuple[Severity, str]]:
    """Severity and first word of the findings about nat with these parameters."""
    found = findings(configuration("nat", rest), Facts(sysctls={**NAT, **changed}))
    return [(each.severity, each.what.split()[0]) for each in found]


def test_a_sysctl_that_run_sets_is_a_note() -> None:
    assert of_sysctl("", {}) == []
    assert of_sysctl("", {"net/ipv4/ip_forward": "0"}) == [(NOTE, "net.ipv4.ip_forward")]


@pytest.mark.parametrize(
    ("policy", "name", "severity"),
    [
        ("{apply: false}", "net/ipv4/ip_forward", ERROR),
        ("{leave: [ip_forward]}", "net/ipv4/ip_forward", ERROR),
        ("{leave: [send_redirects]}", "net/ipv4/conf/all/send_redirects", WARNING),
    ],
)
def test_a_sysctl_left_to_the_operator_is_an_error_if_nat_needs_it(
    policy: str, name: str, severity: Severity
) -> None:
    wrong = "1" if name.endswith("redirects") else "0"
    expected = [(severity, name.replace("/", "."))]
    assert of_sysctl(f"sysctls: {policy}", {name: wrong}) == expected


def test_a_strict_reverse_path_filter_is_warned_of_under_dr_only() -> None:
    rest = "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9]}]"
    for forwarding, value, expected in (("dr", "1", 1), ("dr", "2", 0), ("nat", "1", 0)):
        found = findings(configuration(forwarding, rest), Facts(sysctls=NAT | {FILTER: value}))
        assert [each.severity for each in found] == [WARNING] * expected
        assert all("net.ipv4.conf.eth0.rp_filter is strict" in each.what for each in found)


@pytest.mark.parametrize(
    ("count", "limit", "expected"),
    [
        ("799", "1000", []),
        ("800", "1000", [(WARNING, "nearly full: 800 of 1000 entries")]),
        ("980", "1000", [(ERROR, "full: 980 of 1000 entries")]),
        (None, None, []),
    ],
)
def test_a_connection_tracking_table_that_is_full_or_nearly(
    count: str | None, limit: str | None, expected: list[tuple[Severity, str]]
) -> None:
    directory = "net/netfilter/nf_conntrack"
    values = {**GOOD, f"{directory}_count": count, f"{directory}_max": limit}
    found = findings(configuration(), Facts(sysctls=values))
    assert [
        (each.severity, each.what.partition(" table is ")[2].partition(";")[0]) for each in found
    ] == expected


# --- answers -----------------------------------------------------------------------------------


def test_one_failing_check_is_a_warning_and_all_of_them_an_error() -> None:
    one = Facts(sysctls=GOOD, own_results={WEB1: REFUSED, WEB2: PASSED})
    place1 = "f:virtual_servers.0.real_servers.0"
    fails = "web/10.0.0.5:80: its check fails: connecting: Connection refused"
    assert summaries(configuration(), one) == [(WARNING, place1, fails)]
    both = Facts(sysctls=GOOD, own_results={WEB1: REFUSED, WEB2: REFUSED})
    [first, *others] = summaries(configuration(), both)
    assert first == (
        ERROR,
        "f:virtual_servers.0",
        "web: none of its real servers passes its check",
    )
    assert len(others) == 2


def test_a_server_without_a_route_has_one_finding() -> None:
    routes = {"10.0.0.5": None}
    facts = Facts(sysctls=GOOD, routes=routes, own_results={WEB1: NO_ROUTE, WEB2: PASSED})
    [(severity, _, what)] = summaries(configuration(), facts)
    assert (severity, what) == (ERROR, "web/10.0.0.5:80: this host has no route to 10.0.0.5")


def test_a_server_that_answers_only_on_its_own_address_is_an_error() -> None:
    facts = Facts(
        sysctls=GOOD,
        own_results={WEB1: PASSED, WEB2: PASSED},
        vip_results={WEB1: SILENT, WEB2: PASSED},
    )
    [finding] = findings(configuration(), facts)
    assert finding.severity is ERROR
    assert finding.place == "f:virtual_servers.0.real_servers.0"
    assert finding.what == (
        "web/10.0.0.5:80: the real server answers on its own address, but not on the virtual"
        " address 10.0.0.9:"
        " no answer within 1 s"
    )
    assert "`hadirector realserver setup 10.0.0.9`" in finding.remedy
    [finding] = findings(configuration("tun"), facts)
    assert "`hadirector realserver setup 10.0.0.9 --method tunnel`" in finding.remedy


def test_a_server_that_was_not_probed_at_the_virtual_address_is_a_note() -> None:
    answers = {WEB1: PASSED, WEB2: PASSED}
    obstacles = {WEB1: Obstacle("a reason", "run doctor elsewhere")}
    hindered = Facts(sysctls=GOOD, own_results=answers, obstacles=obstacles)
    words = "web/10.0.0.5:80: not probed at the virtual address 10.0.0.9"
    where = "f:virtual_servers.0.real_servers.0"
    assert summaries(configuration(), hindered) == [(NOTE, where, f"{words}: a reason")]
    [finding] = findings(configuration(), hindered)
    assert finding.remedy == "run doctor elsewhere"
    local = Facts(sysctls=GOOD, own_results=answers, vip_results={WEB1: NO_ROUTE})
    assert summaries(configuration(), local) == [(NOTE, where, f"{words}: no route")]


def test_real_servers_over_the_limit_are_counted() -> None:
    [(severity, _, what)] = summaries(configuration(), Facts(sysctls=GOOD, omitted=7))
    assert (severity, what) == (NOTE, "7 real servers were not examined: the limit is 1000")
