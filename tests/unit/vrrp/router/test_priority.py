"""The priority that results from tracked objects, and the text of the calculation."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from vrrp.model.configuration import TrackedKey, TrackedKind, TrackedObject
from vrrp.model.report import PriorityTerm
from vrrp.router.priority import EffectivePriority, Impairment, effective_priority


def tracked(
    kind: TrackedKind, name: str, weight: int = 0, when: Literal["up", "down"] | None = None
) -> TrackedObject:
    return TrackedObject(key=TrackedKey(kind, name), weight=weight, weight_when=when)


WEB = tracked("pool", "web", -50)
FAST = tracked("script", "/fast", 20)
LOAD = tracked("file", "/load", 10)
DIM = tracked("file", "/load", -10)
SPARE = tracked("process", "spare", 40, "down")
BUSY = tracked("process", "backup", -40, "up")
PLAIN = tracked("process", "plain", 40, "up")
UPLINK = tracked("interface", "eth1")
SWITCH = tracked("file", "/off")
SIGHT = tracked("visibility", "of backends", -150)
FIT = tracked("fitness", "of this director", -253)


def moved(priority: int, arithmetic: str) -> EffectivePriority:
    return EffectivePriority(priority, arithmetic)


def lowered(priority: int, arithmetic: str) -> EffectivePriority:
    return EffectivePriority(priority, arithmetic, impairment=Impairment.LOWERED)


def unfit(priority: int, arithmetic: str) -> EffectivePriority:
    return EffectivePriority(priority, arithmetic, impairment=Impairment.UNFIT)


def unmoved(
    priority: int, fault: str | None = None, unknown: str | None = None
) -> EffectivePriority:
    return EffectivePriority(priority, str(priority), fault, unknown)


TABLE: list[tuple[int, list[TrackedObject], dict[TrackedKey, int], EffectivePriority]] = [
    (200, [], {}, unmoved(200)),
    # A negative weight is added while the object is down, a positive one while it is up.
    (200, [WEB], {WEB.key: 1}, unmoved(200)),
    (200, [WEB], {WEB.key: 0}, lowered(150, "200 - 50 (pool web) = 150")),
    (100, [FAST], {FAST.key: 1}, moved(120, "100 + 20 (script /fast) = 120")),
    (100, [FAST], {FAST.key: 0}, lowered(100, "100")),
    (
        200,
        [WEB, FAST],
        {WEB.key: 0, FAST.key: 1},
        lowered(170, "200 - 50 (pool web) + 20 (script /fast) = 170"),
    ),
    # weight_when: the priority is lowered if it is below the priority with all objects up.
    (100, [SPARE], {SPARE.key: 1}, unmoved(100)),
    (100, [SPARE], {SPARE.key: 0}, moved(140, "100 + 40 (process spare) = 140")),
    (100, [BUSY], {BUSY.key: 1}, moved(60, "100 - 40 (process backup) = 60")),
    (100, [BUSY], {BUSY.key: 0}, unmoved(100)),
    (100, [PLAIN], {PLAIN.key: 1}, moved(140, "100 + 40 (process plain) = 140")),
    (100, [PLAIN], {PLAIN.key: 0}, lowered(100, "100")),
    (
        100,
        [SPARE, WEB],
        {SPARE.key: 0, WEB.key: 0},
        lowered(90, "100 + 40 (process spare) - 50 (pool web) = 90"),
    ),
    # The weight of a file is multiplied by its number.
    (100, [LOAD], {LOAD.key: 3}, moved(130, "100 + 30 (file /load: 3 * 10) = 130")),
    (100, [LOAD], {LOAD.key: -3}, lowered(70, "100 - 30 (file /load: -3 * 10) = 70")),
    (100, [DIM], {DIM.key: 3}, lowered(70, "100 - 30 (file /load: 3 * -10) = 70")),
    (100, [LOAD], {LOAD.key: 0}, unmoved(100)),
    # 0 and 255 are never reached, and 255 is never left.
    (30, [WEB], {WEB.key: 0}, lowered(1, "30 - 50 (pool web) = -20, limited to 1")),
    (
        250,
        [FAST],
        {FAST.key: 1},
        moved(254, "250 + 20 (script /fast) = 270, limited to 254"),
    ),
    (255, [WEB], {WEB.key: 0}, unmoved(255)),
    # A host that is blind or not fit cannot serve.
    (200, [SIGHT, FIT], {SIGHT.key: 1, FIT.key: 1}, unmoved(200)),
    (200, [SIGHT, FIT], {}, unmoved(200)),
    (
        200,
        [SIGHT, FIT],
        {SIGHT.key: 0, FIT.key: 1},
        unfit(50, "200 - 150 (visibility of backends) = 50"),
    ),
    (
        200,
        [SIGHT, FIT],
        {SIGHT.key: 1, FIT.key: 0},
        unfit(1, "200 - 253 (fitness of this director) = -53, limited to 1"),
    ),
    # Without a weight it is a fault, for the owner too.
    (200, [UPLINK], {UPLINK.key: 1}, unmoved(200)),
    (200, [UPLINK], {UPLINK.key: 0}, unmoved(200, "interface eth1 is down")),
    (255, [UPLINK], {UPLINK.key: 0}, unmoved(255, "interface eth1 is down")),
    (200, [SWITCH], {SWITCH.key: 0}, unmoved(200)),
    (200, [SWITCH], {SWITCH.key: 1}, unmoved(200, "file /off contains 1")),
    # An unknown value has no effect; without a weight the instance does not start.
    (200, [WEB, FAST, LOAD], {}, unmoved(200)),
    (200, [UPLINK], {}, unmoved(200, None, "the state of interface eth1 is not known yet")),
    (
        200,
        [UPLINK, SWITCH],
        {SWITCH.key: 7},
        unmoved(200, "file /off contains 7", "the state of interface eth1 is not known yet"),
    ),
]


@pytest.mark.parametrize(("configured", "objects", "values", "expected"), TABLE)
def test_priority_and_its_arithmetic(
    configured: int,
    objects: list[TrackedObject],
    values: dict[TrackedKey, int],
    expected: EffectivePriority,
) -> None:
    assert replace(effective_priority(configured, objects, values), terms=()) == expected


def test_the_terms_are_the_numbers_of_the_sum() -> None:
    values = {WEB.key: 0, FAST.key: 1, LOAD.key: 3}
    assert effective_priority(200, [WEB, FAST, LOAD], values).terms == (
        PriorityTerm(200, "configured"),
        PriorityTerm(-50, "pool web"),
        PriorityTerm(20, "script /fast"),
        PriorityTerm(30, "file /load: 3 * 10"),
    )
    assert effective_priority(255, [WEB], values).terms == (PriorityTerm(255, "configured"),)


@given(
    st.integers(1, 254),
    st.lists(
        st.tuples(st.sampled_from(["file", "pool"]), st.integers(-253, 253), st.integers()),
        max_size=9,
    ),
)
def test_no_weights_reach_the_priorities_with_a_special_meaning(
    configured: int, numbers: list[tuple[TrackedKind, int, int]]
) -> None:
    """0 starts a handover, and 255 is the address owner."""
    objects = [tracked(kind, str(n), weight) for n, (kind, weight, _) in enumerate(numbers)]
    values = {each.key: value for each, (*_, value) in zip(objects, numbers, strict=True)}
    assert 1 <= effective_priority(configured, objects, values).priority <= 254
