"""Finds the problems of a pair: faults of a peer and of the link, and differences. Pure.

They join the problems of the director, so that there is one verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from hadirector.pair.advertisements import find_instance, find_sender
from hadirector.pair.comparison import DifferenceKind, LastingDifference
from hadirector.pair.peers import Peer, Peers, Reach
from hadirector.pair.report import Comparison, describe_fact, unready_facts
from hadirector.pair.split_brain import SplitBrain
from hadirector.pair.state import PairState
from hadirector.status.verdict import Level, Problem

HEARD_SECONDS: Final = 3.0
"""A peer with a received advertisement that is not older advertises."""


class Meaning(NamedTuple):
    """The code, the level, a noun and the remedy of the problem for a kind of differences."""

    code: str
    level: Level
    noun: str
    remedy: str


MEANINGS: Final = {
    DifferenceKind.VERSION: Meaning(
        "pair_version_differs",
        Level.OK,
        "the version",
        "upgrade the other director as soon as this version has proved itself",
    ),
    DifferenceKind.CLOCK: Meaning(
        "pair_clock_differs",
        Level.DEGRADED,
        "the clock",
        "repair the clocks of both hosts (NTP)",
    ),
    DifferenceKind.CONFIGURATION: Meaning(
        "pair_configuration_differs",
        Level.DEGRADED,
        "the configuration",
        "`hadirector pair diff` shows the sections; give both directors the same file",
    ),
    DifferenceKind.INSTANCE: Meaning(
        "pair_instances_differ",
        Level.DEGRADED,
        "a VRRP instance",
        "give both directors the same instances with the same virtual_router_id",
    ),
    DifferenceKind.VERDICTS: Meaning(
        "pair_verdicts_differ",
        Level.DEGRADED,
        "the verdicts on real servers",
        "`hadirector why VS` on both directors shows the checks; one director may not reach the"
        " real servers",
    ),
    DifferenceKind.WANTED: Meaning(
        "pair_weights_differ",
        Level.DEGRADED,
        "the weights of real servers",
        "`hadirector why VS` on both directors shows the reason of each weight",
    ),
    DifferenceKind.ACTUAL: Meaning(
        "pair_tables_differ",
        Level.DEGRADED,
        "the table of the kernel",
        "`hadirector status --problems` on both directors shows the operations that fail",
    ),
    DifferenceKind.OVERRIDE: Meaning(
        "pair_overrides_differ",
        Level.DEGRADED,
        "an override",
        "wait for the link, or give the order on both directors",
    ),
    DifferenceKind.PAUSE: Meaning(
        "pair_pause_differs",
        Level.OK,
        "the pause",
        "`hadirector pause` and `hadirector resume` concern one director each",
    ),
    DifferenceKind.CONNECTION_SYNC: Meaning(
        "pair_sync_differs",
        Level.DEGRADED,
        "the sync daemon",
        "give both directors the same sync_daemon; until then, a failover cuts connections",
    ),
}


def find_problems(
    own: PairState, peers: Peers, comparison: Comparison, now: float
) -> Iterator[Problem]:
    """Yield the problems of the pair as this director sees it. ``now`` is in monotonic seconds."""
    for split_brain in comparison.split_brains:
        yield _split_brain(split_brain, now)
    for peer in peers.values():
        yield from _peer_problems(own, peer, now)
    faults = [each for each in comparison.differences if each.is_fault(now)]
    for name in peers:
        for kind, meaning in MEANINGS.items():
            found = [each for each in faults if (each.peer, each.difference.kind) == (name, kind)]
            if found:
                yield _difference_problem(name, meaning, found, now)


def hears(own: PairState, peer: PairState) -> bool:
    """Return whether an instance of this director hears the advertisements of a peer."""
    for instance in own.instances:
        theirs = find_instance(peer, instance.name)
        sender = None if theirs is None else find_sender(instance, theirs.address)
        if sender is not None and sender.silence is not None and sender.silence <= HEARD_SECONDS:
            return True
    return False


def _split_brain(found: SplitBrain, now: float) -> Problem:
    return Problem(
        level=Level.CRITICAL,
        code="split_brain",
        object=f"instance {found.instance}",
        reason=f"{' and '.join(found.directors)} are both ACTIVE: {found.cause}",
        remedy=found.remedy,
        age=now - found.since,
    )


def _peer_problems(own: PairState, peer: Peer, now: float) -> Iterator[Problem]:
    seconds, name = now - peer.since, f"director {peer.name}"
    if peer.reach is Reach.LOST:
        heard = peer.state is not None and hears(own, peer.state)
        yield Problem(
            level=Level.DEGRADED,
            code="pair_peer_lost",
            object=name,
            reason=f"the director does not answer over the link ({peer.reason})"
            + (", but its advertisements are heard" if heard else ""),
            remedy="make sure that the director runs, and that neither the network nor a packet"
            " filter blocks the link",
            age=seconds,
        )
    elif peer.reach is Reach.REFUSED:
        yield Problem(
            level=Level.DEGRADED,
            code="pair_peer_refused",
            object=name,
            reason=f"the answers of the director are refused: {peer.reason}",
            remedy="remove the cause in the message; until then, its state is not known",
            age=seconds,
        )
    elif peer.reach is Reach.REACHED and peer.state is not None:
        facts = unready_facts(peer.state)
        if facts:
            more = f" (and {len(facts) - 1} more)" if len(facts) > 1 else ""
            yield Problem(
                level=Level.DEGRADED,
                code="pair_peer_unready",
                object=name,
                reason=f"the director could not take over: {describe_fact(facts[0])}{more}",
                remedy="`hadirector why readiness` on that director shows what is missing",
                age=max(fact.seconds for fact in facts),
            )


def _difference_problem(
    peer: str, meaning: Meaning, found: Iterable[LastingDifference], now: float
) -> Problem:
    """Return one problem for all differences of a kind."""
    first, *others = found
    difference = first.difference
    about = f" of {difference.object}" if difference.object else ""
    sides = f"{difference.here or 'this clock'} here, {difference.there} on {peer}"
    more = f" (and {len(others)} more)" if others else ""
    return Problem(
        level=meaning.level,
        code=meaning.code,
        object=f"director {peer}",
        reason=f"{meaning.noun}{about} differs: {sides}{more}",
        remedy=meaning.remedy,
        age=now - first.since,
    )
