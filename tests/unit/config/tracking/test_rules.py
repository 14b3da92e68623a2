"""Every fault of tracked objects and sync groups has the value and the expected form."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checks.definition.check import Timing
from checks.script_runner.script import Script
from hadirector.config.loader import parse
from hadirector.model.configuration import TrackedScript
from hadirector.model.notification import Notification, NotifyScript
from vrrp.model.configuration import TrackedKey, TrackedObject
from vrrp.model.tracked_process import ArgumentsMatch, ProcessPattern, TrackedProcess

FaultsOf = Callable[[str], list[str]]

FILE = """\
vrrp:
  - name: a
    interface: eth0
    virtual_router_id: 1
    virtual_addresses: [10.0.0.9]
    track: [{tracked}]
virtual_servers: [{{name: web, address: 10.0.0.9:80}}]
"""
KINDS = "interface, pool, script, file, process"


@pytest.mark.parametrize(
    ("tracked", "fault"),
    [
        ("{pool: web, weight: -50}, {interface: eth1, flap_delay: 2s}", ""),
        (
            "{weight: -50}",
            f"6:13: vrrp[0].track[0]: wrong value (got none of them, expected one of {KINDS})",
        ),
        (
            "{pool: web, interface: eth1}",
            "6:13: vrrp[0].track[0]: wrong value (got interface and pool, expected one of"
            f" {KINDS})",
        ),
        (
            "{pool: wbe}",
            '6:20: vrrp[0].track[0].pool: wrong value (got "wbe", expected the name of a virtual'
            " server)",
        ),
        (
            "{pool: web}, {pool: web, weight: 9}",
            "6:33: vrrp[0].track[1].pool: duplicate pool web, first at vrrp[0].track[0].pool",
        ),
        (
            "{pool: web, flap_delay: 1s}",
            "6:37: vrrp[0].track[0].flap_delay: a tracked pool has no flap_delay",
        ),
        (
            "{pool: web, weight: 254}",
            "6:33: vrrp[0].track[0].weight: wrong value (got 254, expected a whole number from"
            " -253 to 253)",
        ),
        ("{process: {name: x, at_least: 2}}, {process: x}, {process: {command: /bin/x}}", ""),
        ("{process: {name: x, at_least: 0, at_most: 0}}", ""),
        (
            "{process: /bin/x}",
            '6:23: vrrp[0].track[0].process: wrong value (got "/bin/x", expected a process name of'
            " 1 to 15 characters)",
        ),
        (
            "{process: {}}",
            '6:23: vrrp[0].track[0].process: a process needs the key "name" or "command"',
        ),
        (
            "{process: {name: x, command: x}}",
            "6:42: vrrp[0].track[0].process.command: a process has either name or command;"
            " remove one of them",
        ),
        (
            "{process: {name: x, argument: [a]}}",
            '6:33: vrrp[0].track[0].process: unknown key "argument", did you mean "arguments"?',
        ),
        (
            "{process: {name: x, arguments_match: first}}",
            "6:50: vrrp[0].track[0].process.arguments_match: the process has no arguments to"
            " compare",
        ),
        (
            "{process: {name: x, at_least: 0}}",
            "6:43: vrrp[0].track[0].process.at_least: the object would always be up (expected 1 or"
            " more, or at_most)",
        ),
        (
            "{process: {name: x, at_least: 3, at_most: 2}}",
            "6:55: vrrp[0].track[0].process.at_most: wrong value (got 2, expected at_least, 3, or"
            " more)",
        ),
        (
            "{process: {name: x, at_least: 2}}, {process: {at_least: 2, name: x}, weight: 9}",
            "6:58: vrrp[0].track[1].process: duplicate process x (at least 2), first at"
            " vrrp[0].track[0].process",
        ),
        ("{pool: web, weight: 50, weight_when: down}", ""),
        (
            "{pool: web, weight: 50, weight_when: off}",
            '6:50: vrrp[0].track[0].weight_when: wrong value (got "off", expected one of up, down)',
        ),
        (
            "{pool: web, weight_when: down}",
            "6:38: vrrp[0].track[0].weight_when: has no effect without a weight (add weight,"
            " or leave this out)",
        ),
        (
            "{file: /f, weight: 5, weight_when: down}",
            "6:48: vrrp[0].track[0].weight_when: the number in a file multiplies the weight; use"
            " the other sign of the weight",
        ),
        ("{script: /a, arguments: [b], user: www, interval: 1s, rise: 1}, {file: /f}", ""),
        (
            "{script: /a, interval: 1s, timeout: 2s}",
            "6:49: vrrp[0].track[0].timeout: wrong value (got 2s, expected at most the interval,"
            " 1s)",
        ),
        (
            "{file: /a, user: root}",
            "6:30: vrrp[0].track[0].user: a tracked file has no user",
        ),
        (
            "{process: 16-characters-it}",
            '6:23: vrrp[0].track[0].process: wrong value (got "16-characters-it", expected a'
            " process name of 1 to 15 characters)",
        ),
        (
            "{pool: web, wait: 9}",
            '6:25: vrrp[0].track[0]: unknown key "wait", did you mean "weight"?',
        ),
    ],
)
def test_a_fault_of_a_tracked_object(faults_of: FaultsOf, tracked: str, fault: str) -> None:
    """Wrong objects and wrong keys. An empty fault stands for a valid file."""
    assert faults_of(FILE.format(tracked=tracked)) == ([fault] if fault else [])


GROUPS = """\
vrrp:
  - {{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.1], track: {a}}}
  - {{name: b, interface: eth1, virtual_router_id: 1, virtual_addresses: [10.0.0.2], track: {b}}}
  - {{name: c, interface: eth2, virtual_router_id: 1, virtual_addresses: [10.0.0.3], priority: 9}}
