"""What keeps a peer from taking the addresses over."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hadirector.pair.peers import Reach
from hadirector.pair.standby import find_obstacles
from hadirector.pair.state import (
    ConfigurationHashes,
    InstanceState,
    PairState,
    ReadinessFact,
    SenderState,
)
from tests.unit.pair.test_readiness import peer
from vrrp.model.report import State

HASHES = ConfigurationHashes("a", {"virtual_servers/web": "1"})
OWN = PairState(
    configuration=HASHES,
    instances=(InstanceState("web", 51, state=State.ACTIVE, address="192.0.2.1"),),
)
HEARD = SenderState("192.0.2.1", received=40, silence=0.4)
INSTANCE = InstanceState("web", 51, state=State.BACKUP, senders=(HEARD,))
GOOD = PairState(configuration=HASHES, instances=(INSTANCE,))
WEB = {"web": 1.0}


def obstacles(state: PairState | None = GOOD, **fields: Any) -> tuple[str, ...]:
    return find_obstacles(OWN, [peer(state, **fields)], WEB, 8.0)


def with_instance(**fields: Any) -> PairState:
    return replace(GOOD, instances=(replace(INSTANCE, **fields),))


def test_a_ready_peer_that_hears_this_director_can_take_over() -> None:
    assert obstacles() == ()
    alarm = replace(GOOD, readiness=(ReadinessFact("clock_skew", "alarm", 9.0),))
    assert obstacles(alarm) == ()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            replace(GOOD, readiness=(ReadinessFact("blind", "unready", 9.0),)),
            "lb2: it is blind (9 s)",
        ),
        (
            replace(GOOD, configuration=ConfigurationHashes("b", {"virtual_servers/web": "2"})),
            "lb2 has another virtual_servers/web (`hadirector pair diff`)",
        ),
        (replace(GOOD, instances=()), "lb2 has no instance web with VRID 51"),
        (with_instance(vrid=52), "lb2 has no instance web with VRID 51"),
        (
            with_instance(state=State.INITIALIZE),
            "lb2: instance web takes no part in elections",
        ),
        (
            with_instance(senders=()),
            "lb2: instance web receives nothing from this director (192.0.2.1)",
        ),
        (
            with_instance(senders=(replace(HEARD, silence=3.1),)),
            "lb2: instance web has received nothing from this director for 3.1 s",
        ),
    ],
)
def test_each_obstacle_is_named(state: PairState, expected: str) -> None:
    assert obstacles(state) == (expected,)


def test_a_peer_that_is_not_reached_is_not_known_to_be_ready() -> None:
    assert obstacles(reach=Reach.LOST, reason="no answer") == ("lb2 is not reached: no answer",)
    assert obstacles(None) == ("lb2 is not reached: no answer yet",)
    assert obstacles(asked_at=5.0) == ("lb2: its latest state is 3.0 s old",)


def test_one_peer_that_can_take_over_is_enough() -> None:
    lost = peer(None, name="lb3", reach=Reach.LOST)
    assert find_obstacles(OWN, [lost, peer(GOOD)], WEB, 8.0) == ()
    assert find_obstacles(OWN, [lost], {}, 8.0) == ()
