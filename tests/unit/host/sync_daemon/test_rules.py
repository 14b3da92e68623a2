"""Which threads of the sync daemon run, and which threads are foreign."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from hadirector.config.loader import parse
from hadirector.host.sync_daemon.rules import (
    Threads,
    describe_thread,
    foreign_threads,
    thread_operations,
    wanted_threads,
)
from hadirector.model.configuration import SyncDaemon
from hadirector.model.ipvs import StartThread, StopThread, SyncRole, SyncSettings
from vrrp.model.report import State

FaultsOf = Callable[[str], list[str]]

MASTER, BACKUP = SyncRole.MASTER, SyncRole.BACKUP
OURS = SyncSettings(interface="eth1", id=51, group="224.0.0.81", port=8848, ttl=1)
HELD = replace(OURS, maximum_length=1464)
"""The same settings in the kernel, which chose the length."""
OTHER = replace(HELD, id=7)


@pytest.mark.parametrize(
    ("instance", "states", "roles"),
    [
        ("web", {"web": State.ACTIVE, "dns": State.BACKUP}, [MASTER]),
        ("web", {"web": State.BACKUP, "dns": State.ACTIVE}, [BACKUP]),
        ("web", {}, [BACKUP]),
        (None, {"web": State.BACKUP}, [MASTER, BACKUP]),
    ],
)
def test_the_role_follows_the_instance(
    instance: str | None, states: dict[str, State], roles: list[SyncRole]
) -> None:
    """Master while the instance is ACTIVE; both roles without an instance."""
    wanted = wanted_threads(SyncDaemon(instance=instance, settings=OURS), states)
    assert wanted == dict.fromkeys(roles, OURS)
    assert wanted_threads(None, states) == {}


@pytest.mark.parametrize(
    ("actual", "wanted", "ours", "operations", "foreign"),
    [
        ({}, {MASTER: OURS}, {}, [StartThread(MASTER, OURS)], {}),
        ({MASTER: HELD}, {MASTER: OURS}, {MASTER: OURS}, [], {}),
        ({MASTER: HELD}, {MASTER: OURS}, {}, [], {}),
        (
            {BACKUP: HELD},
            {MASTER: OURS},
            {BACKUP: OURS},
            [StopThread(BACKUP), StartThread(MASTER, OURS)],
            {},
        ),
        (
            {MASTER: OTHER},
            {MASTER: OURS},
            {MASTER: OTHER},
            [StopThread(MASTER), StartThread(MASTER, OURS)],
            {},
        ),
        ({MASTER: OTHER}, {MASTER: OURS}, {}, [], {MASTER: OTHER}),
        (
            {BACKUP: OTHER},
            {MASTER: OURS},
            {BACKUP: OURS},
            [StartThread(MASTER, OURS)],
            {BACKUP: OTHER},
        ),
        ({MASTER: HELD, BACKUP: OTHER}, {}, {MASTER: OURS}, [StopThread(MASTER)], {BACKUP: OTHER}),
    ],
    ids=[
        "started",
        "kept",
        "adopted",
        "turned round",
        "changed",
        "not ours and in the way",
        "not ours beside it",
        "withdrawn",
    ],
)
def test_threads_become_the_wanted_ones(
    actual: Threads,
    wanted: Threads,
    ours: Threads,
    operations: list[StartThread | StopThread],
    foreign: Threads,
) -> None:
    """Stops come before starts, and foreign threads stay."""
    assert list(thread_operations(actual, wanted, ours)) == operations
    assert foreign_threads(actual, wanted, ours) == foreign


def test_a_thread_is_described_in_one_line() -> None:
    assert describe_thread(MASTER, OURS) == "master on eth1, id 51, 224.0.0.81:8848"
    six = replace(OURS, group="ff02::81")
    assert describe_thread(BACKUP, six) == "backup on eth1, id 51, [ff02::81]:8848"


FILE = """\
sync_daemon: {section}
director: {{dataplane: {dataplane}}}
vrrp:
  - {{name: a, interface: eth0, virtual_router_id: 51, virtual_addresses: [10.0.0.1]}}
  - {{name: b, interface: eth1, virtual_router_id: 52, virtual_addresses: [10.1.0.1]}}
sync_groups: {groups}
virtual_servers: [{{address: 10.0.0.1:80, scheduler: rr}}]
"""
GROUP = "[{name: g, instances: [a, b]}]"
ALL_KEYS = (
    "{interface: eth2, role: follow, instance: b, id: 9, maximum_length: 1400, group: ff02::81,"
    " port: 9999, ttl: 3}"
)
ALL_SETTINGS = SyncSettings(
    interface="eth2", id=9, maximum_length=1400, group="ff02::81", port=9999, ttl=3
)


@pytest.mark.parametrize(
    ("section", "groups", "daemon"),
    [
        ("{interface: eth1}", GROUP, SyncDaemon(instance="a", settings=OURS)),
        (
            "{interface: eth1, instance: b}",
            "[]",
            SyncDaemon(instance="b", settings=replace(OURS, id=52)),
        ),
        (
            "{interface: eth1, role: both}",
            "[]",
            SyncDaemon(instance=None, settings=replace(OURS, id=0)),
        ),
        (ALL_KEYS, "[]", SyncDaemon(instance="b", settings=ALL_SETTINGS)),
    ],
)
def test_a_section_means(section: str, groups: str, daemon: SyncDaemon) -> None:
    """The id is that of the virtual router followed, unless it is given."""
    text = FILE.format(section=section, groups=groups, dataplane="ipvs")
    assert parse(text.encode(), "f", "lb1").sync_daemon == daemon


@pytest.mark.parametrize(
    ("section", "groups", "fault"),
    [
        (
            "{interface: eth1}",
            "[]",
            '1:14: sync_daemon: the key "instance" is missing (expected one of a, b)',
        ),
        (
            "{interface: eth1, instance: c}",
            "[]",
            '1:42: sync_daemon.instance: wrong value (got "c", expected the name of a VRRP'
            " instance)",
        ),
        (
            "{interface: eth1, role: both, instance: a}",
            "[]",
            "1:54: sync_daemon.instance: role both does not depend on an instance; leave this out",
        ),
        (
            "{interface: eth1, group: 10.0.0.1}",
            GROUP,
            '1:39: sync_daemon.group: wrong value (got "10.0.0.1", expected a multicast address,'
            " such as 224.0.0.81 or ff02::81)",
        ),
        (
            "{interface: eth1, maximum_length: 1023}",
            GROUP,
            "1:48: sync_daemon.maximum_length: wrong value (got 1023, expected a whole number from"
            " 1024 to 65487)",
        ),
        ("{id: 1}", GROUP, '1:14: sync_daemon: the key "interface" is missing'),
    ],
)
def test_a_fault_of_the_section(faults_of: FaultsOf, section: str, groups: str, fault: str) -> None:
    """Faults of the keys and values."""
    text = FILE.format(section=section, groups=groups, dataplane="ipvs")
    assert faults_of(text) == [fault]


def test_a_daemon_without_a_role_or_without_ipvs_is_a_fault(faults_of: FaultsOf) -> None:
    text = FILE.format(section="{interface: eth1}", groups=GROUP, dataplane="userspace")
    assert faults_of(text) == [
        "1:14: sync_daemon: the sync daemon needs the dataplane ipvs (got userspace)"
    ]
    assert faults_of("sync_daemon: {interface: eth1}\nvirtual_servers: []") == [
        "1:14: sync_daemon: role follow needs a VRRP instance (add vrrp, or write role: both)"
    ]
