"""Every fault of a ``track`` list is reported with what was found and what was expected."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from vrrp.configuration import TrackedObject

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
KINDS = "interface, pool"


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
        (
            "{pool: web, wait: 9}",
            '6:25: vrrp[0].track[0]: unknown key "wait", did you mean "weight"?',
        ),
    ],
)
def test_a_fault_of_a_tracked_object(faults_of: FaultsOf, tracked: str, fault: str) -> None:
    """What cannot be tracked, or not in this way; the empty fault is a good file."""
    assert faults_of(FILE.format(tracked=tracked)) == ([fault] if fault else [])


def test_tracked_objects_become_the_model() -> None:
    text = FILE.format(tracked="{pool: web, weight: -50}, {interface: eth1, flap_delay: 2s}")
    (instance,) = parse(text.encode(), "f", "host").vrrp
    assert instance.track == (
        TrackedObject(kind="pool", name="web", weight=-50),
        TrackedObject(kind="interface", name="eth1", flap_delay=2.0),
    )
