"""Finds what keeps the peers of a director from taking its addresses over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from hadirector.pair.advertisements import find_instance, find_sender
from hadirector.pair.comparison import DifferenceKind, find_differences
from hadirector.pair.peers import Peer, Reach
from hadirector.pair.readiness import RELIANCE_SECONDS, Severity, describe_fact
from hadirector.pair.state import InstanceState, PairState
from vrrp.model.report import State

SECTIONS_MAX: Final = 5
"""Sections of the configuration that a list of obstacles names."""
_INTERVALS_MAX: Final = 3
"""A peer without an advertisement for more intervals is about to take over without a handover."""


def find_obstacles(
    own: PairState, peers: Iterable[Peer], intervals: Mapping[str, float], now: float
) -> tuple[str, ...]:
    """Return why no peer should take these instances over; nothing if one peer can take each.

    ``intervals`` are the advertisement intervals of the instances by their names, in seconds.
    """
    every: list[str] = []
    for name, interval in intervals.items():
        found = [[*_peer_obstacles(own, peer, name, interval, now)] for peer in peers]
        if all(found):
            every += [text for texts in found for text in texts]
    return tuple(dict.fromkeys(every))


def _peer_obstacles(
    own: PairState, peer: Peer, name: str, interval: float, now: float
) -> Iterator[str]:
    state = peer.state
    if peer.reach is not Reach.REACHED or state is None or peer.asked_at is None:
        yield f"{peer.name} is not reached: {peer.reason}"
        return
    if now - peer.asked_at >= RELIANCE_SECONDS:
        yield f"{peer.name}: its latest state is {now - peer.asked_at:.1f} s old"
        return
    for fact in state.readiness:
        if fact.severity != Severity.ALARM:
            yield f"{peer.name}: {describe_fact(fact)}"
    yield from _other_sections(own, peer.name, state)
    ours, theirs = find_instance(own, name), find_instance(state, name)
    if ours is not None:
        yield from _instance_obstacles(ours, peer.name, theirs, interval)


def _other_sections(own: PairState, peer: str, state: PairState) -> Iterator[str]:
    differences = find_differences(own, state, 0.0)
    names = [each.object for each in differences if each.kind is DifferenceKind.CONFIGURATION]
    for name in names[:SECTIONS_MAX]:
        yield f"{peer} has another {name} (`hadirector pair diff`)"
    if len(names) > SECTIONS_MAX:
        yield f"{peer} has {len(names) - SECTIONS_MAX} more sections that differ"


def _instance_obstacles(
    ours: InstanceState, peer: str, theirs: InstanceState | None, interval: float
) -> Iterator[str]:
    if theirs is None or theirs.vrid != ours.vrid:
        yield f"{peer} has no instance {ours.name} with VRID {ours.vrid}"
        return
    if theirs.state is State.INITIALIZE:
        yield f"{peer}: instance {ours.name} takes no part in elections"
    if ours.state is not State.ACTIVE or theirs.state is State.INITIALIZE:
        return
    sender = find_sender(theirs, ours.address)
    if sender is None or not sender.received:
        yield f"{peer}: instance {ours.name} receives nothing from this director ({ours.address})"
    elif sender.silence is not None and sender.silence > _INTERVALS_MAX * interval:
        yield (
            f"{peer}: instance {ours.name} has received nothing from this director for"
            f" {sender.silence:.1f} s"
        )
