"""Findings about a container: its host loads modules and sets sysctls."""

from __future__ import annotations

from hadirector.config.loader import parse
from hadirector.doctor.diagnosis.diagnosis import diagnose
from hadirector.doctor.diagnosis.facts import ConfigPath, Facts
from hadirector.doctor.diagnosis.finding import Finding, Severity

GOOD = {"net/ipv4/vs/expire_nodest_conn": "1", "net/ipv4/vs/conn_reuse_mode": "1"}
NAT = {**GOOD, "net/ipv4/ip_forward": "1", "net/ipv4/conf/all/send_redirects": "0"}
NO_IPVS = (
    "the kernel has no IPVS: load its module ip_vs (modprobe ip_vs), or choose `dataplane:"
    " userspace`"
)
TEXT = """\
vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9]}]
virtual_servers:
  - {name: web, address: 10.0.0.9:80, forwarding: nat, scheduler: wrr}
  - {name: sip, address: 10.0.0.9:81, forwarding: nat, scheduler: sh}
"""


def place(path: ConfigPath) -> str:
    return f"f:{'.'.join(map(str, path))}"


def findings(facts: Facts) -> dict[str, Finding]:
    made = parse(TEXT.encode(), "f", "lb1")
    return {finding.code: finding for finding in diagnose(made, facts, (), place)}


def test_missing_modules_are_for_the_host_of_the_container_to_load() -> None:
    facts = Facts(sysctls=NAT, preflight_faults=(NO_IPVS,), in_container=True)
    found = findings(facts)["host_requirement_missing"]
    assert found.lines == ("ip_vs", "ip_vs_sh", "ip_vs_wrr")
    assert found.remedy == (
        "on the host of the container, run `modprobe -a ip_vs ip_vs_sh ip_vs_wrr`; so that the host"
        " loads them at each boot, write these lines to /etc/modules-load.d/hadirector.conf"
    )


def test_a_missing_scheduler_too() -> None:
    fault = "the kernel has no scheduler wrr: its module ip_vs_wrr is missing"
    facts = Facts(sysctls=NAT, preflight_faults=(fault,), in_container=True)
    found = findings(facts)["host_requirement_missing"]
    assert (found.place, found.lines) == (
        "f:virtual_servers.0.scheduler",
        ("ip_vs", "ip_vs_sh", "ip_vs_wrr"),
    )


def test_other_faults_of_a_container_have_no_lines() -> None:
    fault = "CAP_NET_ADMIN is missing: it is needed to program IPVS"
    facts = Facts(sysctls=NAT, preflight_faults=(fault,), in_container=True)
    assert findings(facts)["host_requirement_missing"].lines == ()


def test_sysctls_that_cannot_be_set_are_for_the_host_to_set() -> None:
    """Forwarding is essential for nat."""
    secondaries = {"net/ipv4/conf/eth0/promote_secondaries": "0"}
    values = {**NAT, **secondaries, "net/ipv4/ip_forward": "0"}
    found = findings(Facts(sysctls=values, sysctls_read_only=True))
    assert "sysctl_set_by_run" not in found
    assert found["sysctls_read_only"].severity is Severity.ERROR
    assert found["sysctls_read_only"].lines == (
        "net.ipv4.ip_forward = 1",
        "net.ipv4.conf.eth0.promote_secondaries = 1",
    )


def test_a_sysctl_that_is_not_essential_is_a_warning() -> None:
    values = {**NAT, "net/ipv4/conf/all/send_redirects": "1"}
    found = findings(Facts(sysctls=values, sysctls_read_only=True))
    assert found["sysctls_read_only"].severity is Severity.WARNING


def test_nothing_is_found_if_the_host_has_done_it() -> None:
    values = {**NAT, "net/ipv4/conf/eth0/promote_secondaries": "1"}
    found = findings(Facts(sysctls=values, sysctls_read_only=True, in_container=True))
    assert "sysctls_read_only" not in found
    assert "host_requirement_missing" not in found
