"""Instances without virtual addresses need a notify script, and cause a warning."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse

FaultsOf = Callable[[str], list[str]]

ROLE = "vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: []"
OTHER = "{name: b, interface: eth1, virtual_router_id: 1, virtual_addresses: [10.0.0.8]}"
GROUP = "\nsync_groups: [{name: g, instances: [a, b]"
FAULT = (
    "1:76: vrrp[0].virtual_addresses: the list is empty (expected an address, or the key notify"
    " with a script that acts on the role)"
)


@pytest.mark.parametrize(
    ("rest", "faults"),
    [
        ("}]", [FAULT]),
        (", notify: [{script: /bin/true}]}]", []),
        (f"}}, {OTHER}]{GROUP}}}]", [FAULT]),
        (f"}}, {OTHER}]{GROUP}, notify: [{{script: /bin/true}}]}}]", []),
        (
            f"}}, {OTHER}]{GROUP}, notify: [{{script: ./relative}}]}}]",
            [
                '2:62: sync_groups[0].notify[0].script: wrong value (got "./relative", expected'
                " the absolute path of a program, or the name of a program on PATH)"
            ],
        ),
    ],
)
def test_a_role_without_a_script_is_refused(
    faults_of: FaultsOf, rest: str, faults: list[str]
) -> None:
    assert faults_of(ROLE + rest) == faults


def test_a_role_causes_a_warning() -> None:
    configuration = parse(f"{ROLE}, notify: [{{script: /bin/true}}]}}]".encode(), "f", "host")
    assert configuration.warnings == (
        "f:1:76: vrrp[0].virtual_addresses: the VRRP instance a has no address: nothing fences its"
        " role. If its director hangs, a peer becomes ACTIVE, and no notify script ends the old"
        " role",
    )
    (instance,) = configuration.vrrp
    assert (instance.virtual_addresses, instance.family) == ((), 4)


def test_the_source_decides_the_family_of_a_role() -> None:
    text = (
        f"{ROLE}, unicast: {{source: 'fe80::1', peers: ['fe80::2']}}, notify: [{{script: /b}}]}}]"
    )
    (instance,) = parse(text.encode(), "f", "host").vrrp
    assert instance.family == 6
