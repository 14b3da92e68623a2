"""One file serves both directors of a pair: each host has its own values, and its own faults."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import parse
from hadirector.config.reading import ReadingOptions

FaultsOf = Callable[[str], list[str]]

BASE = """\
vrrp:
- name: web
  interface: eth0
  virtual_router_id: 51
  preempt: {delay: 30s}
  virtual_addresses: [10.0.0.1, 10.0.0.2]
virtual_servers:
- name: shop
  address: 10.0.0.1:80
  check: {type: http, path: /healthz}
hosts:
"""


def read(hosts: str, host: str | None = "lb1", host_name: str = "db7") -> dict[str, object]:
    found = parse((BASE + hosts).encode(), "f", host_name, ReadingOptions(host=host))
    (instance,) = found.vrrp
    (server,) = found.virtual_servers
    return {
        "name": found.name,
        "priority": instance.priority,
        "preempt": instance.preempt,
        "delay": instance.preempt_delay,
        "interface": instance.interface,
        "addresses": list(instance.virtual_addresses),
        "scheduler": str(server.service.scheduler),
    }


USUAL = {
    "name": "lb1",
    "priority": 100,
    "preempt": True,
    "delay": 30.0,
    "interface": "eth0",
    "addresses": ["10.0.0.1/32", "10.0.0.2/32"],
    "scheduler": "wlc",
}


@pytest.mark.parametrize(
    ("section", "changes"),
    [
        ("{}", {}),
        ("{vrrp: {web: {priority: 200}}}", {"priority": 200}),
        ("{vrrp: {web: {preempt: {delay: 5s}}}}", {"delay": 5.0}),
        ("{vrrp: {web: {preempt: false}}}", {"preempt": False, "delay": 0.0}),
        ("{vrrp: {web: {virtual_addresses: [10.0.0.1]}}}", {"addresses": ["10.0.0.1/32"]}),
        ("{virtual_servers: {shop: {scheduler: rr}}}", {"scheduler": "rr"}),
        ("{vrrp: {web: {interface: bond0, priority: 1}}}", {"interface": "bond0", "priority": 1}),
    ],
)
def test_the_section_of_a_host_replaces_values_of_the_file(
    section: str, changes: dict[str, object]
) -> None:
    """Mappings are merged key by key; lists and single values are replaced."""
    assert read(f"  lb1: {section}\n  lb2: {{vrrp: {{web: {{priority: 7}}}}}}\n") == {
        **USUAL,
        **changes,
    }


def test_a_section_that_the_file_lacks_comes_from_the_host() -> None:
    """The file has no director and no api."""
    text = BASE + "  lb1: {api: {unix: /run/x.sock}, director: {on_stop: keep}}\n  lb2: {}\n"
    lb1 = parse(text.encode(), "f", "lb1")
    lb2 = parse(text.encode(), "f", "lb2")
    assert (lb1.api_unix, lb1.on_stop) == ("/run/x.sock", "keep")
    assert (lb2.api_unix, lb2.on_stop) == ("/run/hadirector/api.sock", "release")


BOTH = "  lb1: {vrrp: {web: {priority: 200}}}\n  lb2: {vrrp: {web: {priority: 100}}}\n"


@pytest.mark.parametrize(
    ("option", "host_name", "more", "name"),
    [
        ("lb2", "lb1", "director: {name: lb1}\n", "lb2"),
        (None, "lb2", "director: {name: lb1}\n", "lb1"),
        (None, "lb2", "", "lb2"),
        (None, "lb2.example.com", "", "lb2"),
    ],
)
def test_the_option_the_name_of_the_director_and_the_name_of_the_host_choose(
    option: str | None, host_name: str, more: str, name: str
) -> None:
    """In this order."""
    text = BASE + BOTH + more
    found = parse(text.encode(), "f", host_name, ReadingOptions(host=option))
    assert (found.name, found.vrrp[0].priority) == (name, {"lb1": 200, "lb2": 100}[name])


def test_the_whole_name_of_the_host_goes_before_its_first_part() -> None:
    text = f"{BASE}  lb1: {{}}\n  lb1.example.com: {{vrrp: {{web: {{priority: 9}}}}}}\n"
    found = parse(text.encode(), "f", "lb1.example.com")
    assert (found.name, found.vrrp[0].priority) == ("lb1.example.com", 9)


@pytest.mark.parametrize(
    ("option", "text", "fault"),
    [
        (
            "lb3",
            BASE + BOTH,
            'f:11:1: hosts: no section for "lb3", which is --host (the file has lb1, lb2);'
            " --host NAME chooses a section",
        ),
        (
            None,
            BASE + BOTH,
            'f:11:1: hosts: no section for "db7", which is the name of this host (the file has'
            " lb1, lb2); --host NAME chooses a section",
        ),
        (
            None,
            BASE + BOTH + "director: {name: lb9}\n",
            'f:14:18: director.name: wrong value (got "lb9", expected the name of a host in hosts:'
            " lb1, lb2)",
        ),
        ("lb1", "vrrp: []", 'f:1:1: no section for --host "lb1": the file has no key "hosts"'),
    ],
)
def test_an_unknown_host_is_a_fault_that_lists_the_names(
    option: str | None, text: str, fault: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text.encode(), "f", "db7", ReadingOptions(host=option))
    assert [str(each) for each in raised.value.faults] == [fault]


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("[1]", "13:8: hosts.lb2: wrong value (got a list, expected a mapping of the values that"
         " differ)"),
        ("{vrpp: 1}", '13:9: host lb2: unknown key "vrpp", did you mean "vrrp"?'),
        ("{hosts: {}}", "13:16: hosts.lb2.hosts: the section of a host cannot contain hosts"),
        ("{vrrp: [{priority: 1}]}", "13:15: hosts.lb2.vrrp: wrong value (got a list, expected a"
         " mapping of names: {NAME: {KEY: VALUE}})"),
        ("{vrrp: {wbe: {priority: 1}}}", "13:16: hosts.lb2.vrrp.wbe: the file has no item with this"
         ' name, did you mean "web"?'),
        ("{vrrp: {dns: {priority: 1}}}", "13:16: hosts.lb2.vrrp.dns: the file has no item with this"
         " name (it has web)"),
        ("{sync_groups: {both: {}}}", "13:23: hosts.lb2.sync_groups.both: the file has no item with"
         " this name (it has no names)"),
        ("{vrrp: {web: 200}}", "13:21: hosts.lb2.vrrp.web: wrong value (got 200, expected a"
         " mapping)"),
        ("{vrrp: {web: {prioritty: 2}}}", '13:22: host lb2: vrrp[0]: unknown key "prioritty", did'
         ' you mean "priority"?'),
        ("{vrrp: {web: {priority: 256}}}", "13:32: host lb2: vrrp[0].priority: wrong value (got"
         " 256, expected a whole number from 1 to 255)"),
        ("{vrrp: {web: {preempt: {dealy: 1}}}}", "13:32: host lb2: vrrp[0].preempt: unknown key"
         ' "dealy", did you mean "delay"?'),
        ("{director: {name: x}}", "13:26: hosts.lb2.director.name: leave the name out: the"
         " name of the section, lb2, is the name of the director"),
        ("{sync_daemon: {role: active, interface: eth1}}", '13:29: host lb2: sync_daemon.role:'
         ' wrong value (got "active", expected one of follow, both)'),
    ],
)  # fmt: skip
def test_a_fault_in_the_section_of_another_host_has_its_place(
    faults_of: FaultsOf, section: str, fault: str
) -> None:
    """The director is lb1; the section of lb2 is wrong."""
    text = f"{BASE}  host: {{}}\n  lb2: {section}\n"
    assert faults_of(text) == [fault]


@pytest.mark.parametrize(
    ("hosts", "fault"),
    [
        ("hosts: 3", "1:8: hosts: wrong value (got 3, expected a mapping of host names)"),
        ("hosts: {}", "1:8: hosts: wrong value (got an empty mapping, expected a mapping of host"
         " names)"),
        ("hosts: {'l b': {}}", '1:9: hosts: wrong value (got "l b", expected a name of letters,'
         " digits and _.:@[]-)"),
        ("hosts: {" + ", ".join(f"h{n}: {{}}" for n in range(17)) + "}",
         "1:8: hosts: too many hosts (got 17, expected at most 16)"),
    ],
)  # fmt: skip
def test_a_fault_of_hosts_itself(faults_of: FaultsOf, hosts: str, fault: str) -> None:
    assert faults_of(f"{hosts}\nvrrp: []") == [fault]


def test_a_fault_of_the_file_is_reported_once() -> None:
    """Both hosts have it. The fault of one host names the host."""
    text = (
        "vrrp:\n- name: web\n  interface: eth0\n  virtual_router_id: 510\n"
        "  virtual_addresses: [10.0.0.1]\n"
        "hosts:\n  lb1: {vrrp: {web: {priority: 0}}}\n  lb2: {}\n"
    )
    with pytest.raises(ConfigError) as raised:
        parse(text.encode(), "f", "lb2")
    assert [str(each) for each in raised.value.faults] == [
        "f:4:22: vrrp[0].virtual_router_id: wrong value (got 510, expected a whole number from 1 to"
        " 255)",
        "f:7:32: host lb1: vrrp[0].priority: wrong value (got 0, expected a whole number from 1 to"
        " 255)",
    ]


def test_a_secret_in_the_section_of_a_host_is_not_shown(faults_of: FaultsOf) -> None:
    text = f"{BASE}  host: {{vrrp: {{web: {{authentication: {{password: [1]}}}}}}}}\n"
    assert "[1]" not in str(faults_of(text))
    text = f"{BASE}  host: {{vrrp: {{web: {{authentication: hunter2}}}}}}\n"
    assert faults_of(text)
    assert "hunter2" not in str(faults_of(text))