sync_groups: {groups}
"""


@pytest.mark.parametrize(
    ("a", "b", "groups", "fault"),
    [
        ("[]", "[]", "[{name: g, instances: [a, b]}]", ""),
        (
            "[]",
            "[]",
            "[{name: g, instances: [a]}]",
            "5:36: sync_groups[0].instances: wrong number (got 1, expected 2 or more instances)",
        ),
        (
            "[]",
            "[]",
            "[{name: g, instances: [a, d]}]",
            '5:40: sync_groups[0].instances[1]: wrong value (got "d", expected the name of a VRRP'
            " instance)",
        ),
        (
            "[]",
            "[]",
            "[{name: g, instances: [a, b]}, {name: h, instances: [a, b]}]",
            "5:67: sync_groups[1].instances[0]: duplicate instance a, first at"
            " sync_groups[0].instances[0]",
        ),
        (
            "[]",
            "[]",
            "[{name: g, instances: [a, c]}]",
            (
                "5:40: sync_groups[0].instances[1]: c needs the same priority as a, because the"
                " members of a group move together"
            ),
        ),
        (
            "[{file: /f, weight: 1}]",
            "[{file: /f, weight: 2}]",
            "[{name: g, instances: [a, b]}]",
            "5:40: sync_groups[0].instances[1]: the members of a group must track file /f with"
            " the same weight and weight_when",
        ),
        (
            "[{process: p, weight: 2, weight_when: down}]",
            "[{process: p, weight: 2}]",
            "[{name: g, instances: [a, b]}]",
            "5:40: sync_groups[0].instances[1]: the members of a group must track process p with"
            " the same weight and weight_when",
        ),
        (
            "[{script: /s, rise: 1}]",
            "[{script: /s}]",
            "[]",
            "3:102: vrrp[1].track[0].script: the same script has another user, group or timing at"
            " vrrp[0].track[0].script",
        ),
        (
            "[]",
            "[]",
            "[{name: g, instances: [a, b], notify: [{script: ./bin}]}]",
            '5:62: sync_groups[0].notify[0].script: wrong value (got "./bin", expected the absolute'
            " path of a program, or the name of a program on PATH)",
        ),
    ],
)
def test_a_fault_of_a_sync_group(
    faults_of: FaultsOf, a: str, b: str, groups: str, fault: str
) -> None:
    """Members that cannot move together. An empty fault stands for a valid file."""
    assert faults_of(GROUPS.format(a=a, b=b, groups=groups))[:1] == ([fault] if fault else [])


def test_members_of_a_sync_group_track_the_objects_of_all_members() -> None:
    groups = "[{name: g, instances: [b, a], notify: [{script: /n, user: root, arguments: [x]}]}]"
    text = GROUPS.format(a="[{file: /f}]", b="[{script: /s, arguments: [-v]}]", groups=groups)
    configuration = parse(text.encode(), "f", "host")
    a, b, c = configuration.vrrp
    assert a.track == b.track
    assert {str(tracked.key) for tracked in a.track} == {"file /f", "script /s -v"}
    assert (a.sync_group, b.sync_group, c.sync_group) == ("g", "g", None)
    (script,) = configuration.tracked_scripts
    assert script == TrackedScript(
        key=TrackedKey("script", "/s -v"),
        script=Script(path="/s", arguments=("-v",), user="nobody", timeout=1.0),
        timing=Timing(interval=2.0, timeout=1.0, rise=2, fall=2),
    )
    (notification,) = configuration.notifications
    assert notification == Notification(
        kind="GROUP",
        name="g",
        scripts=(
            NotifyScript(
                script=Script(
                    path="/n", arguments=("x",), user="root", timeout=30.0, leaves_daemons=True
                ),
                on=("active", "backup", "fault", "stop"),
            ),
        ),
    )


def test_tracked_objects_become_the_model() -> None:
    text = FILE.format(tracked="{pool: web, weight: -50}, {interface: eth1, flap_delay: 2s}")
    (instance,) = parse(text.encode(), "f", "host").vrrp
    assert instance.track == (
        TrackedObject(key=TrackedKey("pool", "web"), weight=-50),
        TrackedObject(key=TrackedKey("interface", "eth1"), flap_delay=2.0),
        TrackedObject(key=TrackedKey("fitness", "of this director"), weight=-253),
        TrackedObject(key=TrackedKey("visibility", "of backends"), weight=-150),
    )


def test_a_process_has_the_values_of_its_section() -> None:
    """The text identifies the processes and the conditions in reports."""
    tracked = (
        "{process: {command: a, arguments: [-f, a b], arguments_match: first, at_least: 2,"
        " at_most: 4, up_delay: 1s, down_delay: 500ms}}, {process: b, weight: 5}"
    )
    found = parse(FILE.format(tracked=tracked).encode(), "f", "host")
    title = (
        "a -f 'a b' (command, first arguments, at least 2, at most 4, up after 1s, down after 0.5s)"
    )
    assert found.tracked_processes == (
        TrackedProcess(
            key=TrackedKey("process", title),
            pattern=ProcessPattern(
                command="a", arguments=("-f", "a b"), arguments_match=ArgumentsMatch.FIRST
            ),
            at_least=2,
            at_most=4,
            up_delay=1.0,
            down_delay=0.5,
        ),
        TrackedProcess(key=TrackedKey("process", "b"), pattern=ProcessPattern(name="b")),
    )
    assert [each.key.name for each in found.vrrp[0].track[:2]] == [title, "b"]
