"""Keeps the results of the comparison of a pair, and finds the events in their changes. Pure.

Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec

from hadirector.pair.advertisements import (
    History,
    Views,
    find_flows,
    find_strangers,
    remember,
)
from hadirector.pair.comparison import DifferenceKind, LastingDifference, find_differences, follow
from hadirector.pair.peers import Peers
from hadirector.pair.report import Comparison, views
from hadirector.pair.split_brain import (
    UNKNOWN_CAUSE,
    Conflicts,
    SplitBrain,
    find_conflicts,
    find_split_brains,
)
from hadirector.pair.state import PairState


class Knowledge(msgspec.Struct, frozen=True):
    """The results of the comparison, and the counts and times that the next comparison needs."""

    comparison: Comparison = Comparison()
    history: History = {}
    conflicts: Conflicts = {}


NOTHING_KNOWN = Knowledge()


def update(known: Knowledge, own: PairState, peers: Peers, now: float) -> Knowledge:
    """Return the knowledge after a change of the own state or of a peer."""
    current = views(own, peers, now)
    history = remember(known.history, current)
    flows = tuple(find_flows(history, current))
    conflicts = find_conflicts(known.conflicts, current, now)
    comparison = Comparison(
        at=now,
        differences=tuple(_differences(known, own, peers, current, now)),
        flows=flows,
        split_brains=tuple(find_split_brains(conflicts, flows, current, now)),
        strangers=tuple(find_strangers(current)),
    )
    return Knowledge(comparison, history, conflicts)


class Event(NamedTuple):
    """An event of the pair: the level of its log line, its name and its fields."""

    level: Literal["info", "warning", "error"]
    name: str
    fields: dict[str, str | int | float]


def find_events(before: Comparison, after: Comparison) -> Iterator[Event]:
    """Yield the events between two comparisons.

    All differences of one kind from one peer make one event: the directors can disagree about
    hundreds of virtual servers.
    """
    yield from _split_brain_events(_by_place(before), _by_place(after), after.at)
    faults, known = _by_kind(after), _by_kind(before)
    for key, found in faults.items():
        if key not in known:
            peer, kind = key
            first = found[0].difference
            fields: dict[str, str | int | float] = {
                "peer": peer,
                "kind": str(kind),
                "count": len(found),
                "first": first.object,
                "here": first.here,
                "there": first.there,
            }
            yield Event("warning", "pair_difference_found", fields)
    for peer, kind in known.keys() - faults.keys():
        yield Event("info", "pair_difference_ended", {"peer": peer, "kind": str(kind)})


def _differences(
    known: Knowledge, own: PairState, peers: Peers, current: Views, now: float
) -> Iterator[LastingDifference]:
    before = known.comparison.differences
    for peer in peers.values():
        if peer.name in current:
            found = find_differences(own, current[peer.name].state, peer.clock_skew)
            yield from follow(before, peer.name, found, now)


def _by_place(comparison: Comparison) -> Mapping[tuple[object, ...], SplitBrain]:
    return {(each.instance, *each.directors): each for each in comparison.split_brains}


def _split_brain_events(
    before: Mapping[tuple[object, ...], SplitBrain],
    after: Mapping[tuple[object, ...], SplitBrain],
    now: float,
) -> Iterator[Event]:
    for key, found in after.items():
        known = before.get(key)
        explained = known is not None and known.cause == UNKNOWN_CAUSE != found.cause
        if known is None or explained:
            name = "split_brain_explained" if explained else "split_brain_detected"
            yield Event("error", name, {**_place(found), "cause": found.cause})
    for key in before.keys() - after.keys():
        over = before[key]
        yield Event(
            "info", "split_brain_ended", {**_place(over), "seconds": round(now - over.since, 1)}
        )


def _place(found: SplitBrain) -> dict[str, str | int | float]:
    return {"instance": found.instance, "directors": " and ".join(found.directors)}


def _by_kind(
    comparison: Comparison,
) -> Mapping[tuple[str, DifferenceKind], list[LastingDifference]]:
    """Return the differences that are faults, by the peer and the kind."""
    found: dict[tuple[str, DifferenceKind], list[LastingDifference]] = {}
    for each in comparison.differences:
        if each.is_fault(comparison.at):
            found.setdefault((each.peer, each.difference.kind), []).append(each)
    return found
